"""The real Ray Tune over functions in place of a model; one Ray for all of them."""

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deskwheel.errors import ConfigError, DivergedError
from deskwheel.state import State
from tests.train.private_ray import private_ray
from tests.train.tune.toys import search, trial
from train.tune.kept import Search, Trial, best_trial, read_search
from train.tune.search import Budget, Objective, Tell, run_search

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

RATES = (1e-3, 1e-2, 1.0, 10.0)
"""In the order in which they are tried; 1e-2 is the best."""


@pytest.fixture(scope="module")
def _ray() -> Iterator[None]:
    with private_ray(num_cpus=2):
        yield


def open_trials() -> list[Trial]:
    return [trial(n, lr=lr, end="running") for n, lr in enumerate(RATES, start=1)]


def run(found: Search, objective: Objective, folder: Path, *, parallel: int = 1) -> Search:
    budget = Budget(parallel=parallel, grace_share=0.25, reduction=2.0, cpus=1.0, gpus=0.0)
    return run_search(
        found,
        objective,
        budget=budget,
        state_url=f"sqlite:///{folder}/state.db",
        storage=folder / "tune",
    )


def bowl(folder: Path) -> Objective:
    """Learns at every rate but badly far from 1e-2; leaves a line a trial in a folder."""
    lines = folder / "begun"

    def objective(order: Mapping[str, Any], tell: Tell) -> None:
        with lines.open("a") as file:
            file.write(f"{order['number']}\n")
        for step in range(10, order["recipe"]["steps"] + 1, 10):
            far = abs(math.log10(order["recipe"]["lr"]) + 2)
            tell(step, far + 1.0 / step)

    return objective


def begun(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "begun").read_text().split()]


@pytest.mark.usefixtures("_ray")
def test_the_better_rate_is_found_and_a_bad_trial_is_stopped_early(tmp_path: Path) -> None:
    found = run(search(*open_trials()), bowl(tmp_path), tmp_path)
    best = best_trial(found)
    assert best is not None
    assert best.proposal.lr == 1e-2
    assert [t.end for t in found.trials.values()] == ["finished", "finished", "stopped", "stopped"]
    assert [len(t.points) for t in found.trials.values()] == [4, 4, 1, 1]
    assert found.is_done
    state = State(f"sqlite:///{tmp_path}/state.db")
    assert read_search(state, found.key) == found
    state.close()
    assert not list((tmp_path / "tune").iterdir())


@pytest.mark.usefixtures("_ray")
def test_a_broken_off_search_runs_only_what_is_missing_and_is_as_strict(tmp_path: Path) -> None:
    *_, third, fourth = open_trials()
    known = search(
        trial(1, 1.1, 1.05, 1.03, 1.02, lr=RATES[0]),
        trial(2, 0.1, 0.05, 0.03, 0.02, lr=RATES[1]),
        third,
        fourth,
    )
    found = run(known, bowl(tmp_path), tmp_path)
    assert begun(tmp_path) == [3, 4]
    assert [found.trials[n] for n in (1, 2)] == [known.trials[n] for n in (1, 2)]
    assert [found.trials[n].end for n in (3, 4)] == ["stopped", "stopped"]


@pytest.mark.usefixtures("_ray")
def test_a_trial_that_diverges_fails_or_dies_does_not_end_the_search(tmp_path: Path) -> None:
    def objective(order: Mapping[str, Any], tell: Tell) -> None:
        match order["number"]:
            case 1:
                tell(10, 1.0)
                raise DivergedError("the loss of step 12 is nan", step=12, value=math.nan)
            case 2:
                raise ConfigError("no room")
            case 3:
                os._exit(1)
        for step in (10, 20, 30, 40):
            tell(step, 1.0 / step)

    found = run(search(*open_trials()), objective, tmp_path, parallel=2)
    assert [t.end for t in found.trials.values()] == ["diverged", "failed", "failed", "finished"]
    assert found.trials[1].problem == "the loss of step 12 is nan"
    assert found.trials[1].points == ((10, 1.0),)
    assert found.trials[2].problem == "no room"
    assert found.trials[3].problem
    best = best_trial(found)
    assert best is not None
    assert best.proposal.number == 4
    assert found.is_done


@pytest.mark.usefixtures("_ray")
def test_a_loss_on_dev_that_is_no_number_is_a_bad_trial(tmp_path: Path) -> None:
    def objective(order: Mapping[str, Any], tell: Tell) -> None:
        for step in (10, 20, 30, 40):
            tell(step, math.nan if order["number"] == 1 else 1.0 / step)

    two = open_trials()[:2]
    found = run(replace(search(*two)), objective, tmp_path)
    assert [t.end for t in found.trials.values()] == ["diverged", "finished"]
    assert "the loss on dev is nan" in found.trials[1].problem
