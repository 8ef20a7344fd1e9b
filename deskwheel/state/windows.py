"""Training windows: the ledger of what was claimed, by whom, and how it ended."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from deskwheel.errors import StateError
from deskwheel.state.database import Database, now_iso, to_json
from deskwheel.state.fence import Fence
from deskwheel.state.tables import WINDOWS, Row

OPEN_PHASES = ("claimed", "frozen", "submitted")
"""A window is under way: the next one waits."""

END_PHASES = ("trained", "failed", "held")
"""A window has ended, for good."""


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
    ) -> bool:
        """Whether this caller now owns the window that starts at a table version.

        The second caller gets False: the primary key lets only one insert through. So does one
        whose window would take in versions of another.

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
        others = sa.select(WINDOWS.c.from_version).where(
            WINDOWS.c.pipeline == pipeline,
            WINDOWS.c.from_version <= to_version,
            WINDOWS.c.to_version >= from_version,
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

        Phases: claimed → frozen → submitted → trained; from each open one also → failed or held.

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

    def windows(self, pipeline: str, *, phase: str | None = None) -> list[Row]:
        """Windows of a pipeline, oldest first, optionally of one phase."""
        query = sa.select(WINDOWS).where(WINDOWS.c.pipeline == pipeline)
        if phase is not None:
            query = query.where(WINDOWS.c.phase == phase)
        return self._read(query.order_by(WINDOWS.c.from_version))
