"""The state database: what needs compare-and-set, in SQLite (embedded) or PostgreSQL.

Windows and leases keep two watchers from training twice; the split decides who is answered by
which variant; the timeline tells people what happened. Tables are SQLAlchemy Core, so both
databases run the same statements.
"""

from deskwheel.state.documents import Documents
from deskwheel.state.fence import Fence
from deskwheel.state.leases import Leases
from deskwheel.state.tables import Row
from deskwheel.state.timeline import Timeline
from deskwheel.state.windows import END_PHASES, OPEN_PHASES, REOPENABLE, Windows

__all__ = ["END_PHASES", "OPEN_PHASES", "REOPENABLE", "Fence", "Row", "State"]


class State(Timeline, Windows, Leases, Documents):
    """A connection pool to the state database; its tables are created on first use."""
