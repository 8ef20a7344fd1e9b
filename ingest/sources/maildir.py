"""Mails of a Maildir into events, nothing in it moved or marked. Writes `raw.email`.

Files appear in `new` and `cur` completely written. A mail keeps the first part of its name when a
mail program moves it from one to the other or changes its flags; by that it is known again.

Source: "Using maildir format" by D. J. Bernstein.
"""

from collections.abc import Iterator
from pathlib import Path

from deskwheel.errors import SetupError
from ingest.sources.email import mail_item
from ingest.sources.files import Look, PathOptions, read_changed, seen_at
from ingest.sources.model import Context, Item, Source

REMEMBERED = 1000
"""Mails whose flags may change without their being read again. One that changes after so many
others is sent once more and recognised by its Message-ID."""

_PARTS = ("new", "cur")


def read(options: PathOptions, context: Context) -> Iterator[Item]:
    """Yield the mails of a Maildir and of the folders in it in the order in which they came.

    Raises:
        SetupError: the path is no Maildir, or a mail cannot be read.
    """
    root = context.folder / Path(options.path).expanduser()
    if not any((root / part).is_dir() for part in _PARTS):
        raise SetupError(f"{root}: no Maildir, for it has neither new nor cur")

    def look() -> Iterator[Look]:
        for part in _PARTS:
            for folder in root.glob(f"**/{part}"):
                for path in folder.iterdir() if folder.is_dir() else ():
                    if not path.name.startswith("."):
                        yield from seen_at(path, path.name.partition(":")[0])

    records = read_changed(
        look, context, poll_s=options.poll_s, is_atomic=True, remembered=REMEMBERED
    )
    for mail in records:
        origin = mail.path.relative_to(root).as_posix()
        yield mail_item(mail.data, context, origin=origin, position=mail.position)


SOURCE = Source(
    channel="email",
    about="Mails of a Maildir and its folders; none is moved or marked.",
    options=PathOptions,
    read=read,
)
