"""Toy tables to audit: turns by offset, and examples with the verdicts that a gate commits."""

from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from deskwheel import lake
from deskwheel.audit import Audit, conservation
from deskwheel.tables import EXAMPLES, TURNS, VALIDATED
from tests.deskwheel.rows import rows_of


def turn(offset: int, verdict: str = "accepted", **changes: Any) -> dict[str, Any]:
    """A row of `turns` from one partition."""
    source = {"topic": "raw.chat", "partition": 0, "offset": offset}
    return {"source": source, "verdict": verdict, "channel": "chat", **changes}


def write_turns(lake_path: Path, *turns: dict[str, Any]) -> None:
    """Rows in a commit that says nothing of them."""
    lake.append(lake_path, TURNS, rows_of(TURNS, list(turns)))


def audited(lake_path: Path, end: int, begin: int = 0) -> Audit:
    """The audit where Kafka has the partition from begin to end."""
    return conservation(lake_path, {"raw.chat": {0: (begin, end)}})


class Judging:
    """Examples and their verdicts, as the gate commits them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        lake.ensure(folder, EXAMPLES)
        lake.ensure(folder, VALIDATED)
        self.batch = 0

    def mine(self, names: str) -> None:
        """Add examples, one a letter."""
        lake.append(self.folder, EXAMPLES, rows_of(EXAMPLES, [{"example_id": n} for n in names]))

    def judge(self, names: str, *, reached: int | None, is_first: bool = False) -> None:
        """Commit verdicts; `reached` is the version of `examples` that the batch ended in."""
        self.batch += 1
        table = str(DeltaTable(lake.table_path(self.folder, EXAMPLES)).metadata().id)
        told = {} if reached is None else {"read": {table: [reached, -1, is_first]}}
        rows = [{"example_id": n, "verdict": "valid", "content_hash": n} for n in names]
        lake.append_once(
            self.folder, VALIDATED, rows_of(VALIDATED, rows),
            app_id="validated_examples:1", batch_id=self.batch, metadata=told,
        )  # fmt: skip

    def found(self) -> tuple[int, int]:
        """Examples that are lost and pending; a law says the same of the lost ones."""
        audit = conservation(self.folder, {})
        assert len(audit.breaches.get("VERDICT_LOST", ())) == audit.examples.lost
        assert not audit.breaches.keys() - {"VERDICT_LOST"}
        return audit.examples.lost, audit.examples.pending
