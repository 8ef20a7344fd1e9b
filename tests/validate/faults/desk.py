"""A toy desk on disk: its tables, its stream checkpoint, and its job as a process that may die.

Two batches of examples: the second one moves rows of the first, so that its commit is a merge.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from pyspark.sql import SparkSession

from deskwheel import config, lake
from deskwheel.audit import Audit, conservation
from deskwheel.failpoint import VARIABLE
from deskwheel.ids import digest
from deskwheel.records import Conversation, Example
from deskwheel.schema import to_table
from deskwheel.settings import Settings, ValidateSettings
from deskwheel.state import State
from deskwheel.tables import CONVERSATIONS, EXAMPLES, VALIDATED
from tests.places import settings_in
from tests.validate.frozen import told
from tests.validate.rows import conversation
from validate.catch_up import catch_up
from validate.gate import INDEX_NAME, QUERY_NAME
from validate.index import open_index
from validate.watch import judge_once

OFFSETS = {"raw.chat": {0: (0, 0)}}
"""Of a broker without events: the desk's examples come from nowhere."""
JOB_S = 240.0
ROOT = Path(__file__).resolve().parents[3]


def said(name: str, *, content: str = "", **changes: Any) -> Example:
    """An example whose texts depend on `content` alone, and have no word of another content."""
    texts = told(content or name)
    same: dict[str, Any] = {
        "query": texts.query,
        "response": texts.response,
        "subject_key": f"s-{name}",
    }
    return replace(told(name, **changes), **same, content_hash=digest(texts.query, texts.response))


FIRST = (said("a"), said("b", csat=1), said("c"), said("d", content="a", minute=1))
SECOND = (
    said("a", content="a2", version=2), said("e"), said("f", content="c", minute=2),
    said("g", csat=1),
)  # fmt: skip


@dataclass(frozen=True)
class Desk:
    """Everything of one pipeline in one folder; a copy of the folder is another desk."""

    folder: Path
    suite: str = ""

    @property
    def settings(self) -> Settings:
        """Those of the job, every path under the folder."""
        return replace(settings_in(self.folder), validate=ValidateSettings(suite=self.suite))

    @property
    def checkpoint(self) -> Path:
        """The stream checkpoint of the gate."""
        return Path(self.settings.transforms.checkpoint_dir) / QUERY_NAME

    @property
    def lake(self) -> str:
        """Folder of the tables."""
        return self.settings.pipeline.lake

    def receive(self, examples: tuple[Example, ...]) -> None:
        """Append what transforms would."""
        news = [
            conversation(e.conversation_id.removeprefix("conv-"), e.conversation_version)
            for e in examples
        ]
        lake.append(self.lake, CONVERSATIONS, to_table(news, Conversation))
        lake.append(self.lake, EXAMPLES, to_table(examples, Example))

    def judge(self, spark: SparkSession) -> None:
        """Run the job's `watch --once` in this process."""
        with closing(State(self.settings.pipeline.state_url)) as state:
            judge_once(spark, self.settings, state)

    def copy_to(self, folder: Path, **changes: Any) -> "Desk":
        """The same desk elsewhere, as a restored one would be."""
        shutil.copytree(self.folder, folder)
        return replace(self, folder=folder, **changes)

    def run(self, *words: str, failpoint: str = "") -> subprocess.CompletedProcess[str]:
        """A command of the project as a process, which dies at a failpoint."""
        process = self.start(*words, failpoint=failpoint)
        try:
            out, err = process.communicate(timeout=JOB_S)
        finally:
            end(process)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def start(self, *words: str, failpoint: str = "") -> subprocess.Popen[str]:
        """The process, in a group of its own; `end` it."""
        file = self.folder / "deskwheel.toml"
        file.write_text(config.dump(self.settings), encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, *words, "--config", str(file)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            env={**os.environ, VARIABLE: failpoint}, start_new_session=True,
        )  # fmt: skip

    def rows(self) -> list[dict[str, Any]]:
        """The judged rows, ordered by id."""
        return sorted(lake.read(self.lake, VALIDATED).to_pylist(), key=lambda r: r["example_id"])

    def verdicts(self) -> dict[str, str]:
        """Verdict by example id; each id stands once."""
        rows = self.rows()
        assert len({r["example_id"] for r in rows}) == len(rows)
        return {r["example_id"]: r["verdict"] for r in rows}

    def told(self, kind: str) -> list[tuple[str, Any]]:
        """Subject and verdicts of the timeline's entries of a kind, oldest first."""
        with closing(State(self.settings.pipeline.state_url)) as state:
            entries = state.timeline(self.settings.pipeline.name, kind=kind)
        return [(e["subject"], e["detail"].get("verdicts")) for e in reversed(entries)]

    def audit(self) -> Audit:
        """The conservation laws over the tables as they are."""
        return conservation(self.lake, OFFSETS)

    def version(self) -> int:
        """Delta version of `validated_examples`."""
        return lake.current_version(self.lake, VALIDATED) or 0

    def index_lag(self) -> int:
        """Commits of the table that the gate's index does not reflect yet."""
        with open_index(self.checkpoint.parent / INDEX_NAME) as index:
            return self.version() - (index.reflects.version or 0)

    def check_conserved(self, name: str) -> None:
        """Each example has one row, no law is broken, nothing waits, and the index says so too."""
        audit, counts = self.audit(), Counter(self.verdicts().values())
        behind = self.index_lag()
        with open_index(self.checkpoint.parent / INDEX_NAME) as index:
            catch_up(index, self.lake)
            known = {c.example_id: c.verdict for c in index.of_ids(self.verdicts())}
            assert index.count() == len(known)
        print(
            f"\n{name}: {audit.examples.candidates} examples, {dict(counts)},"
            f" {audit.examples.pending} pending; index {behind} commits behind"
        )
        assert audit.is_balanced, audit.problems
        assert sum(audit.examples.verdicts.values()) == audit.examples.candidates
        assert known == self.verdicts()


def end(process: subprocess.Popen[str]) -> None:
    """Kill what a process left of its group, its JVM above all."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=20)


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with what it holds."""
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def stricter_suite(folder: Path) -> str:
    """A folder with the shipped rules, but for a resolution that hardly any example reaches."""
    from validate.suite import ROWS, shipped_folder  # noqa: PLC0415

    document = json.loads((shipped_folder() / f"{ROWS}.json").read_text(encoding="utf-8"))
    for rule in document["expectations"]:
        if rule["meta"]["rule_id"] == "RESOLUTION_UNSURE":
            rule["kwargs"]["min_value"] = 0.95
    folder.mkdir()
    (folder / f"{ROWS}.json").write_text(json.dumps(document), encoding="utf-8")
    return str(folder)


def judged_table(desk: Desk) -> DeltaTable:
    """`validated_examples` as it is now."""
    return DeltaTable(lake.table_path(desk.lake, VALIDATED))


def optimize(desk: Desk) -> int:
    """Put small files together, and return how many there were."""
    return int(judged_table(desk).optimize.compact()["numFilesRemoved"])


def vacuum(desk: Desk) -> None:
    """Remove every file that the newest version does not need."""
    judged_table(desk).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)


def delete(desk: Desk, example_id: str) -> None:
    """Remove a row."""
    judged_table(desk).delete(f"example_id = '{example_id}'")


@contextmanager
def beside(change: Callable[[int], None], *, times: int = 1_000) -> Iterator[dict[str, int]]:
    """A change made again and again beside the block; those that lost a race are let go.

    Any other error of a change is raised when the block is over.
    """
    rounds, stop = {"made": 0, "ended": 0}, threading.Event()
    failed: list[Exception] = []

    def work() -> None:
        try:
            for number in range(times):
                if stop.wait(0.02):
                    break
                with suppress(CommitFailedError):
                    change(number)
                    rounds["made"] += 1
        except Exception as error:
            failed.append(error)
        finally:
            rounds["ended"] = 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield rounds
    finally:
        stop.set()
        thread.join(timeout=60)
    assert not thread.is_alive()
    if failed:
        raise failed[0]
