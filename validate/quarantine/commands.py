"""Verb `quarantine`: count and show what was kept out, and ask the gate to judge it anew.

Reads and writes what the modules that it calls do; prints text, or one JSON value with `--json`.
"""

import getpass
import json
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow.compute as pc

from deskwheel.errors import ConfigError
from deskwheel.repairs import RepairAction
from deskwheel.settings import Settings
from deskwheel.tables import VALIDATED
from validate.annotation.annotators import annotator_key
from validate.annotation.guide import comment_problem
from validate.quarantine import page, texts
from validate.quarantine.filters import Filter, read_filter
from validate.quarantine.listed_wishes import LISTED, read_wishes
from validate.quarantine.requests import (
    COLUMNS,
    REMEDY,
    Asked,
    Wish,
    ask,
    make_repair,
    make_repairs,
    wait_applied,
)
from validate.quarantine.rows import find_id, stored_rows, table_of
from validate.quarantine.summary import listed, summarise
from validate.quarantine.upstream import look_upstream
from validate.repairs import EDITABLE, Rulings, final_rules, rulings

if TYPE_CHECKING:
    from validate.suite import Suites

_FAILED = 1


def quarantine(settings: Settings, arguments: Namespace) -> int:
    """Do what `action` says and return the exit status."""
    if arguments.from_file and arguments.action not in LISTED:
        raise ConfigError(f"--from is for {' and '.join(LISTED)}, not for {arguments.action}")
    return ACTIONS[arguments.action](settings, arguments)


def summary(settings: Settings, arguments: Namespace) -> int:
    """Print counts by reason, channel and day, and what never came to the gate."""
    wanted = read_filter(arguments, now=_now())
    found = summarise(settings.pipeline.lake, wanted)
    before = look_upstream(settings.pipeline.lake, wanted)
    if arguments.json:
        print(json.dumps({**asdict(found), **asdict(before)}))
    else:
        page.print_summary(found, limit=arguments.limit)
        page.print_upstream(before, limit=arguments.limit)
    return 0


def list_rows(settings: Settings, arguments: Namespace) -> int:
    """Print rows, newest first."""
    wanted = read_filter(arguments, now=_now())
    rows = listed(settings.pipeline.lake, wanted, limit=arguments.limit)
    if arguments.json:
        print(json.dumps(rows))
    else:
        page.print_rows(rows)
    return 0


def show(settings: Settings, arguments: Namespace) -> int:
    """Print the story of each example that is named."""
    from validate.quarantine.story import tell_story  # noqa: PLC0415  imports GX

    suites = _suites(settings)
    for name in _named(arguments):
        found = tell_story(settings, suites, find_id(settings.pipeline.lake, name))
        if arguments.json:
            print(json.dumps(found, default=str))
        else:
            page.print_story(found)
    return 0


def fix(settings: Settings, arguments: Namespace) -> int:
    """Ask for one example to be judged with other texts."""
    if len(names := _named(arguments)) > 1:
        raise ConfigError(f"fix changes one example at a time, got {', '.join(names)}")
    (row,) = _rows(settings, names)
    if not any(
        (arguments.edit, arguments.file, arguments.needless_apology)
        + tuple(getattr(arguments, name) is not None for name in EDITABLE)
    ):
        options = ", ".join(f"--{name.replace('_', '-')}" for name in EDITABLE)
        raise ConfigError(f"fix wants {options}, --needless-apology, --file or --edit")
    edits = texts.read_edits(arguments, row)
    edits = {name: text for name, text in edits.items() if text != row[name]}
    suites = _suites(settings)
    known = _rulings(suites)
    texts.check_edits(edits, texts.final_patterns(suites, known.final))
    said = {"yes": True, "no": False, None: None}[arguments.needless_apology]
    is_told = said is not None or "response" not in edits
    if "RESPONSE_HAS_NEEDLESS_APOLOGY" in row["reasons"] and not is_told:
        raise ConfigError(
            f"{row['example_id']} is kept out by RESPONSE_HAS_NEEDLESS_APOLOGY: say whether the"
            " response, as edited, still apologises needlessly (--needless-apology yes or no)"
        )
    wish = _wish(settings, arguments, edits=edits, has_needless_apology=said)
    make_repair(row, wish, now=_now())
    return _ask(settings, arguments, [row], wish)


def replay(settings: Settings, arguments: Namespace) -> int:
    """Ask for quarantined examples to be judged by today's suite, named or by filters."""
    wish = _wish(settings, arguments)
    if arguments.ids:
        return _ask(settings, arguments, _rows(settings, arguments.ids), wish)
    wanted = read_filter(arguments, now=_now())
    if wanted.is_empty:
        raise ConfigError(
            "replay wants ids or a filter: --reason, --source, --channel, --category, --day,"
            " --since or --until; `--since 2000-01-01` means all"
        )
    return _ask(settings, arguments, _quarantined(settings, wanted), wish)


def accept(settings: Settings, arguments: Namespace) -> int:
    """Ask for examples to be valid in spite of rules, but never of final ones."""
    wish = _wish(settings, arguments, rules=tuple(arguments.rule or ()))
    return _ask_fitting(settings, arguments, wish, _rulings(_suites(settings)))


def reject(settings: Settings, arguments: Namespace) -> int:
    """Ask for examples to be kept out although they break no rule."""
    return _ask_fitting(settings, arguments, _wish(settings, arguments), Rulings())


ACTIONS: Mapping[str, Callable[[Settings, Namespace], int]] = {
    "summary": summary,
    "list": list_rows,
    "show": show,
    "fix": fix,
    "replay": replay,
    "accept": accept,
    "reject": reject,
}
"""Word on the command line → what it does."""


def _ask_fitting(settings: Settings, arguments: Namespace, wish: Wish, known: Rulings) -> int:
    """Ask for the rows that are named or listed.

    A wish that does not fit a named row is an error and nothing is stored; one of a file is left
    out, because its other lines are as good as before.
    """
    unfit: dict[str, str] = {}
    if not arguments.from_file:
        rows = _rows(settings, _named(arguments))
    elif arguments.ids:
        raise ConfigError("give ids or --from, not both")
    else:
        ids = read_wishes(Path(arguments.from_file), wish.action)
        rows = stored_rows(settings.pipeline.lake, VALIDATED, columns=COLUMNS, ids=ids)
        unfit = dict.fromkeys(set(ids) - {row["example_id"] for row in rows}, "has no verdict")
    fitting = []
    for row in rows:
        try:
            _check_fits(row, wish, known)
        except ConfigError as error:
            if not arguments.from_file:
                raise
            unfit[row["example_id"]] = str(error)
        else:
            fitting.append(row)
    return _ask(settings, arguments, fitting, wish, unfit=unfit)


def _check_fits(row: Mapping[str, Any], wish: Wish, known: Rulings) -> None:
    repair = make_repair(row, wish, now=_now())
    if final := final_rules(repair.despite, known):
        raise ConfigError(
            f"{row['example_id']}: nobody sets {', '.join(final)} aside; mend the text with"
            f" `python -m validate quarantine fix {row['example_id']} --edit`"
        )


def _ask(
    settings: Settings,
    arguments: Namespace,
    rows: Sequence[Mapping[str, Any]],
    wish: Wish,
    *,
    unfit: Mapping[str, str] | None = None,
) -> int:
    """Store a wish, wait if that is asked, and print what came of it; `unfit` is left out, too."""
    lake_dir = settings.pipeline.lake
    if arguments.dry_run:
        made, left_out = make_repairs(rows, wish, now=_now())
        left_out |= unfit or {}
        page.say(
            arguments.json,
            {"would_ask": len(made), "left_out": left_out, **_mix(rows)},
            f"{len(made)} would be asked for, {len(left_out)} left out; nothing is stored",
            *page.mix_lines(_mix(rows)),
        )
        return 0
    asked = ask(lake_dir, rows, wish, now=_now())
    asked = replace(asked, left_out={**asked.left_out, **(unfit or {})})
    facts: dict[str, Any] = {**asdict(asked), "known": len(asked.repairs) - asked.stored}
    lines = [
        f"{asked.stored} asked for, {facts['known']} asked before, {len(asked.left_out)} left out"
    ]
    lines += [f"{i}: {why}" for i, why in list(asked.left_out.items())[: arguments.limit]]
    if arguments.wait and asked.repairs:
        facts["verdicts"] = _waited(lake_dir, asked, arguments)
        lines += [f"{n} {verdict} now" for verdict, n in facts["verdicts"].items()]
    elif asked.repairs:
        lines.append(REMEDY)
    page.say(arguments.json, facts, *lines)
    return _FAILED if (rows or unfit) and not asked.repairs else 0


def _waited(lake_dir: str, asked: Asked, arguments: Namespace) -> dict[str, int]:
    def progress(done: int, total: int) -> None:
        print(f"{done} of {total} applied", file=sys.stderr, flush=True)

    rows = wait_applied(lake_dir, asked, timeout_s=arguments.wait, progress=progress)
    return dict(Counter(str(row["verdict"]) for row in rows).most_common())


def _wish(settings: Settings, arguments: Namespace, **changes: Any) -> Wish:
    if arguments.note and (problem := comment_problem(arguments.note)):
        raise ConfigError(f"--note: {problem.removeprefix('comment ')}")
    return Wish(
        action=cast("RepairAction", arguments.action),
        actor=annotator_key(arguments.by or getpass.getuser(), settings.pipeline.secrets_dir),
        note=arguments.note,
        **changes,
    )


def _named(arguments: Namespace) -> list[str]:
    if not arguments.ids:
        raise ConfigError(
            f"quarantine {arguments.action} wants an ID; `quarantine list` shows them"
        )
    return list(arguments.ids)


def _rows(settings: Settings, names: Sequence[str]) -> list[dict[str, Any]]:
    ids = {find_id(settings.pipeline.lake, name) for name in names}
    return stored_rows(settings.pipeline.lake, VALIDATED, columns=COLUMNS, ids=ids)


def _quarantined(settings: Settings, wanted: Filter) -> list[dict[str, Any]]:
    where = pc.field("verdict") == "quarantined"
    if (more := wanted.expression()) is not None:
        where &= more
    table = table_of(settings.pipeline.lake, VALIDATED, columns=COLUMNS, where=where)
    return [row for row in table.to_pylist() if wanted.has_reason(row["reasons"])]


def _mix(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    reasons = Counter(reason for row in rows for reason in row["reasons"])
    channels = Counter(str(row["channel"]) for row in rows)
    return {"reasons": dict(reasons.most_common()), "channels": dict(channels.most_common())}


def _suites(settings: Settings) -> "Suites":
    from validate.suite import load_suites  # noqa: PLC0415  seconds to import

    return load_suites(settings.validate)


def _rulings(suites: "Suites") -> Rulings:
    return rulings(
        (e.meta for e in suites.rows.expectations),
        (e.meta["rule_id"] for e in suites.batches.expectations),
    )


def _now() -> datetime:
    return datetime.now(UTC)
