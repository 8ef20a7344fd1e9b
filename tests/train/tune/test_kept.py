import json
from pathlib import Path

from deskwheel import config
from deskwheel.settings import Settings
from deskwheel.state import State
from tests.train.tune.toys import proposal, search, trial
from train.tune.kept import (
    best_trial,
    missing,
    ranked,
    read_search,
    search_of,
    set_options,
    to_plain,
    write_search,
)


def test_the_best_trial_is_the_finished_one_with_the_lowest_loss_it_ever_had() -> None:
    found = search(trial(1, 2.0, 1.5), trial(2, 1.2, 1.9), trial(3, 1.0, end="stopped"))
    best = best_trial(found)
    assert best is not None
    assert (best.proposal.number, best.best) == (2, (10, 1.2))
    assert [t.proposal.number for t in ranked(found)] == [2, 1, 3]


def test_without_a_finished_trial_there_is_no_best() -> None:
    assert best_trial(search(trial(1, 1.0, end="stopped"), trial(2, end="diverged"))) is None


def test_a_search_comes_back_from_the_state_database(tmp_path: Path) -> None:
    state = State(f"sqlite:///{tmp_path}/state.db")
    found = search(trial(1, 2.0, epochs=None), trial(2, end="failed"))
    assert read_search(state, found.key) is None
    write_search(state, found)
    assert read_search(state, found.key) == found
    state.close()


def test_what_is_missing_after_a_break_is_what_has_no_end() -> None:
    plans = [proposal(n) for n in range(1, 6)]
    known = search(
        trial(1, 1.0), trial(2, 1.0, end="stopped"), trial(3, end="diverged"),
        trial(4, end="failed"), trial(5, 1.0, end="running"),
    )  # fmt: skip
    assert [p.number for p in missing(known, plans, recipe="r1")] == [4, 5]
    assert missing(known, plans, recipe="r2") == plans
    assert missing(None, plans, recipe="r1") == plans


def test_a_stored_search_keeps_its_trials_by_number() -> None:
    found = search(trial(2, 1.0), trial(1, 2.0))
    assert list(search_of(json.loads(json.dumps(to_plain(found)))).trials) == [1, 2]


def test_the_best_settings_are_options_that_a_run_takes() -> None:
    lines = set_options(trial(1, 1.0, lr=5e-5))
    loaded = config.load(None, [line.removeprefix("--set ") for line in lines])
    assert isinstance(loaded, Settings)
    assert (loaded.train.lr, loaded.train.lora_r, loaded.train.lora_alpha) == (5e-5, 8, 16)
    assert (loaded.train.steps, loaded.train.global_batch) == (40, 4)
