"""Exported snapshots are what TRL's trainers and Hugging Face datasets read."""

import json
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import datasets
import pytest

from deskwheel.errors import ConfigError, SnapshotError
from deskwheel.records import Snapshot, SnapshotMember
from deskwheel.settings import Settings
from tests.validate.frozen import judged, store, told
from train.data.training_set import load_training_set
from validate.snapshots.commands import snapshot_verb
from validate.snapshots.export import export_snapshot
from validate.snapshots.freeze import freeze_snapshot
from validate.snapshots.manifest import members_root

NOW = datetime(2026, 3, 3, tzinfo=UTC)


@pytest.fixture
def snapshot(settings: Settings) -> Snapshot:
    """Three ideal examples, one with a needless apology beside it, and a stated preference."""
    same = {"query": told("a").query, "context": "customer: hello"}
    sorry = told(
        "s", kind="negative", negative_kind="needless_apology", response="Sorry! No.", **same
    )
    version = store(
        settings,
        judged(told("a", **same)),
        judged(_in(sorry, "conv-a")),
        judged(told("t"), "valid", "test"),
        judged(told("d"), "valid", "dev"),
        judged(told("p", kind="preference", rejected_response="I cannot say.")),
    )
    return freeze_snapshot(settings, table_version=version, now=NOW)


def _in(found: Any, conversation_id: str) -> Any:
    return type(found)(**{**vars(found), "conversation_id": conversation_id})


def export(settings: Settings, snapshot: Snapshot, folder: Path, format: Any = "jsonl") -> Path:
    export_snapshot(settings.pipeline.lake, snapshot, folder, format=format)
    return folder


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_exported_chats_are_what_training_reads(
    settings: Settings, snapshot: Snapshot, tmp_path: Path
) -> None:
    folder = export(settings, snapshot, tmp_path / "out")
    data = load_training_set(settings.pipeline.lake, snapshot)
    for split, rows in data.rows.items():
        expected = [
            {
                "example_id": row.example_id,
                "messages": [*row.messages(), {"role": "assistant", "content": row.response}],
            }
            for row in rows
        ]
        assert lines(folder / "messages" / f"{split}.jsonl") == expected


def test_forms_of_preference_training_keep_good_and_bad_apart(
    settings: Settings, snapshot: Snapshot, tmp_path: Path
) -> None:
    folder = export(settings, snapshot, tmp_path / "out")
    pairs = lines(folder / "preference" / "train.jsonl")
    assert [(p["example_id"], p["rejected_id"]) for p in pairs] == [
        ("ex-a-1", "ex-s-1"), ("ex-p-1", "ex-p-1"),
    ]  # fmt: skip
    assert pairs[0]["prompt"][0]["content"].startswith("customer: hello\n")
    assert pairs[0]["rejected"] == [{"role": "assistant", "content": "Sorry! No."}]
    labelled = lines(folder / "unpaired_preference" / "train.jsonl")
    assert [(row["example_id"], row["label"]) for row in labelled] == [
        ("ex-a-1", True), ("ex-s-1", False),
    ]  # fmt: skip
    completions = lines(folder / "prompt_completion" / "train.jsonl")
    assert [row["example_id"] for row in completions] == ["ex-a-1"]


def test_exporting_again_gives_the_same_bytes(
    settings: Settings, snapshot: Snapshot, tmp_path: Path
) -> None:
    first, again = (export(settings, snapshot, tmp_path / name) for name in ("one", "two"))
    files = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    assert all((first / f).read_bytes() == (again / f).read_bytes() for f in files)


def test_folder_proves_what_it_holds(
    settings: Settings, snapshot: Snapshot, tmp_path: Path
) -> None:
    folder = export(settings, snapshot, tmp_path / "out")
    assert (folder / "manifest.json").read_text(encoding="utf-8") == snapshot.manifest
    members = [SnapshotMember(**line) for line in lines(folder / "members.jsonl")]
    assert members_root(members) == json.loads(snapshot.manifest or "")["merkle_root"]


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_load_dataset_reads_every_form_and_split(
    settings: Settings, snapshot: Snapshot, tmp_path: Path, format: str
) -> None:
    folder = export(settings, snapshot, tmp_path / "out", format)
    whole = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert {split: whole[split].num_rows for split in whole} == {"train": 1, "dev": 1, "test": 1}
    assert [m["role"] for m in whole["train"][0]["messages"]] == ["user", "assistant"]
    pairs = datasets.load_dataset(str(folder), "preference", cache_dir=str(tmp_path / "cache"))
    assert pairs["train"].num_rows == 2


def test_saved_datasets_are_loaded_from_disk(
    settings: Settings, snapshot: Snapshot, tmp_path: Path
) -> None:
    folder = export(settings, snapshot, tmp_path / "out", "hf")
    loaded = datasets.load_from_disk(str(folder / "messages"))
    assert loaded["train"][0]["example_id"] == "ex-a-1"
    assert sorted(loaded) == ["dev", "test", "train"]
    assert "configs:" not in (folder / "README.md").read_text(encoding="utf-8")


def test_full_folder_and_changed_snapshot_are_refused(
    settings: Settings, snapshot: Snapshot, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not empty"):
        export(settings, snapshot, tmp_path / "full")
    forged = Snapshot(**{**vars(snapshot), "content_digest": "0" * 64})
    with pytest.raises(SnapshotError, match="does not read as it was frozen"):
        export(settings, forged, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir() if "out" in p.name) == []


def test_verb_prints_where_and_how_many(
    settings: Settings, snapshot: Snapshot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, as_json in (("a", True), ("b", False)):
        arguments = Namespace(
            action="export", names=["newest"], to=str(tmp_path / name), format="jsonl", json=as_json
        )
        assert snapshot_verb(settings, arguments) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed.splitlines()[0])["rows"]["messages"]["train"] == 1
    assert "messages: train 1, dev 1, test 1" in printed
    with pytest.raises(ConfigError, match="--to DIR"):
        snapshot_verb(
            settings,
            Namespace(action="export", names=["newest"], to=None, format="jsonl", json=False),
        )
    assert snapshot.snapshot_id
