"""What must hold after every step of the simulation, and once nothing fails any more."""

import sqlite3
from itertools import pairwise
from typing import Any

from deskwheel.state import END_PHASES, OPEN_PHASES, REOPENABLE
from tests.train.ledger.world import ATTEMPTS, PIPELINE, World

ORDER = {"claimed": 0, "frozen": 1, "submitted": 2, "trained": 3, "failed": 3, "held": 3}
Row = dict[str, Any]


class Laws:
    """Compares what the database says with what it said before."""

    def __init__(self, database: str, world: World) -> None:
        self._world = world
        self._reader = sqlite3.connect(database, isolation_level=None)
        self._reader.row_factory = sqlite3.Row
        self._data_version = -1
        self._windows: dict[int, Row] = {}
        self._tokens: dict[str, int] = {}

    def close(self) -> None:
        self._reader.close()

    def check_step(self) -> None:
        """Raise AssertionError where the step that was just made broke a law."""
        (data_version,) = self._reader.execute("PRAGMA data_version").fetchone()
        if data_version == self._data_version:
            return
        self._data_version = data_version
        tokens = {r["name"]: r["token"] for r in self._reader.execute("SELECT * FROM leases")}
        for name, token in self._tokens.items():
            assert tokens.get(name, 0) >= token, f"the token of {name} fell from {token}"
        found = self._reader.execute("SELECT * FROM windows ORDER BY from_version")
        windows = {row["from_version"]: dict(row) for row in found}
        assert self._windows.keys() <= windows.keys(), "a window is gone"
        for first, second in pairwise(windows.values()):
            assert first["to_version"] < second["from_version"], "two windows overlap"
        assert self._world.state.claims <= len(windows), "a window was granted twice"
        is_open = [start for start, w in windows.items() if w["phase"] in OPEN_PHASES]
        assert len(is_open) <= 1, f"windows {is_open} are open at once"
        for start, window in windows.items():
            if window != self._windows.get(start):
                _check_move(self._windows.get(start), window, tokens)
        trained = [start for start, w in windows.items() if w["phase"] == "trained"]
        for start in is_open:
            assert start > max(trained, default=-1), f"window {start} goes on after a later one"
        self._windows, self._tokens = windows, tokens

    def check_end(self) -> None:
        """Raise AssertionError where something is left over."""
        state, shelf = self._world.state, self._world.registry
        assert state.claims == len(self._windows), "not each window was granted to one claimer"
        told = [entry["subject"] for entry in state.timeline(PIPELINE, kind="trained")]
        assert len(told) == len(set(told)), f"a run was told twice: {told}"
        evaluations = {e["run_id"] for e in state.documents("evaluation").values()}
        trained = {w["run_id"] for w in self._windows.values() if w["phase"] == "trained"}
        assert evaluations == trained == set(told), "evaluations and trained windows differ"
        for window in self._windows.values():
            assert window["phase"] in END_PHASES, f"window ends as {window['phase']}"
            if window["phase"] != "trained":
                assert window["reason"], "a window ended without a reason"
                continue
            left = [v for v, run in shelf.versions.items() if run == window["run_id"]]
            assert window["model_version"] in left, "the published version is gone"
            others = [v for v in left if v != window["model_version"]]
            # Only a job that was killed after it had created a version leaves it behind.
            assert all(shelf.makers[v].is_killed for v in others), f"versions {left} are left"
        for name in self._tokens:
            assert state.acquire_lease(name, "prober", 1.0) is not None, f"{name} is an orphan"


def _check_move(before: Row | None, after: Row, tokens: dict[str, int]) -> None:
    lease, _, token = after["moved_by"].rpartition("#")
    if lease:
        assert int(token) == tokens[lease], f"{lease} moved a window under an old token {token}"
    if before is None:
        assert lease, "a window was claimed without a lease"
        assert after["phase"] == "claimed", f"a window began as {after['phase']}"
        return
    if before["phase"] in END_PHASES:
        _check_reopened(before, after)
        return
    is_published = after["model_version"] is not None
    assert is_published == (after["phase"] == "trained"), f"{after['phase']} with another version"
    assert before["attempts"] <= after["attempts"], "attempts fell"
    is_again = before["phase"] == after["phase"] == "submitted"
    is_on = ORDER[after["phase"]] > ORDER[before["phase"]]
    is_next = is_again and after["attempts"] == before["attempts"] + 1 <= ATTEMPTS
    assert is_on or is_next, f"{before['phase']} became {after['phase']}"
    needs_lease = after["phase"] in ("submitted", "trained") or (
        before["phase"] == "submitted" and after["phase"] == "failed"
    )
    assert lease or not needs_lease, f"{after['phase']} without a lease"


def _check_reopened(before: Row, after: Row) -> None:
    """Only a person may, where there is no model, for one attempt more."""
    assert before["phase"] in REOPENABLE, f"a window changed after it was {before['phase']}"
    assert after["phase"] in OPEN_PHASES, f"{before['phase']} became {after['phase']}"
    assert after["moved_by"] == "", "a lease reopened a window"
    assert after["reason"] is None, "a window that goes on keeps the reason of its end"
    more = 1 if after["phase"] == "submitted" else 0
    assert after["attempts"] == before["attempts"] + more, "an attempt was skipped or repeated"
