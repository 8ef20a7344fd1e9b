"""Training windows: the ledger of what was claimed, by whom, and how it ended."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from deskwheel.errors import StateError
from deskwheel.state.database import Database, now_iso, to_json
from deskwheel.state.fence import Fence
from deskwheel.state.tables import LEASES, WINDOWS, Row

OPEN_PHASES = ("claimed", "frozen", "submitted")
"""A window is under way: the next one waits."""

END_PHASES = ("trained", "failed", "held")
"""A window has ended; only a person's `reopen_window` goes on with it."""

REOPENABLE = ("failed", "held")
"""A window has ended without a model."""


class Windows(Database):
    """PRIMARY KEY (pipeline, from_version) is the promise that a window is claimed once."""

    def claim_window(
        self,
        pipeline: str,
        from_version: int,
        *,
        to_version: int,
        owner: str,
        detail: Mapping[str, Any],
        fence: Fence | None = None,
        is_alone: bool = False,
    ) -> bool:
        """Whether this caller now owns the window that starts at a table version.

        The second caller gets False: the primary key lets only one insert through. So does one
        whose window would take in versions of another, and with `is_alone` one that comes while
        any window is open.

        Raises:
            LeaseLostError: another process has taken over the lease of `fence`.
        """
        row = {
            "pipeline": pipeline,
            "from_version": from_version,
            "to_version": to_version,
            "phase": "claimed",
            "owner": owner,
            "claimed_at": now_iso(),
            "detail": to_json(detail),
            "moved_by": str(fence or ""),
        }
        is_shared = sa.and_(
            WINDOWS.c.from_version <= to_version, WINDOWS.c.to_version >= from_version
        )
        is_in_the_way = sa.or_(is_shared, _is_open()) if is_alone else is_shared
        others = sa.select(WINDOWS.c.from_version).where(
            WINDOWS.c.pipeline == pipeline, is_in_the_way
        )
        values = [sa.literal(value, WINDOWS.c[name].type) for name, value in row.items()]
        # Without the option SQLAlchemy forgets how many rows an INSERT has made.
        claim = (
            WINDOWS.insert()
            .from_select(list(row), sa.select(*values).where(~sa.exists(others)))
            .execution_options(preserve_rowcount=True)
        )
        try:
            return self._write(claim, fence=fence) == 1
        except IntegrityError:
            return False

    def advance_window(
        self,
        pipeline: str,
        from_version: int,
        *,
        expect: str,
        phase: str,
        fence: Fence | None = None,
        attempt: int | None = None,
        **changes: Any,
    ) -> None:
        """Move a window from one phase to the next, and set further columns.

        Phases: claimed → frozen → submitted → trained; from each open one also → failed or held;
        back from these two by `reopen_window` alone.

        Args:
            pipeline: the window's.
            from_version: the window's.
            expect: the phase it must be in; not one that it ends in.
            phase: the phase it gets.
            fence: whose right the move is; None where the phase alone decides.
            attempt: the attempt it must be at; None for any.
            changes: values of further columns.

        Raises:
            LeaseLostError: another process has taken over the lease of `fence`.
            StateError: the window is not in the expected phase, or has ended.
        """
        where = [
            WINDOWS.c.pipeline == pipeline,
            WINDOWS.c.from_version == from_version,
            WINDOWS.c.phase == expect,
            WINDOWS.c.phase.not_in(END_PHASES),
        ]
        if attempt is not None:
            where.append(WINDOWS.c.attempts == attempt)
        values = {**changes, "phase": phase, "moved_by": str(fence or "")}
        if self._write(WINDOWS.update().where(*where).values(values), fence=fence) != 1:
            which = "" if attempt is None else f" at attempt {attempt}"
            raise StateError(
                f"window {pipeline}/{from_version} is not in phase {expect!r}{which}, or has"
                f" ended, so it cannot become {phase!r}; another process has moved it: read it"
                " again"
            )

    def reopen_window(
        self,
        pipeline: str,
        from_version: int,
        *,
        expect: str,
        attempt: int,
        phase: str,
        lease: str,
        **changes: Any,
    ) -> None:
        """Move a window that ended without a model back to a phase in which it is open.

        Args:
            pipeline: the window's.
            from_version: the window's.
            expect: the phase it must have ended in, `failed` or `held`.
            attempt: the attempt it must have ended at.
            phase: the phase it gets.
            lease: under which windows are claimed: a claim at the same moment comes before this,
                which is refused then, or after it, and finds the window open.
            changes: values of further columns.

        Raises:
            StateError: it has not ended so, another window is open, or a later one is trained.
        """
        other = WINDOWS.alias()
        is_newer = sa.and_(other.c.from_version > from_version, other.c.phase == "trained")
        others = sa.select(other.c.from_version).where(
            other.c.pipeline == pipeline,
            other.c.from_version != from_version,
            sa.or_(_is_open(other), is_newer),
        )
        reopen = (
            WINDOWS.update()
            .where(
                WINDOWS.c.pipeline == pipeline,
                WINDOWS.c.from_version == from_version,
                WINDOWS.c.phase == expect,
                WINDOWS.c.phase.in_(REOPENABLE),
                WINDOWS.c.attempts == attempt,
                ~sa.exists(others),
            )
            .values({"reason": None, **changes, "phase": phase, "moved_by": ""})
        )
        hold = LEASES.update().where(LEASES.c.name == lease).values(token=LEASES.c.token)
        with self._transaction() as connection:
            # Written first, like a fence: PostgreSQL lets no claimer in before this has ended.
            connection.execute(hold)
            is_reopened = connection.execute(reopen).rowcount == 1
        if not is_reopened:
            raise StateError(
                f"window {pipeline}/{from_version} is not {expect!r} at attempt {attempt} any more,"
                " or another window is open, or a later one is trained, so it cannot become"
                f" {phase!r}; read it again"
            )

    def windows(self, pipeline: str, *, phase: str | None = None) -> list[Row]:
        """Windows of a pipeline, oldest first, optionally of one phase."""
        query = sa.select(WINDOWS).where(WINDOWS.c.pipeline == pipeline)
        if phase is not None:
            query = query.where(WINDOWS.c.phase == phase)
        return self._read(query.order_by(WINDOWS.c.from_version))


def _is_open(table: Any = WINDOWS) -> sa.ColumnElement[bool]:
    is_open: sa.ColumnElement[bool] = table.c.phase.in_(OPEN_PHASES)
    return is_open
