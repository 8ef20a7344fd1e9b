import math
from datetime import UTC, datetime, timedelta

import pytest

from deskwheel.records import Role, Utterance
from transforms.resolution.estimate import (
    AGAINST,
    IN_FAVOUR,
    SIGNS,
    decide,
    evidence,
    find_signs,
    learned_weights,
    probability,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANSWER = "Hold the button on the back for ten seconds until the light turns amber."


def said(*lines: tuple[Role, str]) -> list[Utterance]:
    return [
        Utterance(turn_id=f"t-{i}", role=role, text=text, sent_at=NOON + timedelta(minutes=i),
                  authorship="human")
        for i, (role, text) in enumerate(lines)
    ]  # fmt: skip


ASKED: tuple[Role, str] = ("customer", "How do I reset my router?")
ANSWERED: tuple[Role, str] = ("agent", ANSWER)


THANKED: tuple[Role, str] = ("customer", "Thank you.")


@pytest.mark.parametrize(
    ("sign", "lines", "status", "csat"),
    [
        ("status_solved", [ASKED, ANSWERED], "solved", None),
        ("status_unsolved", [ASKED, ANSWERED], "transferred", None),
        ("csat_high", [ASKED, ANSWERED], None, 4),
        ("csat_low", [ASKED, ANSWERED], None, 2),
        ("customer_confirms", [ASKED, ANSWERED, ("customer", "That worked, thanks.")], None, None),
        ("customer_thanks", [ASKED, ANSWERED, THANKED], None, None),
        ("customer_still_stuck", [ASKED, ANSWERED, ("customer", "It did not work.")], None, None),
        ("customer_waits", [ASKED, ("agent", "They will call you."), ("customer", "ok")],
         None, None),
        ("customer_unanswered", [ASKED, ANSWERED, ("customer", "And now?")], None, None),
        ("agent_completes", [ASKED, ("agent", "Your order has been cancelled.")], None, None),
        ("agent_answers", [ASKED, ANSWERED], None, None),
        ("agent_asks", [ASKED, ("agent", "Which router do you have?")], None, None),
        ("agent_refuses", [ASKED, ("agent", "We don't sell routers.")], None, None),
        ("agent_refused", [ASKED, ("agent", "We don't sell routers."), ("customer", "Phones?"),
                           ("agent", "We have some by the window.")], None, None),
        ("agent_hands_over", [ASKED, ("agent", "I am transferring you to billing.")], None, None),
        ("agent_defers", [ASKED, ("agent", "We will get back to you.")], None, None),
        ("agent_never_answers", [ASKED, ("agent", "Let me check.")], None, None),
    ],
)  # fmt: skip
def test_a_sign_is_shown(
    sign: str, lines: list[tuple[Role, str]], status: str | None, csat: int | None
) -> None:
    assert sign in find_signs(said(*lines), status, csat)


def test_every_sign_has_been_shown() -> None:
    marker = test_a_sign_is_shown.pytestmark[0]  # type: ignore[attr-defined]
    assert [row[0] for row in marker.args[1]] == list(SIGNS)


def test_thanks_alone_confirm_nothing() -> None:
    signs = find_signs(said(ASKED, ANSWERED, ("customer", "Thanks, bye.")), None, None)
    assert "customer_confirms" not in signs


def test_who_is_stuck_does_not_confirm() -> None:
    lines = said(ASKED, ANSWERED, ("customer", "Great, it still does not work."))
    signs = find_signs(lines, None, None)
    assert "customer_still_stuck" in signs
    assert "customer_confirms" not in signs


def test_what_the_customer_said_before_any_agent_confirms_nothing() -> None:
    lines = said(("customer", "Your shop is great"), ANSWERED)
    assert "customer_confirms" not in find_signs(lines, None, None)


@pytest.mark.parametrize(
    ("lines", "status", "csat", "verdict"),
    [
        ([ASKED, ANSWERED, ("customer", "That worked.")], "solved", 5, "resolved"),
        ([ASKED, ANSWERED, ("customer", "That worked.")], None, None, "resolved"),
        ([ASKED, ANSWERED], "solved", None, "resolved"),
        ([ASKED, ANSWERED, ("customer", "No luck.")], None, None, "unresolved"),
        ([ASKED, ANSWERED, ("customer", "No luck.")], "solved", None, "unresolved"),
        ([ASKED, ANSWERED], None, None, "undecided"),
        ([ASKED, ("agent", "I am transferring you to billing.")], None, None, "unresolved"),
        ([ASKED], "unsolved", None, "unresolved"),
        ([ASKED], None, None, "unresolved"),
        ([], None, None, "unresolved"),
    ],
)
def test_signs_add_up_to_a_verdict(
    lines: list[tuple[Role, str]], status: str | None, csat: int | None, verdict: str
) -> None:
    assert decide(probability(find_signs(said(*lines), status, csat))) == verdict


def test_weights_that_are_given_count_instead_of_the_release_s() -> None:
    weights = {"intercept": 0.0, "csat_high": 2.0}
    assert probability([], weights) == 0.5
    assert probability(["csat_high"], weights) == pytest.approx(0.8808, abs=1e-4)


def test_evidence_adds_up_to_the_log_odds_of_the_probability() -> None:
    weights = {"intercept": 0.5, "csat_high": 0.794, "agent_asks": -0.12}
    signs = ["csat_high", "agent_asks"]
    assert evidence(signs, weights) == ["csat_high:+0.79", "agent_asks:-0.12"]
    p = probability(SIGNS)
    told = sum(float(line.partition(":")[2]) for line in evidence(SIGNS))
    assert math.log(p / (1 - p)) - learned_weights()["intercept"] == pytest.approx(told, abs=0.1)


@pytest.mark.parametrize("said_last", ["great, still dark", "oh great. it broke again"])
def test_sarcasm_resolves_nothing(said_last: str) -> None:
    signs = find_signs(said(ASKED, ANSWERED, ("customer", said_last)), None, None)
    assert "customer_still_stuck" in signs
    assert decide(probability(signs)) == "unresolved"


def test_every_sign_has_a_weight_and_points_where_its_name_does() -> None:
    weights = learned_weights()
    assert set(weights) == {"intercept", *SIGNS}
    for good in IN_FAVOUR:
        assert weights[good] > 0
    for bad in AGAINST:
        assert weights[bad] <= 0


def test_the_bounds_belong_to_the_verdicts() -> None:
    assert [decide(p) for p in (0.35, 0.36, 0.64, 0.65)] == [
        "unresolved", "undecided", "undecided", "resolved",
    ]  # fmt: skip
