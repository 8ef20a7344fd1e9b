"""The verb `suite`: show, change, check and compare the rules.

Reads and writes the suites' files; `diff` reads `validated_examples`. Writes no table.
"""

import argparse
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deskwheel.errors import ConfigError
from deskwheel.settings import Settings
from deskwheel.tables import EXAMPLES
from validate.batch_rules import compile_batch_rules
from validate.rules import edit, page
from validate.suite import ROWS, Suites, describe, load_suites, read_suites, shipped_folder

Arguments = argparse.Namespace


def suite_verb(settings: Settings, arguments: Arguments) -> int:
    """Verb `suite`: do what its first word says.

    Raises:
        ConfigError: a rule, an argument or a file is wrong.
    """
    return ACTIONS[arguments.action](settings, arguments)


def show(settings: Settings, arguments: Arguments) -> int:
    """Print every rule; sources and owners stand in the JSON and in docs/quality-rules.md."""
    rows = describe(load_suites(settings.validate))
    if arguments.json:
        print(json.dumps(rows))
        return 0
    table = Table("id", "scope", "severity", "kinds", "what", "threshold")
    table.columns[0].no_wrap = True
    for row in rows:
        table.add_row(*[row[str(column.header)].replace("[", r"\[") for column in table.columns])
    Console().print(table)
    return 0


def set_rule(settings: Settings, arguments: Arguments) -> int:
    """Change a threshold, the kinds or the words of one rule, and write its file."""
    rule = _names(arguments, "RULE")[0]
    place = edit.open_place(settings.validate, arguments.folder)
    kwargs, said = _changes(arguments), _said(arguments)
    if not kwargs and not said:
        raise ConfigError("nothing to set; give for example --min-value 0.7 or --severity warn")
    changed, name = edit.change_rule(place.suites, rule, kwargs=kwargs, said=said)
    return _saved(place, changed, name, arguments)


def add(settings: Settings, arguments: Arguments) -> int:
    """Add a rule out of `--expectation`, GX's JSON with `type` and `kwargs`."""
    rule = _names(arguments, "RULE")[0]
    place = edit.open_place(settings.validate, arguments.folder)
    try:
        found = json.loads(arguments.expectation or "")
        configuration = {"type": found["type"], "kwargs": {**found["kwargs"]}}
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            '--expectation wants GX\'s JSON: {"type": "expect_…", "kwargs": {"column": "…"}}'
        ) from error
    if arguments.kinds:
        configuration["kwargs"] |= edit.kinds_argument(arguments.kinds.split(","))
    default = "quarantine" if arguments.suite == ROWS else "warn"
    said = {"severity": default, "source": "", "owner": "", "what": "", **_said(arguments)}
    if not all(said[key].strip() for key in ("what", "source", "owner")):
        raise ConfigError(
            "a rule needs --what (a sentence), --source (where it or its threshold comes from, or"
            " why it is your choice) and --owner (who is asked about it)"
        )
    changed = edit.add_rule(
        place.suites, arguments.suite, configuration, said={"rule_id": rule, **said}
    )
    return _saved(place, changed, arguments.suite, arguments)


def remove(settings: Settings, arguments: Arguments) -> int:
    """Take a rule out and write the file."""
    rule = _names(arguments, "RULE")[0]
    place = edit.open_place(settings.validate, arguments.folder)
    changed, name = edit.remove_rule(place.suites, rule)
    return _saved(place, changed, name, arguments)


def check(settings: Settings, arguments: Arguments) -> int:
    """Compile every rule, as the gate would; starts Spark, reads no table."""
    place = Path(arguments.names[0]) if arguments.names else None
    suites = read_suites(place) if place else load_suites(settings.validate)
    check_suites(settings, suites)
    rules = [e.meta["rule_id"] for _, e in suites.rules()]
    if arguments.json:
        print(json.dumps({"version": suites.version, "rules": len(rules)}))
    else:
        print(f"{suites.version}: {len(rules)} rules, all compiled")
    return 0


def check_suites(settings: Settings, suites: Suites) -> None:
    """Nothing, if the gate could judge by these suites.

    Raises:
        ConfigError: a rule cannot be compiled.
    """
    from transforms.session import spark_schema, spark_session  # noqa: PLC0415  a JVM only here
    from validate.compile import compile_row_rules  # noqa: PLC0415

    rules = [e.meta["rule_id"] for e in suites.rows.expectations]
    compile_batch_rules(suites.batches, row_rules=rules, min_rows=1)
    spark = spark_session(
        "deskwheel-suite",
        driver_memory=settings.validate.driver_memory,
        master=settings.transforms.master,
        compiler=settings.transforms.jvm_compiler,
    )
    try:
        compile_row_rules(suites.rows, spark.createDataFrame([], spark_schema(EXAMPLES.record)))
    finally:
        spark.stop()


def docs(settings: Settings, arguments: Arguments) -> int:
    """Write the page of the shipped rules, or print it."""
    text = page.page(read_suites(shipped_folder()))
    if arguments.names:
        Path(arguments.names[0]).write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


def diff(settings: Settings, arguments: Arguments) -> int:
    """Print what judging stored rows by NEW instead of OLD would change."""
    from validate.rules.diff import diff_verb  # noqa: PLC0415  a JVM only here

    return diff_verb(settings, arguments)


ACTIONS: Mapping[str, Callable[[Settings, Arguments], int]] = {
    "show": show,
    "set": set_rule,
    "add": add,
    "remove": remove,
    "check": check,
    "diff": diff,
    "docs": docs,
}


def _saved(place: edit.Place, suites: Suites, name: str, arguments: Arguments) -> int:
    file = place.save(suites, name)
    versions = {"before": place.suites.version, "version": suites.version, "file": str(file)}
    if arguments.json:
        print(json.dumps(versions))
    else:
        print(f"{versions['before']} → {versions['version']}, written to {file}")
        print("see what it flips: python -m validate suite diff OLD NEW")
    return 0


def _names(arguments: Arguments, *wanted: str) -> list[str]:
    names: list[str] = arguments.names
    if len(names) != len(wanted):
        raise ConfigError(f"`suite {arguments.action}` wants {' '.join(wanted)}, got {names}")
    return names


def _changes(arguments: Arguments) -> dict[str, Any]:
    """Arguments of the expectation as the command line names them."""
    bounds = {"min_value": arguments.min_value, "max_value": arguments.max_value}
    changes: dict[str, Any] = {k: _number(v) for k, v in bounds.items() if v is not None}
    if arguments.values is not None:
        changes["value_set"] = [_value(v) for v in arguments.values.split(",")]
    if arguments.kinds is not None:
        changes |= edit.kinds_argument(arguments.kinds.split(","))
    return changes


def _said(arguments: Arguments) -> dict[str, str]:
    told = {key: getattr(arguments, key) for key in edit.SAID}
    return {key: value for key, value in told.items() if value is not None}


def _number(value: float) -> float | int:
    """A whole number as one, so that a file reads `8` and not `8.0`.

    Raises:
        ConfigError: it is infinite or no number.
    """
    if not math.isfinite(value):
        raise ConfigError(
            f"{value} is no threshold: JSON cannot hold it, and it would forbid nothing or all;"
            " `suite remove` takes the rule out"
        )
    return int(value) if value == int(value) else value


def _value(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)
