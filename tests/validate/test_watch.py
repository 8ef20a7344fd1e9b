"""The stage as its operator sees it: verbs, timeline, and a stream checkpoint that was lost."""

import json
import shutil
import subprocess
import sys
import threading
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from deskwheel import lake
from deskwheel.errors import LineageError
from deskwheel.records import Example
from deskwheel.schema import to_table
from deskwheel.settings import Settings, ValidateSettings
from deskwheel.state import State
from deskwheel.tables import CONVERSATIONS, EXAMPLES, SNAPSHOTS, VALIDATED
from tests.places import settings_in
from tests.validate.rows import example
from validate.watch import judge_once, open_gate, serve, watch


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Paths of the test's own, a short interval, and batch rules for batches of any size."""
    validate = ValidateSettings(interval_s=0.2, min_batch_examples=1)
    return replace(settings_in(tmp_path), validate=validate)


def store(settings: Settings, *rows: Example) -> None:
    lake.ensure(settings.pipeline.lake, CONVERSATIONS)
    lake.append(settings.pipeline.lake, EXAMPLES, to_table(rows, Example))


def test_once_judges_freezes_and_refuses_a_lost_stream_checkpoint(
    spark: SparkSession, settings: Settings
) -> None:
    store(settings, example("a"), example("b", csat=1), example("c", csat=1))
    state = State(settings.pipeline.state_url)
    judge_once(spark, settings, state)
    kinds = {entry["kind"]: entry for entry in state.timeline("support")}
    assert kinds["validated"]["detail"]["verdicts"] == {"valid": 1, "quarantined": 2}
    assert kinds["validated"]["detail"]["reasons"] == {"CSAT_LOW": 2}
    assert kinds["quarantine_spike"]["detail"]["rule"] == "QUARANTINE_SPIKE"
    shutil.rmtree(Path(settings.transforms.checkpoint_dir) / "validated_examples")
    with pytest.raises(LineageError, match="Restore the checkpoint"):
        open_gate(spark, settings, state)
    state.close()


def test_serving_process_waits_for_its_inputs_then_judges_freezes_and_stops(
    spark: SparkSession,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ready = tmp_path / "ready"
    monkeypatch.setenv("DESKWHEEL_READY_FILE", str(ready))
    state, stop = State(settings.pipeline.state_url), threading.Event()
    served = threading.Thread(target=serve, args=(spark, settings, state, stop))
    served.start()
    assert not ready.exists()
    store(settings, example("a"))
    poll = threading.Event()
    claimed = False
    for _ in range(600):
        version = lake.current_version(settings.pipeline.lake, VALIDATED)
        if version and not claimed:
            claimed = state.claim_window("support", 0, to_version=version, owner="t", detail={})
        if state.windows("support", phase="frozen"):
            break
        poll.wait(0.1)
    stop.set()
    served.join(timeout=60)
    assert not served.is_alive()
    assert json.loads(ready.read_text())["queries"] == ["validated_examples"]
    snapshots = lake.read(settings.pipeline.lake, SNAPSHOTS).to_pylist()
    assert [m["example_id"] for m in snapshots[0]["members"]] == ["ex-a-1"]
    state.close()


def test_once_without_inputs_ends_at_once(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch(settings, Namespace(once=True)) == 0
    assert "nothing to judge" in capsys.readouterr().out


def test_command_line_and_snapshots_load_no_engine() -> None:
    code = (
        "import sys, validate.__main__, validate.snapshots.commands,"
        " validate.quarantine.commands;"
        "print(sorted({'pyspark', 'great_expectations'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
