"""The timeline: what happened, for people and for those who count."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from deskwheel.state.database import Database, now_iso, to_json
from deskwheel.state.fence import Fence
from deskwheel.state.tables import TIMELINE, Row


class Timeline(Database):
    """Entries that are appended and never changed."""

    def record(
        self,
        pipeline: str,
        kind: str,
        subject: str,
        detail: Mapping[str, Any],
        *,
        fence: Fence | None = None,
    ) -> None:
        """Append one entry to the timeline, dated by this process's clock."""
        entry = TIMELINE.insert().values(
            at=now_iso(), pipeline=pipeline, kind=kind, subject=subject, detail=to_json(detail)
        )
        self._write(entry, fence=fence)

    def timeline(
        self, pipeline: str, *, kind: str | None = None, after: int = 0, limit: int = 200
    ) -> list[Row]:
        """Entries of a pipeline, newest first, `detail` decoded."""
        query = sa.select(TIMELINE).where(TIMELINE.c.pipeline == pipeline, TIMELINE.c.id > after)
        if kind is not None:
            query = query.where(TIMELINE.c.kind == kind)
        return self._read(query.order_by(TIMELINE.c.id.desc()).limit(limit))
