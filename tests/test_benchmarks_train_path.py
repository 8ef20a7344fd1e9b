"""What the benchmark of the whole way makes of its numbers; its run takes minutes."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.claims import Claim
from benchmarks.train_path import Journey, make_issues, parse_mib, time_limit, wished
from benchmarks.train_start import make_examples
from deskwheel.records import ValidatedExample
from validate.snapshots.contamination import Passage, find_overlaps

NOW = datetime(2026, 5, 1, tzinfo=UTC)
Make = Callable[[int, datetime], list[ValidatedExample]]


def journey(*, is_gpu: bool = False, **moments: float) -> Journey:
    at = {name.replace("_", " "): NOW + timedelta(seconds=s) for name, s in moments.items()}
    return Journey("a toy", is_gpu, moments=at)


def by_name(claims: list[Claim]) -> dict[str, Claim]:
    return {claim.id.removeprefix("train_path."): claim for claim in claims}


def test_spans_are_claimed_as_far_as_the_journey_came() -> None:
    found = by_name(journey(appended=0, claimed=1, first_step=46, trained=80).claims())
    assert {name: claim.value for name, claim in found.items()} == {
        "appended_to_fired": 1, "fired_to_first_step": 45, "fired_to_published": 79,
    }  # fmt: skip
    assert found["fired_to_first_step"].holds is True


def test_published_to_served_ends_with_an_answer_by_the_adapter() -> None:
    found = by_name(journey(claimed=0, trained=80, promoted=84, served=85, answered=86).claims())
    assert found["published_to_served"].value == 6
    assert found["total"].value == 86


def test_the_first_step_is_promised_on_a_cpu_only() -> None:
    on_cpu, on_gpu = (journey(is_gpu=is_gpu, claimed=0, first_step=61) for is_gpu in (False, True))
    assert [claim.holds for claim in on_cpu.claims()] == [False]
    assert [claim.holds for claim in on_gpu.claims()] == [None]


@pytest.mark.parametrize(("mib", "holds"), [(0.0, False), (512.0, True)])
def test_a_replica_that_takes_no_gpu_memory_breaks_a_claim(mib: float, holds: bool) -> None:
    seen = journey(is_gpu=True)
    seen.numbers["replica_gpu_memory"] = mib
    assert [claim.holds for claim in seen.claims()] == [holds]


def test_gpu_memory_is_unknown_where_nothing_is_told() -> None:
    assert parse_mib("1024 MiB") == 1024
    assert parse_mib("[N/A]") is None


def test_training_and_serving_share_a_gpu_only_when_it_is_asked_for() -> None:
    shared, plain = (wished(400, is_gpu=is_gpu) for is_gpu in (True, False))
    assert shared.train.use_gpu
    assert shared.jobs.gpus_per_worker + shared.serve.num_gpus == 1
    assert not plain.train.use_gpu
    assert wished(400, is_gpu=False, more=["train.steps=7"]).train.steps == 7


@pytest.mark.parametrize("make", [make_issues, make_examples])
def test_no_example_of_a_window_gives_away_one_of_its_test(make: Make) -> None:
    examples = make(400, NOW)
    held_out, train = (
        [
            Passage(example_id=e.example_id, query=e.query, response=e.response)
            for e in examples
            if (e.split == "test") is is_test
        ]
        for is_test in (True, False)
    )
    assert len(held_out) == 50
    assert find_overlaps(train, held_out) == []


def test_what_takes_too_long_is_broken_off() -> None:
    with pytest.raises(TimeoutError, match="not at its end"), time_limit(0.01):
        time.sleep(5)
