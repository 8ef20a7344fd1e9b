"""A source out of its TOML file: what it is called, of which kind it is, and its options.

A file has the sections `[source]` (name, kind, tenant, spool) and `[options]` (those of the kind).
It is checked as strictly as `deskwheel.toml`: what is unknown, mistyped, out of range or missing
is named with its line.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from deskwheel.config import check_value, checked_section, place_in, read_toml, unknown
from deskwheel.errors import ConfigError
from deskwheel.settings import KafkaSettings, described
from ingest.sources import SOURCES
from ingest.sources.model import Source

SECTIONS = ("source", "options")


@dataclass(frozen=True)
class SourceSection:
    """The section `[source]` of a source file."""

    name: str = described(
        "",
        "Name of the source, under which its position is kept; two files must not share one.",
        pattern=r"[a-z0-9][a-z0-9._-]{0,62}",
    )
    kind: str = described("", "One of `python -m ingest source list`.")
    tenant: str = described(
        "",
        "Tenant of its events; that of the pipeline where empty.",
        pattern=r"[A-Za-z0-9._-]{0,64}",
    )
    spool: bool = described(
        False,
        "Keep its events on disk while the brokers are away: for material that does not stay"
        " where it is, as files that are deleted or rotated.",
    )


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A source as its file describes it."""

    path: Path
    name: str
    kind: str
    tenant: str
    options: Any
    """An instance of `source.options`."""
    is_spooled: bool = False
    """Whether it goes on reading while the brokers are away."""
    source: Source
    kafka: KafkaSettings = field(default_factory=KafkaSettings)

    @property
    def folder(self) -> Path:
        """Where relative paths in its options are meant from."""
        return self.path.parent


def load_source(path: Path, *, tenant: str, kafka: KafkaSettings | None = None) -> SourceFile:
    """The source that a file describes.

    Args:
        path: the TOML file.
        tenant: that of the events where the file names none.
        kafka: the pipeline's brokers, for a source that reads from them.

    Raises:
        ConfigError: the file is missing or not TOML, or holds something that is unknown,
            mistyped, out of range or missing.
    """
    head, options = read_source_file(path, {kind: s.options for kind, s in SOURCES.items()})
    return SourceFile(
        path=path,
        name=head.name,
        kind=head.kind,
        tenant=head.tenant or tenant,
        options=options,
        is_spooled=head.spool,
        source=SOURCES[head.kind],
        kafka=kafka or KafkaSettings(),
    )


def read_source_file(path: Path, kinds: Mapping[str, type[Any]]) -> tuple[SourceSection, Any]:
    """The section `[source]` of a file and its options.

    Args:
        path: the TOML file.
        kinds: the kinds it may be of → the dataclass of their options.

    Raises:
        ConfigError: as `load_source`.
    """
    data = read_toml(path, cure="give the path of a source file")

    def place(section: str, key: str | None) -> str:
        return place_in(path, section, key)

    for section in data:
        if section not in SECTIONS:
            raise ConfigError(unknown(place(section, None), "section", section, SECTIONS))
    head = _filled(SourceSection(), "source", data.get("source", {}), place)
    if head.kind not in kinds:
        where = place("source", "kind")
        raise ConfigError(unknown(where, "kind of source", head.kind or "(none given)", [*kinds]))
    return head, _filled(kinds[head.kind](), "options", data.get("options", {}), place)


def _filled(section: Any, name: str, values: Any, place: Callable[[str, str | None], str]) -> Any:
    """The checked section; a field whose default its own rule refuses must be given."""
    filled = checked_section(section, name, values, place)
    hints = get_type_hints(type(filled))
    for f in fields(filled):
        problem, _ = check_value(getattr(filled, f.name), hints[f.name], f.metadata)
        if problem:
            raise ConfigError(
                f"{place(name, None)}: {name}.{f.name} is missing; {f.metadata['doc']}"
                f" It must be {problem}"
            )
    return filled
