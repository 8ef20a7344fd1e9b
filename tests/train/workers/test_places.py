import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import ray
from ray.train import RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer
from ray.util import placement_group, remove_placement_group

from deskwheel.progress import begin_progress, progress_sentence, read_progress
from deskwheel.state import State
from tests.train.private_ray import private_ray
from train.workers.places import Wish, telling_waits, waiting_sentence

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WISH = Wish(workers=2, resources={"CPU": 1.0})
ONE = Wish(workers=1, resources={"CPU": 1.0, "GPU": 0.0})

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def one_cpu() -> Iterator[None]:
    """A Ray with one CPU."""
    with private_ray(num_cpus=1):
        yield


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'state.db'}"


def told(state: State, *, is_there: bool) -> str:
    """The run's sentence, once it names a place or names none any more."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = read_progress(state, "run-1")
        assert found is not None
        if (found.reason is not None) == is_there:
            return progress_sentence(found, now=datetime.now(UTC))
        time.sleep(0.05)
    raise AssertionError(f"{found.reason!r} after 20 s")


def test_a_run_without_a_place_says_what_it_asks_for_and_what_there_is(
    one_cpu: None, url: str
) -> None:
    state = State(url)
    begin_progress(state, "run-1", pipeline="support", snapshot_id="snap-1", now=NOON)
    waiting = placement_group([{"CPU": 1.0}, {"CPU": 1.0}])
    with telling_waits(url, "run-1", WISH, patience_s=0.1, poll_s=0.1):
        assert told(state, is_there=True) == (
            "starting: waits for a place for 2 worker(s) with 1 CPU each; the cluster has 1 CPU,"
            " 1 CPU of it free"
        )
        remove_placement_group(waiting)
        placed = placement_group([{"CPU": 1.0}])
        ray.get(placed.ready())
        assert told(state, is_there=False) == "starting"
    remove_placement_group(placed)


def ask() -> str | None:
    """What a training worker says of itself."""
    return waiting_sentence(ONE)


def test_workers_of_ray_train_have_a_place_once_they_run(one_cpu: None, tmp_path: Path) -> None:
    trainer = TorchTrainer(
        ask,
        scaling_config=ScalingConfig(num_workers=1, resources_per_worker=dict(ONE.resources)),
        run_config=RunConfig(name="places", storage_path=str(tmp_path)),
    )
    assert waiting_sentence(ONE) is not None
    answer = trainer.fit().return_value
    assert (answer[0] if isinstance(answer, list) else answer) is None


def test_a_run_that_trains_is_not_said_to_wait(one_cpu: None, url: str) -> None:
    state = State(url)
    begun = begin_progress(state, "run-1", pipeline="support", snapshot_id="snap-1", now=NOON)
    state.put("progress", "run-1", {**vars(begun), "phase": "training"})
    waiting = placement_group([{"CPU": 1.0}, {"CPU": 1.0}])
    with telling_waits(url, "run-1", WISH, patience_s=0.0, poll_s=0.05):
        time.sleep(0.5)
    assert waiting_sentence(WISH) is not None
    remove_placement_group(waiting)
    found = read_progress(state, "run-1")
    assert found is not None
    assert (found.phase, found.reason) == ("training", None)
