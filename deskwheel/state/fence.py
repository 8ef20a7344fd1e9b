"""Fencing tokens: what keeps a writer that lost its lease from writing."""

from dataclasses import dataclass

import sqlalchemy as sa

from deskwheel.errors import LeaseLostError
from deskwheel.state.tables import LEASES


@dataclass(frozen=True)
class Fence:
    """The right to write for as long as nobody has taken a lease over."""

    lease: str
    """Name of the lease."""
    token: int
    """Its number when it was taken."""

    def __str__(self) -> str:
        return f"{self.lease}#{self.token}"


def check_fence(connection: sa.Connection, fence: Fence) -> None:
    """Refuse the rest of this transaction to a writer whose lease another has taken.

    Writes the lease's row, so nobody can take it over before the transaction ends: SQLite lets one
    write at a time, PostgreSQL locks the row. A lease that ran out and that nobody took is good.
    Source: Kleppmann, "How to do distributed locking" (2016).

    Raises:
        LeaseLostError: the lease has a higher token.
    """
    held = connection.execute(
        LEASES.update()
        .where(LEASES.c.name == fence.lease, LEASES.c.token == fence.token)
        .values(token=LEASES.c.token)
    )
    if held.rowcount != 1:
        raise LeaseLostError(
            f"lease {fence.lease} is no longer held under token {fence.token}: another process"
            " went on meanwhile; take the lease again before writing"
        )
