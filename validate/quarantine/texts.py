"""Edited texts: read from options, a file or an editor, and refused where people must be protected.

Reads and writes no table. An editor's file is deleted when it is closed.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deskwheel.errors import ConfigError
from validate.patterns import personal_data
from validate.repairs import EDITABLE

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_JAVA_CHARACTER = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_HEAD = "#### {} (do not change this line)"
_SPLIT = re.compile(r"^#### (\w+) \(do not change this line\)\n", re.MULTILINE)


def read_edits(arguments: Namespace, row: Mapping[str, Any]) -> dict[str, str]:
    """The texts that a command line gives, by name; those of the row where it gives none.

    Raises:
        ConfigError: a file is none, or it names something else.
    """
    given = {name: getattr(arguments, name) for name in EDITABLE}
    edits = {name: text for name, text in given.items() if text is not None}
    if arguments.file:
        edits = {**_from_file(arguments.file), **edits}
    if arguments.edit:
        texts = {name: row[name] for name in EDITABLE if row[name] is not None}
        edits = _from_editor({**texts, **edits})
    if row["rejected_response"] is None and "rejected_response" in edits:
        raise ConfigError(f"{row['example_id']} is no preference; it has no rejected response")
    return edits


def check_edits(
    edits: Mapping[str, str], patterns: Mapping[str, Iterable[tuple[str, str]]]
) -> None:
    """Nothing, if the texts may be stored.

    Args:
        edits: text by name.
        patterns: name → (rule, regular expression) that a text must not match; patterns that only
            Java reads are left to the gate.

    Raises:
        ConfigError: a text is blank, cannot be stored, or holds what no rule may let pass. The
            message names the rule and the place, and does not repeat the text.
    """
    for name, text in edits.items():
        if not text.strip() and name != "context":
            raise ConfigError(f"--{name.replace('_', '-')}: the text is blank")
        if _UNSTORABLE.search(text):
            raise ConfigError(f"{name}: holds characters that no table can store")
        shipped = (("personal data", p) for p in personal_data())
        for rule, pattern in (*patterns.get(name, ()), *shipped):
            if match := search(pattern, text):
                raise ConfigError(
                    f"{name}, characters {match.start()} to {match.end()}: looks like what"
                    f" {rule} keeps out; nothing was stored. Put the mask there that redaction"
                    " writes, as <EMAIL_1>"
                )


def final_patterns(suites: Any, final: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Name of a text → (rule, regular expression) of the final rules that forbid matches in it."""
    found: dict[str, list[tuple[str, str]]] = {}
    wanted = set(final)
    for expectation in suites.rows.expectations:
        kwargs = expectation.configuration.kwargs
        if expectation.meta["rule_id"] in wanted and "not_match" in expectation.expectation_type:
            patterns = kwargs.get("regex_list") or [kwargs.get("regex")]
            rule = expectation.meta["rule_id"]
            found.setdefault(kwargs["column"], []).extend((rule, p) for p in patterns if p)
    return found


def search(pattern: str, text: str) -> re.Match[str] | None:
    """Where a rule's pattern is found in a text; None, too, for a pattern that only Java reads."""
    try:
        return re.search(_JAVA_CHARACTER.sub(lambda m: chr(int(m[1], 16)), pattern), text)
    except (re.error, ValueError):
        return None


def _from_file(name: str) -> dict[str, str]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--file {name}: {error}") from error
    if not isinstance(found, dict) or not all(
        k in EDITABLE and isinstance(v, str) for k, v in found.items()
    ):
        raise ConfigError(
            f"--file {name}: wants one JSON object of texts, with some of {', '.join(EDITABLE)}"
        )
    return found


def _from_editor(texts: Mapping[str, str]) -> dict[str, str]:
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "example.txt"
        file.write_text(
            "".join(f"{_HEAD.format(n)}\n{t}\n" for n, t in texts.items()), encoding="utf-8"
        )
        try:
            done = subprocess.run([*editor, str(file)], check=False)
        except OSError as error:
            raise ConfigError(f"$EDITOR {editor[0]}: {error}; set EDITOR") from error
        if done.returncode:
            raise ConfigError(f"$EDITOR ended with status {done.returncode}; nothing was stored")
        parts = _SPLIT.split(file.read_text(encoding="utf-8"))
    edited = {n: t.removesuffix("\n") for n, t in zip(parts[1::2], parts[2::2], strict=True)}
    if edited.keys() != texts.keys():
        raise ConfigError("a line that begins with #### was changed; nothing was stored")
    return edited
