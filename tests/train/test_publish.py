import json
from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel.errors import StateError
from deskwheel.records import Evaluation, GateVerdict, Run
from deskwheel.settings import Settings
from deskwheel.state import State
from tests.train.rows import NOON, settings_in
from train.files import ADAPTER_FILES
from train.publish import find_window, publish
from train.registry import by_alias, champion_folder, register, set_alias

HISTORY = ({"step": 1.0, "loss": 5.0, "lr": 0.0}, {"step": 6.0, "loss": 2.0, "lr": 0.1})

RUN = Run(
    run_id="run-1",
    pipeline="support",
    snapshot_id="snap-1",
    content_digest="d" * 64,
    base_model="demo",
    adapter_uri="file:///nowhere",
    seed=7,
    steps=6,
    first_loss=5.0,
    last_loss=2.0,
    settings={"lr": "0.005"},
    started_at=NOON,
    finished_at=NOON,
    code_version="0.1.0",
)


def evaluation(verdict: GateVerdict = "PROMOTE") -> Evaluation:
    return Evaluation(
        evaluation_id="eval-1",
        run_id="run-1",
        snapshot_id="snap-1",
        examples=40,
        scores={"champion": {"rouge_l": 0.1}, "challenger": {"rouge_l": 0.5}},
        verdict=verdict,
        reasons=("better",),
        evaluated_at=NOON,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def state(settings: Settings) -> State:
    state = State(settings.pipeline.state_url)
    state.claim_window("support", 0, to_version=1, owner="a", detail={})
    state.advance_window("support", 0, expect="claimed", phase="frozen", snapshot_id="snap-1")
    state.advance_window("support", 0, expect="frozen", phase="submitted", run_id="run-1")
    return state


@pytest.fixture
def adapter_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    for name in ADAPTER_FILES:
        (folder / name).write_text(json.dumps({"file": name}))
    return folder


def publish_once(settings: Settings, state: State, folder: Path, verdict: GateVerdict) -> bool:
    return publish(
        settings,
        state,
        RUN,
        evaluation(verdict),
        from_version=0,
        adapter_dir=folder,
        history=HISTORY,
    )


def test_a_run_is_published_with_its_evaluation_and_model_version(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    assert publish_once(settings, state, adapter_dir, "PROMOTE")
    assert find_window(state, "support", 0)["phase"] == "trained"
    assert [e["kind"] for e in state.timeline("support")] == ["evaluated", "trained"]
    assert set(state.documents("run")) == {"run-1"}
    assert state.documents("evaluation")["eval-1"]["verdict"] == "PROMOTE"
    assert state.documents("loss_curve")["run-1"] == {"points": [[1.0, 5.0], [6.0, 2.0]]}
    registered = by_alias(settings, "challenger")
    assert registered is not None
    assert registered.run_id == "run-1"
    assert {file.name for file in registered.adapter_dir.iterdir()} == set(ADAPTER_FILES)


def test_a_window_is_published_once_even_when_compute_is_repeated(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    assert publish_once(settings, state, adapter_dir, "PROMOTE")
    assert not publish_once(settings, state, adapter_dir, "PROMOTE")
    assert len(state.timeline("support")) == 2
    assert register(settings, RUN, evaluation(), adapter_dir) == "1"
    assert register(settings, replace(RUN, run_id="run-2"), evaluation(), adapter_dir) == "2"


def test_a_crash_before_the_window_moved_leaves_one_version(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    register(settings, RUN, evaluation(), adapter_dir)
    assert publish_once(settings, state, adapter_dir, "PROMOTE")
    registered = by_alias(settings, "challenger")
    assert registered is not None
    assert registered.version == "1"


def test_two_processes_do_not_publish_at_the_same_time(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    state.acquire_lease("publish/run-1", "other/1", 60.0)
    with pytest.raises(StateError, match="another process"):
        publish_once(settings, state, adapter_dir, "PROMOTE")


@pytest.mark.parametrize("verdict", ["HOLD", "REJECT"])
def test_an_adapter_that_may_not_serve_does_not_become_challenger(
    settings: Settings, state: State, adapter_dir: Path, verdict: GateVerdict
) -> None:
    assert publish_once(settings, state, adapter_dir, verdict)
    assert by_alias(settings, "challenger") is None


def test_an_alias_moves(settings: Settings, adapter_dir: Path) -> None:
    for run_id in ("run-1", "run-2"):
        version = register(settings, replace(RUN, run_id=run_id), evaluation(), adapter_dir)
        set_alias(settings, "champion", version)
    found = by_alias(settings, "champion")
    assert found is not None
    assert (found.version, found.run_id) == ("2", "run-2")


def test_an_unknown_alias_is_nobody(settings: Settings) -> None:
    assert by_alias(settings, "champion") is None


def test_a_window_that_nobody_claimed_is_an_error(settings: Settings, state: State) -> None:
    with pytest.raises(StateError, match="support/9 was never claimed"):
        find_window(state, "support", 9)


def test_the_one_who_answers_customers_is_the_one_to_beat(settings: Settings, state: State) -> None:
    assert champion_folder(settings, state) is None
    state.put("variant", "support-v1", {"adapter_uri": "file:///models/support%20v1"})
    state.put("variant", "prompt-bot", {"adapter_uri": None})
    state.put("split", "support", {"champion": "prompt-bot", "challenger": "support-v1"})
    assert champion_folder(settings, state) is None
    state.put("split", "support", {"champion": "support-v1", "challenger": None})
    assert champion_folder(settings, state) == Path("/models/support v1")


def test_before_any_traffic_the_registrys_champion_is_the_one_to_beat(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    version = register(settings, RUN, evaluation(), adapter_dir)
    set_alias(settings, "champion", version)
    found = champion_folder(settings, state)
    assert found is not None
    assert (found / "adapter_config.json").is_file()
