"""Sources read as a run reads them, for tests."""

import tempfile
from pathlib import Path
from typing import Any

from deskwheel.errors import PublishError
from deskwheel.records import Event
from ingest.sources import SOURCES
from ingest.sources.config import SourceFile
from ingest.sources.model import Context, Item
from tests.ingest.conftest import NOON


def items_of(
    kind: str,
    *,
    position: str | None = None,
    is_sampling: bool = False,
    folder: Path = Path(),
    **options: Any,
) -> list[Item]:
    """Everything that a source holds behind a position."""
    source = SOURCES[kind]
    context = Context(
        tenant="t", now=lambda: NOON, position=position, folder=folder, is_sampling=is_sampling
    )
    return list(source.read(source.options(**options), context))


def source_of(kind: str, folder: Path, **options: Any) -> SourceFile:
    source = SOURCES[kind]
    return SourceFile(
        path=folder / "source.toml",
        name="toy",
        kind=kind,
        tenant="t",
        options=source.options(**options),
        source=source,
    )


def await_tick() -> None:
    """Return when a file written now is later than one written before, for the file system."""
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "probe"
        probe.touch()
        first = probe.stat().st_ctime_ns
        while probe.stat().st_ctime_ns == first:
            probe.write_text("x")


class Memory:
    """A position kept in memory, with everything that was ever kept."""

    def __init__(self, position: str | None = None) -> None:
        self.kept = [] if position is None else [position]

    def read(self) -> str | None:
        return self.kept[-1] if self.kept else None

    def keep(self, position: str) -> None:
        self.kept.append(position)


class FakeLog:
    """A fake broker: a list of what it acknowledged; it can go away after some events."""

    def __init__(
        self, *, away_after: list[int] | None = None, refuses: frozenset[bytes] = frozenset()
    ) -> None:
        self.events: list[Event] = []
        self.loses: set[bytes] = set()
        """Payloads that are lost the first time, though later ones are taken."""
        self._away_after = away_after or []
        self._refuses = refuses

    def connect(self) -> "FakeOutlet":
        return FakeOutlet(self, self._away_after.pop(0) if self._away_after else None)

    def take(self, event: Event) -> None:
        if event.data in self._refuses:
            raise RefusedForever("too large for the fake")
        self.events.append(event)

    @property
    def data(self) -> list[bytes]:
        return [e.data for e in self.events]


class RefusedForever(PublishError):
    retriable = False


class FakeOutlet:
    def __init__(self, log: FakeLog, left: int | None) -> None:
        self.log, self.left = log, left

    def publish(self, event: Event) -> "FakeOutlet._Receipt":
        return FakeOutlet._Receipt(self, event)

    def close(self) -> None:
        return

    class _Receipt:
        def __init__(self, outlet: "FakeOutlet", event: Event) -> None:
            self._outlet, self._event = outlet, event

        def wait(self) -> None:
            outlet = self._outlet
            if outlet.left is not None:
                if outlet.left == 0:
                    raise PublishError("the fake broker is away")
                outlet.left -= 1
            if self._event.data in outlet.log.loses:
                outlet.log.loses.remove(self._event.data)
                raise PublishError("the fake broker lost it")
            outlet.log.take(self._event)
