"""What the trimmer took away, for its tests."""

from transforms.trim import Trimmed
from transforms.trim.lines import Kind


def cut_text(found: Trimmed, kind: Kind) -> str:
    return "".join(found.original[c.start : c.end] for c in found.cuts if c.kind == kind)
