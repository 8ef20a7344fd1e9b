"""Mails of mbox files, read as they grow, into events. Writes `raw.email`.

Source: RFC 4155 for the separator line; a `>` before an escaped `From ` line is taken off as
mboxrd has it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from ingest.sources.email import mail_item
from ingest.sources.files import MAX_RECORD_BYTES, PathOptions
from ingest.sources.growing import Chunk, Growing, read_growing
from ingest.sources.model import Context, Item, Source

_LINE_BYTES = 65_536
_SEPARATOR = re.compile(rb"From .*[0-9]{1,2}:[0-9]{2}")
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)


def read(options: PathOptions, context: Context) -> Iterator[Item]:
    """Yield the mails of a file, or of the `.mbox` files of a folder, as they were delivered."""
    for record in read_growing(options, context, MBOX):
        yield mail_item(record.data, context, origin=record.origin, position=record.position)


def split_mails(content: BinaryIO) -> Iterable[Chunk]:
    """Yield the mails of an mbox from where it stands, one in memory at a time.

    A separator is a `From ` line with a time on it behind an empty line or at the start.
    """
    mail = bytearray()
    start = end = content.tell()
    is_behind_blank = True
    is_line_start = True
    while line := content.readline(_LINE_BYTES):
        if is_line_start and is_behind_blank and _SEPARATOR.match(line):
            if end > start:
                yield Chunk(_mail(mail), end, is_ended=True)
                mail, start = bytearray(), end
        elif len(mail) < MAX_RECORD_BYTES:
            mail += line
        is_behind_blank = is_line_start and line in (b"\n", b"\r\n")
        is_line_start = line.endswith(b"\n")
        end += len(line)
    if end > start:
        yield Chunk(_mail(mail), end, is_ended=False)


def _mail(lines: bytearray) -> bytes:
    """The mail of an mbox's lines: unescaped, and without the empty line that ends it there."""
    mail = bytes(lines[:MAX_RECORD_BYTES])
    for blank in (b"\r\n\r\n", b"\n\n"):
        if mail.endswith(blank):
            mail = mail[: -len(blank) // 2]
            break
    return _ESCAPED.sub(rb"\1", mail)


MBOX = Growing(suffix=".mbox", split=split_mails, is_whole=lambda _: True, quiet_s=5.0)
"""When following, the last mail is taken once nothing was written for five seconds."""

SOURCE = Source(
    channel="email",
    about="Mails of an mbox file or of a folder's .mbox files, followed as they grow.",
    options=PathOptions,
    read=read,
    facts={"format": "RFC 4155; `>From ` lines are unescaped as mboxrd has it"},
)
