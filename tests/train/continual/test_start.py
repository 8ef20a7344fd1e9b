import json
from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel import lake
from deskwheel.records import Snapshot, SnapshotMember
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import SNAPSHOTS
from tests.train.rows import example, freeze, settings_in, write_examples
from train.continual.start import Start, choose_start
from train.files import MANIFEST


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A champion that learnt 20 examples of snap-1; snap-2 has these and 14 fresh ones."""
    settings = settings_in(tmp_path, continual="warm")
    examples = [example(i) for i in range(34)]
    version = write_examples(settings.pipeline.lake, examples)
    snapshot = freeze(settings.pipeline.lake, examples[:20], version=version)
    members = [SnapshotMember(example_id=e.example_id, split="train") for e in examples]
    whole = replace(snapshot, snapshot_id="snap-2", members=members)
    lake.append(settings.pipeline.lake, SNAPSHOTS, to_table([whole], Snapshot))
    folder = tmp_path / "champion"
    folder.mkdir()
    config = {"r": settings.train.lora_r, "lora_alpha": settings.train.lora_alpha}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / MANIFEST).write_text(json.dumps({"base_model": "demo"}))
    return settings


@pytest.fixture
def state(settings: Settings, tmp_path: Path) -> State:
    state = State(settings.pipeline.state_url)
    variant = {"adapter_uri": (tmp_path / "champion").as_uri(), "run_id": "run-1"}
    state.put("split", "support", {"champion": "v1"})
    state.put("variant", "v1", variant)
    run = {"run_id": "run-1", "snapshot_id": "snap-1"}
    state.put("run", "run-1", {**run, "settings": {"base_revision": "main", "base_sha256": ""}})
    return state


def start(settings: Settings, state: State, *, has_file: bool = False) -> Start:
    return choose_start(settings, state, run_id="run-2", snapshot_id="snap-2", has_file=has_file)


def test_a_warm_start_goes_on_from_the_champion(
    settings: Settings, state: State, tmp_path: Path
) -> None:
    found = start(settings, state)
    assert found == Start(
        policy="warm",
        reason="goes on from run-1 with 14 fresh examples and a replay of 14 out of 20 older ones",
        adapter_dir=str(tmp_path / "champion"),
        from_run="run-1",
        older_snapshot_id="snap-1",
    )


def test_a_run_that_goes_on_keeps_its_start(settings: Settings, state: State) -> None:
    before = start(settings, state)
    state.put("split", "support", {"champion": "prompt"})
    assert start(settings, state) == before


def test_by_default_a_run_starts_on_the_base(settings: Settings, state: State) -> None:
    plain = replace(settings, train=replace(settings.train, continual="retrain"))
    assert start(plain, state).policy == "retrain"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lora_r": 8}, "the champion has lora_r 16, and train.lora_r is 8"),
        ({"base_model": "other"}, "the champion has base_model 'demo'"),
        ({"base_revision": "v2"}, "the champion has base_revision 'main'"),
        ({"replay_share": 0.8}, "56 of 20 older examples would have to be replayed"),
    ],
)
def test_an_adapter_that_cannot_go_on_is_retrained_with_the_reason(
    settings: Settings, state: State, change: dict[str, object], reason: str
) -> None:
    found = start(replace(settings, train=replace(settings.train, **change)), state)
    assert (found.policy, found.adapter_dir) == ("retrain", None)
    assert found.reason.startswith("no warm start: ")
    assert reason in found.reason


def test_without_a_champions_adapter_there_is_no_warm_start(
    settings: Settings, state: State
) -> None:
    state.put("variant", "v1", {"adapter_uri": None, "run_id": None})
    assert "prompt-engineered bot" in start(settings, state).reason


def test_a_champion_that_is_not_recorded_is_no_start(settings: Settings, state: State) -> None:
    variant = state.documents("variant")["v1"]
    state.put("variant", "v1", {**variant, "run_id": "run-nobody"})
    assert "not recorded" in start(settings, state).reason


def test_a_broken_adapter_is_no_start(settings: Settings, state: State, tmp_path: Path) -> None:
    (tmp_path / "champion" / MANIFEST).unlink()
    assert "cannot be read" in start(settings, state).reason


def test_without_a_fresh_example_there_is_no_warm_start(settings: Settings, state: State) -> None:
    found = choose_start(settings, state, run_id="run-2", snapshot_id="snap-1", has_file=False)
    assert "no example is fresh" in found.reason


def test_a_file_of_chats_has_no_warm_start(settings: Settings, state: State) -> None:
    assert "file of chats" in start(settings, state, has_file=True).reason
