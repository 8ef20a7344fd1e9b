"""A snapshot as a folder that other tools train on: JSON Lines, Parquet or Hugging Face datasets.

Reads `snapshots` and `validated_examples`; writes one folder, whole or not at all. The folder holds
`README.md` (the data card, with the header that `datasets.load_dataset` reads), `manifest.json`,
`members.jsonl` (out of which anybody can compute the Merkle root again), and a folder for each form
of TRL's trainers.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from deskwheel.errors import ConfigError, SnapshotError
from deskwheel.records import Snapshot
from validate.snapshots.card import card_facts, languages_of, render_card, size_category
from validate.snapshots.chats import Lines, chat_forms
from validate.snapshots.store import load_frozen
from validate.snapshots.verify import verify_snapshot

Format = Literal["jsonl", "parquet", "hf"]
FORMATS: tuple[Format, ...] = ("jsonl", "parquet", "hf")
CARD, MANIFEST, MEMBERS = "README.md", "manifest.json", "members.jsonl"


def export_snapshot(
    lake_dir: str | Path, snapshot: Snapshot, folder: Path, *, format: Format
) -> dict[str, dict[str, int]]:
    """Write the folder and return its rows by form and split.

    The same snapshot gives the same bytes in `jsonl`, except for the card's creation time.

    Raises:
        ConfigError: the folder holds something already.
        SnapshotError: the snapshot does not read as it was frozen; nothing is written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty; name a folder that is, or none yet")
    if not verify_snapshot(lake_dir, snapshot).holds:
        raise SnapshotError(
            f"snapshot {snapshot.snapshot_id} does not read as it was frozen; `python -m validate"
            f" snapshot verify {snapshot.snapshot_id}` tells what differs"
        )
    frozen = load_frozen(lake_dir, snapshot)
    forms = chat_forms(frozen.rows)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    _write_forms(part, forms, format)
    facts = card_facts(lake_dir, frozen)
    (part / CARD).write_text(f"{_header(facts, forms, format)}{render_card(facts)}\n", "utf-8")
    (part / MANIFEST).write_text(snapshot.manifest or "{}", "utf-8")
    _write_lines(part / MEMBERS, [asdict(member) for member in snapshot.members])
    if folder.exists():
        folder.rmdir()
    part.rename(folder)
    return {form: {split: len(lines) for split, lines in of.items()} for form, of in forms.items()}


def _write_forms(folder: Path, forms: Lines, format: Format) -> None:
    for form, splits in forms.items():
        if format == "hf":
            # Seconds to import, and only this format needs it.
            from validate.snapshots.hub import save_to_disk  # noqa: PLC0415

            save_to_disk(folder / form, splits)
            continue
        (folder / form).mkdir()
        for split, lines in splits.items():
            path = folder / form / f"{split}.{format}"
            if format == "jsonl":
                _write_lines(path, lines)
            else:
                pq.write_table(pa.Table.from_pylist(lines), path)


def _write_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _header(facts: Mapping[str, Any], forms: Lines, format: Format) -> str:
    """The card's YAML header, with the files of each form; JSON is YAML, too.

    Source: Hugging Face Hub documentation, "Dataset cards" and "Manual configuration".
    """
    fields: dict[str, Any] = {
        "pretty_name": f"deskwheel {facts['pipeline']} {facts['snapshot_id']}",
        "task_categories": ["text-generation"],
        "size_categories": [size_category(facts)],
        "tags": ["trl", "customer-service"],
    }
    if languages_of(facts):
        fields["language"] = languages_of(facts)
    if format != "hf":
        fields["configs"] = [
            {
                "config_name": form,
                "default": form == "messages",
                "data_files": [{"split": s, "path": f"{form}/{s}.{format}"} for s in splits],
            }
            for form, splits in forms.items()
        ]
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
    return "\n".join(["---", *lines, "---", "", ""])
