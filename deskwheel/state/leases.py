"""Leases: the right to act for a while, by the database's clock."""

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from deskwheel.state.database import Database
from deskwheel.state.fence import Fence
from deskwheel.state.tables import LEASES


class Leases(Database):
    """Who may act now, and under which fencing token."""

    def acquire_lease(self, name: str, owner: str, ttl_s: float) -> int | None:
        """A fencing token if the lease is free, expired or ours already; else None.

        The database's clock decides, not the caller's. A renewal keeps its token, a new owner
        gets a higher one, so that writes of a paused former owner are told apart and refused. A
        lease that has more than twice its length to go was taken before that clock was set back:
        it is free, or it would stay long after its owner's death.
        Source: Kleppmann, "How to do distributed locking" (2016).

        Args:
            name: of the lease.
            owner: a name that no other process has, not even one of the same host and id later.
            ttl_s: how long the lease is good; below 0 gives it up.
        """
        now = self._clock()
        is_ours = LEASES.c.owner == owner
        is_free = sa.or_(LEASES.c.expires < now, LEASES.c.expires > now + 2 * LEASES.c.ttl_s)
        take = (
            LEASES.update()
            .where(LEASES.c.name == name, sa.or_(is_ours, is_free))
            .values(
                token=sa.case((is_ours, LEASES.c.token), else_=LEASES.c.token + 1),
                owner=owner,
                expires=now + ttl_s,
                ttl_s=ttl_s,
            )
        )
        with self._transaction() as connection:
            is_taken = connection.execute(take).rowcount == 1
            query = sa.select(LEASES.c.token).where(LEASES.c.name == name)
            token = connection.execute(query).scalar()
            if token is not None:
                return int(token) if is_taken else None
        return self._first_lease(name, owner, ttl_s)

    def check_lease(self, fence: Fence) -> None:
        """Return if nobody has taken the lease over.

        Raises:
            LeaseLostError: somebody has.
        """
        with self._transaction(fence):
            pass

    def _first_lease(self, name: str, owner: str, ttl_s: float) -> int | None:
        first = LEASES.insert().values(
            name=name, owner=owner, token=1, expires=self._clock() + ttl_s, ttl_s=ttl_s
        )
        try:
            self._write(first)
        except IntegrityError:
            return None
        return 1
