import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel import config, lake
from deskwheel.ids import snapshot_digest
from deskwheel.records import Snapshot, SnapshotMember
from deskwheel.schema import to_table
from deskwheel.settings import GateSettings, Settings
from deskwheel.state import State
from deskwheel.tables import SNAPSHOTS
from tests.train.rows import chat_rows, example, freeze, quick, settings_in, write_examples
from train.files import export_adapter
from train.finetune.loop import train_adapter

ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A champion learnt snap-1, 15 examples of train; snap-2 has 9 more."""
    settings = settings_in(tmp_path)
    paths = {"runs_dir": settings.train.runs_dir, "mlflow_uri": settings.train.mlflow_uri}
    settings = replace(
        settings,
        train=quick(steps=2, checkpoint_steps=2, engine="fast", continual="warm", **paths),
        gate=GateSettings(min_test_conversations=3, max_examples=4, max_new_tokens=8),
    )
    examples = [example(i, split="test" if i % 4 == 0 else "train") for i in range(32)]
    version = write_examples(settings.pipeline.lake, examples)
    snapshot = freeze(settings.pipeline.lake, examples[:20], version=version)
    whole = replace(
        snapshot,
        snapshot_id="snap-2",
        members=[SnapshotMember(example_id=e.example_id, split=e.split) for e in examples],
        content_digest=snapshot_digest((e.example_id, e.split, e.content_hash) for e in examples),
    )
    lake.append(settings.pipeline.lake, SNAPSHOTS, to_table([whole], Snapshot))
    make_champion(settings, tmp_path)
    return settings


def make_champion(settings: Settings, folder: Path) -> None:
    """Train an adapter, and let it answer everybody."""

    def report(metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        if checkpoint is not None:
            export_adapter(checkpoint, folder / "champion")

    train_adapter(chat_rows(6), settings.train, directory=folder / "champion-run", report=report)
    state = State(settings.pipeline.state_url)
    uri = (folder / "champion").as_uri()
    state.put("split", "support", {"champion": "v1"})
    state.put("variant", "v1", {"adapter_uri": uri, "run_id": "run-1", "role": "champion"})
    run = {"run_id": "run-1", "pipeline": "support", "snapshot_id": "snap-1", "adapter_uri": uri}
    before = {"base_revision": "main", "base_sha256": ""}
    state.put("run", "run-1", {**run, "settings": before})
    state.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_warm_run_learns_fresh_examples_and_a_replay_and_says_so(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "deskwheel.toml"
    path.write_text(config.dump(settings))
    done = subprocess.run(
        [sys.executable, "-m", "train", "run", "--config", str(path), "--snapshot", "snap-2",
         "--json"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    reason = "goes on from run-1 with 9 fresh examples and a replay of 9 out of 15 older ones"
    assert found["run"]["settings"]["start_reason"] == reason
    assert found["run"]["settings"]["start_run"] == "run-1"
    adapter = Path(found["run"]["adapter_uri"].removeprefix("file://"))
    facts = json.loads((adapter / "model_card.json").read_text())
    assert facts["data"]["packed"]["train"]["examples"] == 9 + 9
    assert {s["slice"] for s in facts["evaluation"]["shifts"]} >= {"SETUP"}
