"""The audit beside a gate that lives, dies and starts again: it finds nothing that is not there."""

import threading
import time
from pathlib import Path

import pytest
from deltalake import DeltaTable

from deskwheel import lake
from deskwheel.audit import Audit, conservation
from deskwheel.tables import EXAMPLES, VALIDATED
from tests.validate.faults.desk import JOB_S, OFFSETS, Desk, beside, end, said

pytestmark = [pytest.mark.kafka, pytest.mark.faults, pytest.mark.slow]

ROUNDS = 12


def test_an_audit_beside_a_gate_that_is_killed_finds_no_loss(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk")
    desk.receive((said("first"),))
    audits: list[Audit] = []
    for life in range(2):
        process = desk.start("-m", "validate", "watch")
        try:
            with beside(lambda _: audits.append(desk.audit()), times=100_000):
                _feed(desk, life)
                if life:
                    _await_verdicts(desk, 0)
        finally:
            end(process)
            process.communicate()
    pending = [a.examples.pending for a in audits]
    claims = {a.versions["examples_read"] for a in audits}
    print(f"\n{len(audits)} audits, up to {max(pending)} pending, {len(claims)} claims")
    assert [a.problems for a in audits if not a.is_lawful] == []
    assert desk.audit().is_balanced
    assert len(claims) > ROUNDS // 2
    _check_each_version(desk)
    table = DeltaTable(lake.table_path(desk.lake, VALIDATED))
    table.delete("example_id = 'ex-first-1'")
    assert list(desk.audit().breaches) == ["VERDICT_LOST"]


def _feed(desk: Desk, life: int) -> None:
    """Examples, newer versions and copies, file by file, and a table that is put together."""
    for number in range(ROUNDS):
        name = f"n{life}x{number}"
        desk.receive((said(name), said(f"{name}c", content=name, minute=1)))
        if number % 3 == 2:
            desk.receive((said(f"n{life}x{number - 1}", version=2, content=f"{name}v"),))
        if number % 4 == 3:
            DeltaTable(lake.table_path(desk.lake, EXAMPLES)).optimize.compact()
        if number % 2:
            _await_verdicts(desk, 3)


def _await_verdicts(desk: Desk, pending: int) -> None:
    pause, deadline = threading.Event(), time.monotonic() + JOB_S
    while desk.audit().examples.pending > pending:
        assert time.monotonic() < deadline
        pause.wait(0.2)


def _check_each_version(desk: Desk) -> None:
    """Of every version that the gate made, the audit says the same afterwards."""
    newest = desk.audit().versions
    for version in range(1, desk.version() + 1):
        versions = {k: v for k, v in newest.items() if k != "examples_read"}
        audit = conservation(desk.lake, OFFSETS, versions={**versions, VALIDATED.name: version})
        assert audit.is_lawful, (version, audit.problems)
