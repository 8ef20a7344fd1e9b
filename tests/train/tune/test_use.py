from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel.settings import Settings
from deskwheel.state import State
from tests.train.rows import example, freeze, settings_in, write_examples
from tests.train.tune.toys import search, trial
from train.tune.kept import write_search
from train.tune.use import tuned_settings
from train.tune.wanted import wanted_search


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings that want what was found, of a pipeline with a snapshot."""
    settings = settings_in(tmp_path, use_tuned=True)
    examples = [example(i) for i in range(6)]
    version = write_examples(settings.pipeline.lake, examples)
    freeze(settings.pipeline.lake, examples, version=version)
    return settings


def keep(settings: Settings, lr: float, *, is_done: bool = True) -> None:
    wanted = wanted_search(settings, snapshot_id="snap-1", data_file=None)
    trials = search(trial(1, 2.0, lr=lr), trial(2, 1.0, end="stopped")).trials
    state = State(settings.pipeline.state_url)
    write_search(state, replace(wanted.empty, trials=trials, is_done=is_done))
    state.close()


def tuned(settings: Settings, *, from_version: int | None = None) -> Settings:
    return tuned_settings(settings, snapshot_id="snap-1", data_file=None, from_version=from_version)


def test_a_run_takes_the_best_settings_only_if_it_is_told_to(settings: Settings) -> None:
    keep(settings, 3e-3)
    found = tuned(settings).train
    assert (found.lr, found.lora_r, found.steps, found.global_batch) == (3e-3, 8, 40, 4)
    plain = replace(settings, train=replace(settings.train, use_tuned=False))
    assert tuned(plain) is plain


def test_a_global_batch_is_shared_out_among_workers(settings: Settings) -> None:
    keep(settings, 3e-3)
    three = replace(settings, train=replace(settings.train, workers=3))
    assert tuned(three).train.global_batch == 6


@pytest.mark.parametrize("is_known", [False, True])
def test_without_a_finished_search_settings_stay(
    settings: Settings, capsys: pytest.CaptureFixture[str], *, is_known: bool
) -> None:
    if is_known:
        keep(settings, 3e-3, is_done=False)
    assert tuned(settings) == settings
    assert "no finished search for demo, lora, 4 examples" in capsys.readouterr().err


def test_a_warm_start_keeps_its_rank(settings: Settings) -> None:
    keep(settings, 3e-3)
    warm = replace(settings, train=replace(settings.train, continual="warm"))
    assert tuned(warm) == warm


def test_all_attempts_at_a_window_have_the_settings_of_the_first(settings: Settings) -> None:
    keep(settings, 3e-3)
    first = tuned(settings, from_version=0)
    keep(settings, 1e-4)
    assert tuned(settings, from_version=0) == first
    assert tuned(settings, from_version=7).train.lr == 1e-4
    assert tuned(settings).train.lr == 1e-4
