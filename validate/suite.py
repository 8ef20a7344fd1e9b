"""The Great Expectations suites, the one source of rules: read, written, versioned.

`suites/examples.json` judges rows, `suites/batches.json` whole batches; both are what GX's own
serialisation writes. Each expectation's meta says which rule it is: `rule_id` (the reason code of
an example that breaks it, in table, timeline, metric and page), `what`, `severity`, `source`,
`owner`; none of them is empty. A rule with a row condition on `kind` says nothing about the other
kinds.

Severity `quarantine`: the row is kept out of training. `warn`: it is only marked. `stop`, for
batches: nothing of the batch becomes valid. Reads and writes no table.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Literal, cast

import great_expectations as gx
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from deskwheel.errors import ConfigError
from deskwheel.ids import digest
from deskwheel.settings import ValidateSettings
from validate import expectations as _registered  # noqa: F401  GX knows a type once it is imported

Severity = Literal["quarantine", "warn", "stop"]

ROWS, BATCHES = "examples", "batches"
"""Names of the suites, and of their files."""

SEVERITIES: Mapping[str, tuple[Severity, ...]] = {
    ROWS: ("quarantine", "warn"),
    BATCHES: ("warn", "stop"),
}
GX_SEVERITY: Mapping[str, str] = {"stop": "critical", "quarantine": "warning", "warn": "info"}
"""What GX calls a severity of ours, so that its own reports sort alike."""

META = ("rule_id", "what", "severity", "source", "owner")
THRESHOLDS = ("min_value", "max_value", "value_set")


@dataclass(frozen=True)
class Suites:
    """Every rule: GX's suite for rows and the one for batches."""

    rows: Any
    batches: Any

    @cached_property
    def version(self) -> str:
        """A digest of what judges, equal exactly for suites that judge alike.

        Each rule's id, severity, type and arguments enter it in their order; sentences do not.
        """
        judged = [
            [e.meta["rule_id"], e.meta["severity"], c["type"], c["kwargs"]]
            for _, e in self.rules()
            for c in [e.configuration.to_json_dict()]
        ]
        return f"suite-{digest(json.dumps(judged, sort_keys=True))[:12]}"

    def rules(self) -> Iterator[tuple[str, Any]]:
        """(suite's name, expectation) of every rule, rows first."""
        for suite in (self.rows, self.batches):
            yield from ((suite.name, expectation) for expectation in suite.expectations)

    def find(self, rule: str) -> tuple[str, Any]:
        """(suite's name, expectation) of one rule.

        Raises:
            ConfigError: there is none with this id.
        """
        for name, expectation in self.rules():
            if expectation.meta["rule_id"] == rule:
                return name, expectation
        raise ConfigError(f"the suite has no rule {rule}; `python -m validate suite` lists them")

    def threshold(self, rule: str, key: str) -> float:
        """A number that a rule compares with, for example RESOLUTION_UNSURE's `min_value`.

        Raises:
            ConfigError: the rule or the number is not there.
        """
        value = self.find(rule)[1].configuration.kwargs.get(key)
        if not isinstance(value, int | float):
            raise ConfigError(f"rule {rule} compares with no {key}, but {value!r}")
        return float(value)

    def to_json_dict(self) -> dict[str, Any]:
        """Both suites as GX serialises them, by name."""
        return {suite.name: suite.to_json_dict() for suite in (self.rows, self.batches)}


def load_suites(settings: ValidateSettings) -> Suites:
    """The suites that `validate.suite` names, the shipped ones by default.

    A folder may hold one of the two files: the other one is then as shipped.

    Raises:
        ConfigError: a file is missing, is no suite, or a rule of it lacks what each rule says, its
            source included.
    """
    return read_suites(suite_folder(settings))


def suite_folder(settings: ValidateSettings) -> Path:
    """Where `validate.suite` points, or the folder that is shipped."""
    return Path(settings.suite) if settings.suite else shipped_folder()


def shipped_folder() -> Path:
    """The folder of the suites that are installed with the package."""
    return Path(str(resources.files("validate").joinpath("suites")))


def read_suites(place: Path, *, to_mend: bool = False) -> Suites:
    """The suites in a folder, or of one file beside the shipped other one.

    Args:
        place: the folder or file.
        to_mend: rules may lack a source, so that `suite set` can give it to one after the other.

    Raises:
        ConfigError: as `load_suites` does.
    """
    found: dict[str, Any] = {}
    files = [place] if place.is_file() else [place / f"{name}.json" for name in (ROWS, BATCHES)]
    for file in files:
        if file.exists():
            for suite in _read(file):
                found[suite.name] = suite
    if not found:
        raise ConfigError(
            f"validate.suite: {place} holds neither {ROWS}.json nor {BATCHES}.json; name a folder"
            " or a file made by `python -m validate suite`, or leave it empty for the shipped one"
        )
    for name in {ROWS, BATCHES} - found.keys():
        found[name] = _read(shipped_folder() / f"{name}.json")[0]
    suites = checked(Suites(found[ROWS], found[BATCHES]), place)
    if not to_mend:
        _check_sources(suites, place)
    return suites


def parse_suites(document: Mapping[str, Any], place: str) -> Suites:
    """Suites out of what `Suites.to_json_dict` made, of older releases, too: a source may be empty.

    Raises:
        ConfigError: as `load_suites` does; `place` is named.
    """
    suites = {name: parse_suite(document[name], place) for name in (ROWS, BATCHES)}
    return checked(Suites(suites[ROWS], suites[BATCHES]), place)


def parse_suite(document: Mapping[str, Any], place: str) -> Any:
    """An `ExpectationSuite` out of GX's JSON; rules keep their order.

    Each expectation is built on its own, because GX leaves out of a suite what it cannot build and
    only logs that.

    Raises:
        ConfigError: GX cannot build one of the expectations.
    """
    built = [build_expectation(c, place) for c in document.get("expectations", ())]
    return gx.ExpectationSuite(
        name=document.get("name"),
        expectations=built,
        meta=document.get("meta"),
        notes=document.get("notes"),
    )


def build_expectation(configuration: Mapping[str, Any], place: str) -> Any:
    """A GX expectation out of `type`, `kwargs` and `meta`, its arguments checked by GX.

    Raises:
        ConfigError: the type or an argument is unknown or wrong.
    """
    severity = dict(configuration.get("meta") or {}).get("severity", "")
    told = {**configuration, "severity": GX_SEVERITY.get(severity, "critical")}
    try:
        _check_range(configuration["kwargs"])
        return ExpectationConfiguration(**told).to_domain_obj()
    except Exception as error:
        rule = dict(configuration.get("meta") or {}).get("rule_id", configuration.get("type"))
        why = str(error).strip().replace("\n", "; ")
        raise ConfigError(f"{place}: rule {rule} is no expectation of GX: {why}") from error


def write_suite(suite: Any, folder: Path) -> Path:
    """The file of a suite in a folder, written in one piece so that a change is a short diff."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{suite.name}.json"
    part = file.with_suffix(".part")
    part.write_text(serialise(suite), encoding="utf-8")
    part.replace(file)
    return file


def serialise(suite: Any) -> str:
    """A suite as GX's JSON, keys sorted, one value a line."""
    return json.dumps(suite.to_json_dict(), indent=2, sort_keys=True) + "\n"


def suite_version(settings: ValidateSettings) -> str:
    """The version of the suites that the settings name."""
    return load_suites(settings).version


def kinds_of(expectation: Any) -> tuple[str, ...] | None:
    """The kinds of examples that a rule judges; None for every kind.

    Raises:
        ConfigError: its row condition is another one than `kind IN (…)`.
    """
    condition = expectation.configuration.kwargs.get("row_condition")
    if not condition:
        return None
    is_by_kind = (
        isinstance(condition, dict)
        and condition.get("operator") == "IN"
        and dict(condition.get("column", {})).get("name") == "kind"
    )
    if not is_by_kind:
        raise ConfigError(
            f"rule {expectation.meta.get('rule_id')} has the row condition {condition}; only"
            " `kind IN (…)` says for which examples a rule is meant"
        )
    return tuple(cast("list[str]", condition["parameter"]))


@cache
def ephemeral_context() -> Any:
    """The process's GX context: in memory, without progress bars, reporting to nobody.

    One for all, so that nothing grows with the batches that are judged.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context


def describe(suites: Suites) -> list[dict[str, str]]:
    """Every rule as an operator reads it, in the suites' order."""
    scopes = {ROWS: "row", BATCHES: "batch"}
    rows = []
    for name, expectation in suites.rules():
        found = expectation.configuration.to_json_dict()
        bounds = {k: found["kwargs"][k] for k in THRESHOLDS if k in found["kwargs"]}
        rows.append(
            {
                "id": expectation.meta["rule_id"],
                "scope": scopes[name],
                "severity": expectation.meta["severity"],
                "kinds": ", ".join(kinds_of(expectation) or ("every",)),
                "what": expectation.meta["what"],
                "threshold": json.dumps(bounds) if bounds else "",
                "source": expectation.meta["source"],
                "owner": expectation.meta["owner"],
                "expectation": found["type"],
            }
        )
    return rows


def _check_sources(suites: Suites, place: Path) -> None:
    """A threshold that nobody can trace is one that nobody dares to change."""
    if bare := [e.meta["rule_id"] for _, e in suites.rules() if not e.meta["source"].strip()]:
        raise ConfigError(
            f"{place}: {', '.join(bare)} have no source; say where the rule or its threshold comes"
            f" from, or that it is your choice and why: `python -m validate suite set {bare[0]}"
            f" --source TEXT --folder {place}`"
        )


def _check_range(kwargs: Mapping[str, Any]) -> None:
    """GX tells that a range is empty only when it judges."""
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is not None and high is not None and low > high:
        raise ValueError(f"min_value {low} is above max_value {high}")


def _read(file: Path) -> list[Any]:
    """The suite of a file, or both of one that `Suites.to_json_dict` made."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        parts = [document] if "expectations" in document else [document[ROWS], document[BATCHES]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file} is no suite of GX: {error}") from error
    suites = [parse_suite(part, str(file)) for part in parts]
    for suite in suites:
        if suite.name not in (ROWS, BATCHES):
            raise ConfigError(f"{file}: suite {suite.name!r} is neither {ROWS} nor {BATCHES}")
    return suites


def checked(suites: Suites, place: Path | str) -> Suites:
    """The suites, if each rule says all that a rule must say, and no id comes twice.

    Raises:
        ConfigError: they do not; `place` is named.
    """
    seen: set[str] = set()
    for name, expectation in suites.rules():
        meta = expectation.meta or {}
        rule = meta.get("rule_id", expectation.expectation_type)
        if missing := [key for key in META if not _is_said(key, meta.get(key))]:
            raise ConfigError(f"{place}: the meta of rule {rule} lacks {', '.join(missing)}")
        if meta["severity"] not in SEVERITIES[name]:
            raise ConfigError(
                f"{place}: rule {rule} has severity {meta['severity']!r}; the suite {name} knows"
                f" {' and '.join(SEVERITIES[name])}"
            )
        if rule in seen:
            raise ConfigError(f"{place}: two rules are called {rule}")
        seen.add(rule)
        kinds_of(expectation)
    return suites


def _is_said(key: str, value: Any) -> bool:
    """Whether a rule says this of itself; the source is looked at apart, by `_check_sources`."""
    return isinstance(value, str) and (key == "source" or bool(value.strip()))
