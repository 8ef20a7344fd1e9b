import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from deskwheel import config, failpoint
from deskwheel.errors import LeaseLostError, StateError
from deskwheel.records import Evaluation, GateVerdict, Run
from deskwheel.settings import Settings
from deskwheel.state import Fence, State
from tests.train.rows import NOON, settings_in
from train import registry
from train.files import ADAPTER_FILES
from train.judging.champion import champion_folder
from train.ledger import find_window, hold_window, retry_window
from train.publishing.announce import LEASE_S
from train.publishing.publish import RunPublisher
from train.registry import RUN_TAG, register, set_alias

ROOT = Path(__file__).resolve().parents[3]
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


OTHER = replace(RUN, run_id="run-2")


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

    def put(
        self,
        kind: str,
        id: str,
        body: Mapping[str, Any],
        *,
        expect: int | None = None,
        fence: Fence | None = None,
    ) -> int:
        if kind == self._kind and not self._is_window_lost:
            raise KeyboardInterrupt
        if kind == self._kind:
            self.advance_window("support", 0, expect="submitted", phase="failed")
        return super().put(kind, id, body, expect=expect, fence=fence)


def publish_once(
    settings: Settings,
    state: State,
    folder: Path,
    verdict: GateVerdict = "PROMOTE",
    *,
    wait_s: float = 0.0,
) -> bool:
    return RunPublisher(settings, state).publish_run(
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


def test_a_run_that_its_window_has_no_more_publishes_nothing(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    hold_window(state, "support", 0, reason="the loss is no number")
    window = find_window(state, "support", 0)
    retry_window(state, window, actor="kim", reason="lower rate", is_anew=True)
    with pytest.raises(StateError, match="so run run-1 is not published"):
        publish_once(settings, state, adapter_dir, "PROMOTE")
    assert find_window(state, "support", 0)["phase"] == "submitted"
    assert registry.versions_of(settings, "run-1") == []


class Replaced(Interrupted):
    """A state database in which the window gets another run at the moment of one document."""

    def put(self, kind: str, id: str, body: Mapping[str, Any], **more: Any) -> int:
        if kind == self._kind:
            hold_window(self, "support", 0, reason="cancelled by kim: lower rate")
            window = find_window(self, "support", 0)
            retry_window(self, window, actor="kim", reason="lower rate", is_anew=True)
            self._kind = ""
        return super().put(kind, id, body, **more)


def test_a_window_that_gets_another_run_in_the_middle_keeps_no_version_of_this_one(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    with pytest.raises(StateError, match="at attempt 0"):
        publish_once(settings, Replaced(settings, "run"), adapter_dir, "PROMOTE")
    assert find_window(state, "support", 0)["phase"] == "submitted"
    assert registry.versions_of(settings, "run-1") == []


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
    assert registry.versions_of(settings, "run-1") == []
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
    assert not RunPublisher(settings, state).finish_run("run-1")
    assert state.documents("evaluation") == {}
    state.acquire_lease("publish/run-1", "alive/1", -1.0)
    assert RunPublisher(settings, state).finish_run("run-1")
    assert RunPublisher(settings, state).finish_run("run-1")
    assert set(state.documents("evaluation")) == {"eval-1"}
    assert len(state.timeline("support")) == 2


def test_the_alias_is_set_by_whoever_finishes_for_a_killed_job(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        publish_once(settings, Interrupted(settings, "evaluation"), adapter_dir)
    set_alias(settings, "challenger", register(settings, OTHER, evaluation(), adapter_dir))
    assert RunPublisher(settings, state).finish_run("run-1")
    found = by_alias(settings, "challenger")
    assert found is not None
    assert found.tags[RUN_TAG] == "run-1"


class Paused:
    """MLflow as a process sees it that sleeps through its lease after it has looked or created."""

    versions_of = staticmethod(registry.versions_of)
    drop_version = staticmethod(registry.drop_version)
    set_alias = staticmethod(registry.set_alias)

    def __init__(self, sleep: Callable[[], object], *, is_created: bool) -> None:
        self._sleep = sleep
        self._is_created = is_created

    def register(self, settings: Settings, run: Run, *rest: Any, **more: Any) -> str:
        """A version of its own, although another process makes one after this one has looked."""
        if not self._is_created:
            self._sleep()
        with registry._asking(settings) as client:  # noqa: SLF001
            version = registry._new_version(client, settings, run, *rest, **more)  # noqa: SLF001
        if self._is_created:
            self._sleep()
        return version


@pytest.mark.parametrize("is_created", [True, False])
def test_of_two_that_publish_one_window_one_model_version_is_left(
    settings: Settings, state: State, adapter_dir: Path, *, is_created: bool
) -> None:
    now_s = [1e9]
    mine, other = (State(settings.pipeline.state_url, clock=lambda: now_s[0]) for _ in range(2))

    def sleep() -> None:
        now_s[0] += LEASE_S + 1
        assert publish_once(settings, other, adapter_dir, "PROMOTE")

    with pytest.raises(LeaseLostError):
        RunPublisher(settings, mine, registry=Paused(sleep, is_created=is_created)).publish_run(
            RUN, evaluation(), from_version=0, adapter_dir=adapter_dir, history=HISTORY
        )
    (version,) = registry.versions_of(settings, "run-1")
    assert version == "1"
    assert find_window(state, "support", 0)["model_version"] == version
    found = by_alias(settings, "challenger")
    assert found is not None
    assert str(found.version) == version
    assert len(state.timeline("support", kind="trained")) == 1


PUBLISHING = """
import sys
from pathlib import Path
from deskwheel import config
from deskwheel.state import State
from tests.train.publishing.test_publish import publish_once
settings = config.load(Path(sys.argv[1]))
publish_once(settings, State(settings.pipeline.state_url), Path(sys.argv[2]), wait_s=60.0)
"""


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("point", [failpoint.AFTER_MODEL_VERSION, failpoint.AFTER_TRAINED])
def test_what_a_killed_publisher_has_begun_is_finished_with_one_model_version(
    settings: Settings, state: State, adapter_dir: Path, tmp_path: Path, point: str
) -> None:
    (tmp_path / "deskwheel.toml").write_text(config.dump(settings))
    command = [sys.executable, "-c", PUBLISHING, str(tmp_path / "deskwheel.toml"), str(adapter_dir)]
    environment = {**os.environ, failpoint.VARIABLE: point, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    later = State(settings.pipeline.state_url, clock=lambda: time.time() + LEASE_S + 1)
    is_due = point == failpoint.AFTER_MODEL_VERSION
    assert find_window(state, "support", 0)["phase"] == ("submitted" if is_due else "trained")
    assert state.documents("evaluation") == {}
    if is_due:
        assert publish_once(settings, later, adapter_dir)
    else:
        assert RunPublisher(settings, later).finish_run("run-1")
    assert registry.versions_of(settings, "run-1") == ["1"]
    assert find_window(state, "support", 0)["model_version"] == "1"
    assert by_alias(settings, "challenger") is not None
    assert set(state.documents("evaluation")) == {"eval-1"}
    assert [e["kind"] for e in state.timeline("support")] == ["evaluated", "trained"]


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


def test_before_any_traffic_the_bot_is_the_one_to_beat_whatever_is_registered(
    settings: Settings, state: State, adapter_dir: Path
) -> None:
    version = register(settings, RUN, evaluation(), adapter_dir)
    set_alias(settings, "champion", version)
    assert champion_folder(settings, state) is None
