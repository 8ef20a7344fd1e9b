from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.bases.judge import Standing, compare, pareto_front, recommend
from train.bases.licence import classify

APACHE = classify("apache-2.0", source="model card")
LLAMA = classify("llama3", source="model card")
UNSTATED = classify("", source="")
BASIS = "predicted at 20,000 examples"


def standing(name: str, loss: float, **changes: object) -> Standing:
    plain = Standing(
        name=name,
        licence=APACHE,
        loss=loss,
        model_sd=0.001,
        draws=(loss, loss + 0.01, loss - 0.01),
        answer_s=1.0,
        peak_bytes=2**30,
    )
    return replace(plain, **changes)


standings = st.lists(
    st.builds(
        standing,
        st.sampled_from("abcdefgh"),
        st.floats(0.3, 3.0),
        licence=st.sampled_from([APACHE, LLAMA, UNSTATED]),
        model_sd=st.floats(0.0, 0.2),
        answer_s=st.floats(0.01, 100.0),
        peak_bytes=st.integers(1, 2**40),
    ),
    unique_by=lambda s: s.name,
    max_size=6,
)


def test_the_lowest_loss_wins_where_it_is_clear() -> None:
    found = recommend([standing("a", 1.2), standing("b", 1.0)], allowed=["permissive"], basis=BASIS)
    assert (found.name, found.is_clear) == ("b", True)
    assert "b has the lowest loss" in found.reasons[0]
    assert "0.200 ± 0.003 bits/byte below a" in found.reasons[0]


def test_a_better_one_with_a_restricted_licence_is_named_and_passed_over() -> None:
    rows = [standing("a", 1.04), standing("b", 1.0, licence=LLAMA)]
    found = recommend(rows, allowed=["permissive"], basis=BASIS)
    assert found.name == "a"
    (reason,) = [r for r in found.reasons if r.startswith("b is")]
    assert "0.040 ± 0.003 bits/byte better, but its licence (llama3) is restricted" in reason
    assert "--licences permissive,restricted" in reason
    assert recommend(rows, allowed=["permissive", "restricted"], basis=BASIS).name == "b"


def test_without_a_clear_difference_the_faster_one_is_taken() -> None:
    rows = [
        standing("a", 1.00, model_sd=0.05, answer_s=2.3),
        standing("b", 1.01, model_sd=0.05, answer_s=1.2),
    ]
    found = recommend(rows, allowed=["permissive"], basis=BASIS)
    assert (found.name, found.is_clear) == ("b", False)
    assert "no clear difference from b" in found.reasons[0]
    assert "1.20 s for 1,000 characters where a takes 2.30 s" in found.reasons[1]


def test_what_is_hard_for_both_is_no_noise_between_them() -> None:
    shared = tuple(0.1 * n for n in range(10))
    one = standing("a", 1.0, model_sd=0.0, draws=shared)
    two = standing("b", 1.01, model_sd=0.0, draws=tuple(d + 0.01 for d in shared))
    assert compare(one, two).is_clear
    other = standing("b", 1.01, model_sd=0.0, draws=tuple(reversed(shared)))
    assert not compare(one, other).is_clear


def test_a_smaller_but_worse_one_is_mentioned() -> None:
    rows = [standing("a", 1.0, peak_bytes=4 * 2**30), standing("b", 1.5)]
    found = recommend(rows, allowed=["permissive"], basis=BASIS)
    assert "a needs 4.00 GiB to answer; b needs 1.00 GiB" in found.reasons[-1]


def test_nobody_is_recommended_out_of_nothing() -> None:
    found = recommend([], allowed=["permissive"], basis=BASIS)
    assert found.name is None
    assert "No candidate was measured" in found.reasons[0]


def test_nobody_is_recommended_against_the_licences() -> None:
    found = recommend([standing("a", 1.0, licence=UNSTATED)], allowed=["permissive"], basis=BASIS)
    assert found.name is None
    assert "no licence stated is unknown" in found.reasons[1]


@given(standings, st.sets(st.sampled_from(["permissive", "restricted", "unknown"]), min_size=1))
def test_a_recommendation_keeps_to_the_licences_and_is_never_clearly_beaten(
    rows: list[Standing], allowed: set[str]
) -> None:
    found = recommend(rows, allowed=allowed, basis=BASIS)
    free = [s for s in rows if s.licence.terms in allowed]
    assert (found.name is None) == (not free)
    assert found.reasons
    if found.name is None:
        return
    (chosen,) = [s for s in rows if s.name == found.name]
    best = min(free, key=lambda s: s.loss)
    assert chosen in free
    assert chosen.loss == best.loss or not compare(best, chosen).is_clear


@given(standings, st.randoms())
def test_a_recommendation_does_not_depend_on_the_order(rows: list[Standing], rng: object) -> None:
    shuffled = list(rows)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    allowed = ["permissive", "restricted"]
    assert recommend(rows, allowed=allowed, basis=BASIS) == recommend(
        shuffled, allowed=allowed, basis=BASIS
    )


@given(standings)
def test_the_front_holds_the_best_of_each_cost_and_nobody_who_is_beaten(
    rows: list[Standing],
) -> None:
    front = pareto_front(rows)
    for cost in range(3):
        if rows:
            lowest = min(s.costs()[cost] for s in rows)
            assert any(s.name in front and s.costs()[cost] == lowest for s in rows)
    for one in rows:
        is_beaten = any(
            all(a <= b for a, b in zip(o.costs(), one.costs(), strict=True))
            and o.costs() != one.costs()
            for o in rows
        )
        assert (one.name in front) == (not is_beaten)


def test_a_difference_reads_as_a_sentence_has_it() -> None:
    assert str(compare(standing("a", 1.0), standing("b", 1.5))) == "0.500 ± 0.003 bits/byte"


@pytest.mark.parametrize("count", [1, 2])
def test_the_only_candidate_is_called_so(count: int) -> None:
    rows = [standing("a", 1.0), standing("b", 0.5, licence=LLAMA)][:count]
    found = recommend(rows, allowed=["permissive"], basis=BASIS)
    assert found.name == "a"
    assert "only one that can be recommended" in found.reasons[0]
