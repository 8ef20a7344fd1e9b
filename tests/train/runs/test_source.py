from pathlib import Path

import pytest

from deskwheel.errors import ConfigError, SnapshotError
from deskwheel.progress import all_progress
from deskwheel.settings import Settings
from deskwheel.stage import run_stage
from deskwheel.state import State
from tests.train.rows import example, freeze, write_examples
from train.__main__ import VERBS
from train.runs.source import check_source

CHAT = '{"messages": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes."}]'


@pytest.fixture
def lake(settings: Settings) -> str:
    """Where snap-1 is."""
    folder, examples = settings.pipeline.lake, [example(1)]
    freeze(folder, examples, version=write_examples(folder, examples))
    return folder


def test_a_snapshot_or_a_file_of_chats_is_learnt_from(lake: str, tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    file.write_text("".join(f'{CHAT}, "split": "{s}"}}\n' for s in ("train", "test")))
    check_source(lake, snapshot_id="snap-1", data_file=None)
    check_source(lake, snapshot_id=None, data_file=file)


@pytest.mark.parametrize("file", [None, Path("chats.jsonl")])
def test_one_of_them_is_named(lake: str, file: Path | None) -> None:
    with pytest.raises(ConfigError, match="name what to train on"):
        check_source(lake, snapshot_id="snap-1" if file else None, data_file=file)


def test_an_unknown_snapshot_and_a_bad_file_are_said(lake: str, tmp_path: Path) -> None:
    with pytest.raises(
        SnapshotError, match="'snap-9' is not in .*python -m validate snapshot list"
    ):
        check_source(lake, snapshot_id="snap-9", data_file=None)
    with pytest.raises(SnapshotError, match="name a JSON Lines file"):
        check_source(lake, snapshot_id=None, data_file=tmp_path / "none.jsonl")
    file = tmp_path / "chats.jsonl"
    file.write_text("Hi?\n")
    with pytest.raises(SnapshotError, match=r"chats\.jsonl:1: not JSON"):
        check_source(lake, snapshot_id=None, data_file=file)


def test_a_mistyped_snapshot_leaves_no_run(
    lake: str, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = [f"pipeline.lake={lake}", f"pipeline.state_url={settings.pipeline.state_url}"]
    command = ["run", "--snapshot", "snap-9", *(w for s in where for w in ("--set", s))]
    assert run_stage("train", "", VERBS, command) == 1
    assert "train run: snapshot 'snap-9' is not in" in capsys.readouterr().err
    assert list(all_progress(State(settings.pipeline.state_url), "support")) == []
