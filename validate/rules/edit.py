"""Changes to the suites, each through Great Expectations and back into the files that are reviewed.

Reads and writes the suites' files, and no table. `python -m validate suite set|add|remove`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from great_expectations.expectations.row_conditions import Column

from deskwheel.errors import ConfigError
from deskwheel.settings import ValidateSettings
from validate.suite import (
    BATCHES,
    ROWS,
    Suites,
    build_expectation,
    checked,
    load_suites,
    read_suites,
    serialise,
    suite_folder,
    write_suite,
)

EVERY_KIND = "every"
SAID = ("what", "severity", "source", "owner")


@dataclass(frozen=True)
class Place:
    """Where the suites are read from and written to."""

    suites: Suites
    at: Path

    def save(self, suites: Suites, name: str) -> Path:
        """The file that one of the suites was written to.

        Raises:
            ConfigError: the place is a file of the other suite.
        """
        suite = suites.rows if name == ROWS else suites.batches
        if not self.at.is_file():
            if not self.at.exists():
                write_suite(suites.batches if name == ROWS else suites.rows, self.at)
            return write_suite(suite, self.at)
        if json.loads(self.at.read_text(encoding="utf-8")).get("name") != name:
            raise ConfigError(
                f"{self.at} does not hold the suite {name}; name a folder with --folder"
            )
        self.at.write_text(serialise(suite), encoding="utf-8")
        return self.at


def open_place(settings: ValidateSettings, folder: str | None) -> Place:
    """The suites of a folder, or of the settings where none is named or it does not exist yet."""
    at = Path(folder) if folder else suite_folder(settings)
    suites = read_suites(at, to_mend=True) if at.exists() else load_suites(settings)
    return Place(suites, at)


def change_rule(
    suites: Suites, rule: str, *, kwargs: Mapping[str, Any], said: Mapping[str, str]
) -> tuple[Suites, str]:
    """The suites with other arguments or words of one rule, and the name of the changed one.

    Args:
        suites: what to change.
        rule: its id.
        kwargs: arguments of the expectation to set; None takes one away.
        said: entries of its meta to set.

    Raises:
        ConfigError: there is no such rule, it has no source afterwards, or GX refuses the argument.
    """
    name, expectation = suites.find(rule)
    found = expectation.configuration.to_json_dict()
    _refuse_unknown(expectation, kwargs)
    _refuse_bare(rule, {**found["meta"], **said})
    merged = {**found["kwargs"], **kwargs}
    changed = build_expectation(
        {
            "type": found["type"],
            "kwargs": {k: v for k, v in merged.items() if v is not None},
            "meta": {**found["meta"], **said},
        },
        f"suite {name}",
    )
    replaced = [changed if e is expectation else e for e in _suite(suites, name).expectations]
    return _with(suites, name, replaced), name


def add_rule(
    suites: Suites, name: str, configuration: Mapping[str, Any], *, said: Mapping[str, str]
) -> Suites:
    """The suites with one more rule at the end of one of them.

    Args:
        suites: what to add to.
        name: `examples` or `batches`.
        configuration: `type` and `kwargs` of a GX expectation.
        said: every entry of its meta.

    Raises:
        ConfigError: the id is taken, something is not said, or GX does not know the expectation.
    """
    if name not in (ROWS, BATCHES):
        raise ConfigError(f"there is no suite {name!r}; rules go to {ROWS} or {BATCHES}")
    if any(e.meta["rule_id"] == said["rule_id"] for _, e in suites.rules()):
        raise ConfigError(f"rule {said['rule_id']} is there already; change it with `suite set`")
    _refuse_bare(said["rule_id"], said)
    added = build_expectation({**configuration, "meta": dict(said)}, f"suite {name}")
    return _with(suites, name, [*_suite(suites, name).expectations, added])


def remove_rule(suites: Suites, rule: str) -> tuple[Suites, str]:
    """The suites without one rule, and the name of the changed one.

    Raises:
        ConfigError: there is no such rule.
    """
    name, expectation = suites.find(rule)
    kept = [e for e in _suite(suites, name).expectations if e is not expectation]
    return _with(suites, name, kept), name


def kinds_argument(kinds: Sequence[str]) -> dict[str, Any]:
    """The row condition by which a rule judges examples of some kinds, or of every kind."""
    if list(kinds) == [EVERY_KIND]:
        return {"row_condition": None}
    return {"row_condition": Column("kind").is_in(list(kinds)).dict()}


def _refuse_unknown(expectation: Any, kwargs: Mapping[str, Any]) -> None:
    """GX itself takes arguments that an expectation does not have, and passes over them."""
    for key in kwargs:
        if key not in type(expectation).__fields__:
            raise ConfigError(
                f"rule {expectation.meta['rule_id']} ({expectation.expectation_type}) has no {key}"
            )


def _refuse_bare(rule: str, said: Mapping[str, str]) -> None:
    if bare := [f"--{key}" for key in SAID if not said[key].strip()]:
        raise ConfigError(f"rule {rule} would say nothing at {', '.join(bare)}; every rule does")


def _suite(suites: Suites, name: str) -> Any:
    return suites.rows if name == ROWS else suites.batches


def _with(suites: Suites, name: str, expectations: Sequence[Any]) -> Suites:
    """The suites with other expectations in one of them, rebuilt by GX."""
    old = _suite(suites, name)
    new = type(old)(name=name, expectations=list(expectations), meta=old.meta, notes=old.notes)
    changed = Suites(new, suites.batches) if name == ROWS else Suites(suites.rows, new)
    return checked(changed, f"suite {name}")
