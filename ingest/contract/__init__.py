"""What an event must look like: schemas by type and version, and how they may change.

Start with `event.py` (`check`: the problems of one event), then `schemas.py` (the files by type
and version), `checker.py` (a schema as a fast function) and `difference.py` (what changed between
two versions, and whether old events can still be read).
"""

from ingest.contract.event import Limits, check
from ingest.contract.model import Problem

__all__ = ["Limits", "Problem", "check"]
