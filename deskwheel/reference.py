"""The tables of docs/reference.md out of the code that they describe.

`python -m deskwheel.reference docs/reference.md` writes them between their markers; a test
refuses a file that differs. Reads and writes no table or topic.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from deskwheel import reasons
from deskwheel.errors import DeskwheelError
from deskwheel.settings import Settings
from deskwheel.tables import TABLES
from deskwheel.topics import DAY_MS, TOPICS


def settings_reference() -> str:
    """A heading and a table a section: key, default as TOML, range, effect."""
    parts = []
    for section in fields(Settings):
        values = getattr(Settings(), section.name)
        what = (type(values).__doc__ or "").strip()
        rows = [
            (
                f"`{f.name}`",
                f"`{_default(getattr(values, f.name))}`",
                _range(f.metadata),
                f.metadata["doc"],
            )
            for f in fields(values)
        ]
        table = _table(("Key", "Default", "Range", "Effect"), rows)
        parts.append(f"### `[{section.name}]`\n\n{what}\n\n{table}")
    return "\n\n".join(parts)


def reasons_reference() -> str:
    """A table of the reason codes: code, meaning, and what becomes of the original bytes."""
    kept = dict.fromkeys(reasons.DEAD_LETTER, "dead-letter topic")
    kept |= dict.fromkeys(reasons.AT_THE_DOOR, "never taken in")
    rows = [
        (f"`{code}`", meaning, kept.get(code, "not copied"))
        for code, meaning in reasons.MEANING.items()
    ]
    return _table(("Code", "Meaning", "Original bytes"), rows)


def topics_reference() -> str:
    """A table of the topics: name, writer, partitions, retention."""
    rows = [
        (f"`{t.name}`", t.writer, str(t.partitions), f"{t.retention_ms // DAY_MS} d")
        for t in TOPICS
    ]
    return _table(("Topic", "Written by", "Partitions", "Retention"), rows)


def tables_reference() -> str:
    """A table of the Delta tables: name, writer, record and its first sentence."""
    rows = [
        (f"`{t.name}`", t.writer, f"`{t.record.__name__}`", _first_sentence(t.record))
        for t in TABLES
    ]
    return _table(("Table", "Written by", "Record", "One row is"), rows)


SECTIONS: Mapping[str, Callable[[], str]] = {
    "settings": settings_reference,
    "reasons": reasons_reference,
    "topics": topics_reference,
    "tables": tables_reference,
}
"""Name of a marker → what stands below it."""


def fill(text: str) -> str:
    """The text of a page with every generated part written anew.

    A part stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`.

    Raises:
        DeskwheelError: the page has no such pair of markers.
    """
    for name, make in SECTIONS.items():
        begin, end = f"<!-- generated: {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(rf"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise DeskwheelError(
                f"the page must hold {begin} … {end} once, as docs/reference.md does;"
                " put the markers back"
            )
        part = f"{begin}\n{make()}\n{end}"
        text = pattern.sub(lambda _, part=part: part, text)  # type: ignore[misc]
    return text


def _default(value: Any) -> str:
    """A default as it would stand in the TOML file."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _range(metadata: Mapping[str, Any]) -> str:
    if "low" in metadata:
        return f"{_number(metadata['low'])} to {_number(metadata['high'])}"
    if metadata.get("pattern"):
        return f"`{metadata['pattern']}`"
    return ", ".join(f"`{choice}`" for choice in metadata.get("choices", ()))


def _number(value: float) -> str:
    """A bound, thousands apart, small ones as they are written."""
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _first_sentence(record: type) -> str:
    first = (record.__doc__ or "").split("\n\n")[0]
    return " ".join(first.split())


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = tuple(titles)
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    lines += ["| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in rows]
    return "\n".join(lines)


def main() -> int:
    """Rewrite the pages named on the command line and return the exit status."""
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(fill(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
