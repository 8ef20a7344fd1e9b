import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.split import SplitRow, assign, from_document, place
from deskwheel.errors import StateError

SUBJECTS = st.text(min_size=1, max_size=40)
SHARES = st.floats(0.0, 1.0)


def split(share: float, *, salt: str = "s", challenger: str | None = "new") -> SplitRow:
    return SplitRow(salt=salt, champion="old", challenger=challenger, share=share, revision=3)


@given(SUBJECTS, SHARES)
def test_assignment_is_sticky(subject: str, share: float) -> None:
    first, again = split(share), from_document(split(share).body(), 9)
    assert assign(first, tenant="t", subject=subject) == assign(again, tenant="t", subject=subject)


@given(SUBJECTS, SHARES, SHARES)
def test_assignment_is_nested_as_the_share_grows(subject: str, one: float, two: float) -> None:
    low, high = sorted((one, two))
    if assign(split(low), tenant="t", subject=subject) == "new":
        assert assign(split(high), tenant="t", subject=subject) == "new"


@given(SUBJECTS)
def test_share_of_nobody_and_of_everybody_are_exact(subject: str) -> None:
    assert assign(split(0.0), tenant="t", subject=subject) == "old"
    assert assign(split(1.0), tenant="t", subject=subject) == "new"


@given(SUBJECTS, st.text(max_size=20), st.text(max_size=20))
def test_place_is_in_the_unit_interval(subject: str, salt: str, tenant: str) -> None:
    assert 0.0 <= place(salt, tenant, subject) < 1.0


@pytest.mark.parametrize("share", [0.01, 0.05, 0.25, 0.5])
def test_share_is_kept_over_many_customers(share: float) -> None:
    n = 20_000
    hits = sum(assign(split(share), tenant="t", subject=f"c-{i}") == "new" for i in range(n))
    assert abs(hits - n * share) < 4 * (n * share * (1 - share)) ** 0.5


def test_salt_and_tenant_draw_the_arms_anew() -> None:
    half = split(0.5)
    subjects = [f"c-{i}" for i in range(2000)]

    def arms(row: SplitRow, tenant: str) -> list[str]:
        return [assign(row, tenant=tenant, subject=s) for s in subjects]

    for other in (arms(split(0.5, salt="s2"), "t"), arms(half, "t2")):
        same = sum(a == b for a, b in zip(arms(half, "t"), other, strict=True))
        assert 850 < same < 1150  # independent arms agree half of the time


def test_place_is_the_same_on_every_machine() -> None:
    # First 64 bits of SHA-256 over the three parts, each behind its length in 8 bytes.
    assert place("deskwheel-1", "default", "c-1") == 0x14E843898F3BBE90 / 2**64


def test_without_challenger_or_subject_the_champion_answers() -> None:
    assert assign(split(0.0, challenger=None), tenant="t", subject="c") == "old"
    assert assign(split(1.0), tenant="t", subject=None) == "old"


@pytest.mark.parametrize(
    "change", [{"share": 1.5}, {"share": float("nan")}, {"share": "many"}, {"champion": None}]
)
def test_a_split_that_cannot_be_read_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(StateError, match="revision 2"):
        from_document({**split(0.5).body(), **change}, 2)


def test_a_split_without_a_field_is_refused() -> None:
    body = split(0.5).body()
    del body["salt"]
    with pytest.raises(StateError, match="salt"):
        from_document(body, 1)


def test_a_challenger_enters_with_a_salt_of_its_own_and_leaves() -> None:
    under_test = split(0.0, challenger=None).with_challenger("new", 0.05, salt="s/new")
    assert under_test.names() == ("old", "new")
    assert (under_test.share, under_test.salt) == (0.05, "s/new")
    assert under_test.without_challenger().names() == ("old",)
    assert under_test.without_challenger().share == 0.0
