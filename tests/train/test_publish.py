import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from deskwheel.errors import StateError
from deskwheel.records import Evaluation, GateVerdict, Run
from deskwheel.settings import Settings
from deskwheel.state import State
from tests.train.rows import NOON, settings_in
from train.announce import finish
from train.files import ADAPTER_FILES
from train.publish import find_window, publish
from train.registry import RUN_TAG, champion_folder, register, set_alias

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
def settings(tmp_path: Path, tracking_database: Path) -> Settings:
    shutil.copy(tracking_database, tmp_path / "mlflow.db")
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


def by_alias(settings: Settings, alias: str) -> ModelVersion | None:
    uri = settings.train.mlflow_uri
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    try:
        return client.get_model_version_by_alias(settings.pipeline.name, alias)
    except MlflowException:
        return None


class Interrupted(State):
    """A state database whose user dies, or loses the window, at the moment of one document."""

    def __init__(self, settings: Settings, kind: str, *, is_window_lost: bool = False) -> None:
        super().__init__(settings.pipeline.state_url)
        self._kind = kind
        self._is_window_lost = is_window_lost

    def put(self, kind: str, id: str, body: Mapping[str, Any], *, expect: int | None = None) -> int:
        if kind == self._kind and not self._is_window_lost:
            raise KeyboardInterrupt
        if kind == self._kind:
            self.advance_window("support", 0, expect="submitted", phase="failed")
        return super().put(kind, id, body, expect=expect)


def publish_once(
    settings: Settings,
    state: State,
    folder: Path,
    verdict: GateVerdict = "PROMOTE",
    *,
    wait_s: float = 0.0,
) -> bool:
    return publish(
        settings,
        state,
        RUN,
        evaluation(verdict),
        from_version=0,
        adapter_dir=folder,
        history=HISTORY,
        wait_s=wait_s,
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
    assert registered.tags[RUN_TAG] == "run-1"
    stored = Path(urlparse(registered.source).path)
    assert {file.name for file in stored.iterdir()} == set(ADAPTER_FILES)


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
    assert str(registered.version) == "1"


def test_two_processes_do_not_publish_at_the_same_time(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    state.acquire_lease("publish/run-1", "other/1", 60.0)
    with pytest.raises(StateError, match="another process"):
        publish_once(settings, state, adapter_dir, "PROMOTE")


def test_a_resumed_publication_waits_for_the_lease_of_the_killed_one(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    state.acquire_lease("publish/run-1", "killed/1", 1.0)
    assert publish_once(settings, state, adapter_dir, wait_s=60.0)


def test_the_lease_is_free_once_a_run_is_published(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    publish_once(settings, state, adapter_dir)
    assert state.acquire_lease("publish/run-1", "other/1", 1.0) is not None


def test_nobody_sees_the_evaluation_of_a_window_that_failed_meanwhile(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    losing = Interrupted(settings, "run", is_window_lost=True)
    with pytest.raises(StateError, match="not in phase 'submitted'"):
        publish_once(settings, losing, adapter_dir)
    assert state.documents("evaluation") == {}
    assert state.timeline("support") == []
    assert state.acquire_lease("publish/run-1", "other/1", 1.0) is not None


def test_an_evaluation_is_stored_only_for_a_trained_window(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        publish_once(settings, Interrupted(settings, "evaluation"), adapter_dir)
    assert find_window(state, "support", 0)["phase"] == "trained"
    assert state.documents("evaluation") == {}
    assert not publish_once(settings, state, adapter_dir)
    assert state.documents("evaluation")["eval-1"]["verdict"] == "PROMOTE"
    assert [e["kind"] for e in state.timeline("support")] == ["evaluated", "trained"]


def test_what_a_killed_job_left_is_finished_once_and_not_beside_a_living_one(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        publish_once(settings, Interrupted(settings, "evaluation"), adapter_dir)
    state.acquire_lease("publish/run-1", "alive/1", 60.0)
    assert not finish(state, "run-1")
    assert state.documents("evaluation") == {}
    state.acquire_lease("publish/run-1", "alive/1", -1.0)
    assert finish(state, "run-1")
    assert finish(state, "run-1")
    assert set(state.documents("evaluation")) == {"eval-1"}
    assert len(state.timeline("support")) == 2


@pytest.mark.parametrize("verdict", ["HOLD", "REJECT"])
def test_an_adapter_that_may_not_serve_does_not_become_challenger(
    settings: Settings, state: State, adapter_dir: Path, verdict: GateVerdict
) -> None:
    assert publish_once(settings, state, adapter_dir, verdict)
    assert by_alias(settings, "challenger") is None


def test_an_alias_moves(settings: Settings, adapter_dir: Path) -> None:
    for run_id in ("run-1", "run-2"):
        version = register(settings, replace(RUN, run_id=run_id), evaluation(), adapter_dir)
        set_alias(settings, "challenger", version)
    found = by_alias(settings, "challenger")
    assert found is not None
    assert (str(found.version), found.tags[RUN_TAG]) == ("2", "run-2")


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


def test_before_any_traffic_the_bot_is_the_one_to_beat_whatever_is_registered(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    version = register(settings, RUN, evaluation(), adapter_dir)
    set_alias(settings, "champion", version)
    assert champion_folder(settings, state) is None
