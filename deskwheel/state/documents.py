"""Documents: small JSON records with a revision for compare-and-set."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from deskwheel.errors import StateError
from deskwheel.state.database import Database, to_json
from deskwheel.state.fence import Fence
from deskwheel.state.tables import DOCUMENTS, Row


class Documents(Database):
    """Records by kind and id."""

    def put(
        self,
        kind: str,
        id: str,
        body: Mapping[str, Any],
        *,
        expect: int | None = None,
        fence: Fence | None = None,
    ) -> int:
        """Store a JSON document and return its new revision (from 1).

        Args:
            kind: family of documents, for example `split`, `variant`, `run`, `evaluation`.
            id: unique within the family.
            body: what JSON can hold.
            expect: revision that must be stored now (0: none); None overwrites.
            fence: whose right the change is; None where the revision alone decides.

        Raises:
            LeaseLostError: another process has taken over the lease of `fence`.
            StateError: the stored revision is another one.
        """
        with self._transaction(fence) as connection:
            where = sa.and_(DOCUMENTS.c.kind == kind, DOCUMENTS.c.id == id)
            found = connection.execute(sa.select(DOCUMENTS.c.revision).where(where)).scalar()
            current = int(found or 0)
            if expect is not None and expect != current:
                raise StateError(f"{kind}/{id} is at revision {current}, not {expect}: read again")
            if current == 0:
                values = {"kind": kind, "id": id, "revision": 1, "body": to_json(body)}
                try:
                    connection.execute(DOCUMENTS.insert().values(**values))
                except IntegrityError as error:
                    raise StateError(
                        f"{kind}/{id} was stored at the same time: read it again"
                    ) from error
                return 1
            changed = connection.execute(
                DOCUMENTS.update()
                .where(where, DOCUMENTS.c.revision == current)
                .values(revision=current + 1, body=to_json(body))
            )
            if changed.rowcount != 1:
                raise StateError(f"{kind}/{id} was changed at the same time: read it again")
            return current + 1

    def get(self, kind: str, id: str) -> tuple[Row, int] | None:
        """A document's body and revision, or None."""
        where = sa.and_(DOCUMENTS.c.kind == kind, DOCUMENTS.c.id == id)
        rows = self._read(sa.select(DOCUMENTS).where(where))
        return (rows[0]["body"], rows[0]["revision"]) if rows else None

    def documents(self, kind: str) -> dict[str, Row]:
        """Every document of a family by id, in order of id."""
        query = sa.select(DOCUMENTS).where(DOCUMENTS.c.kind == kind).order_by(DOCUMENTS.c.id)
        return {row["id"]: row["body"] for row in self._read(query)}
