"""The verb `suite` and the edits behind it: files change by GX's API, and only as asked."""

import json
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deskwheel.errors import ConfigError
from deskwheel.settings import Settings, ValidateSettings
from deskwheel.state import State
from validate.rules.commands import suite_verb
from validate.rules.kept import find_suites, keep_suites
from validate.rules.options import OPTIONS
from validate.rules.page import page
from validate.suite import ROWS, load_suites, read_suites, serialise, shipped_folder

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = load_suites(ValidateSettings())
UNKNOWN = '{"type": "expect_x", "kwargs": {}}'


def arguments(action: str, *names: str, **given: Any) -> Namespace:
    told = {o.flags[0].lstrip("-").replace("-", "_"): o.keywords.get("default") for o in OPTIONS}
    return Namespace(**{**told, "action": action, "names": list(names), "json": True, **given})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "suites"


def run(settings: Settings, action: str, *names: str, **given: Any) -> int:
    return suite_verb(settings, arguments(action, *names, **given))


def test_threshold_is_changed_in_one_line_of_one_file(settings: Settings, folder: Path) -> None:
    run(settings, "set", "RESOLUTION_UNSURE", min_value=0.7, folder=str(folder))
    shipped = (shipped_folder() / "examples.json").read_text("utf-8").splitlines()
    written = (folder / "examples.json").read_text("utf-8").splitlines()
    changed = [(a, b) for a, b in zip(shipped, written, strict=True) if a != b]
    assert [(a.strip(), b.strip()) for a, b in changed] == [
        ('"min_value": 0.65,', '"min_value": 0.7,')
    ]
    assert (folder / "batches.json").read_text("utf-8") == serialise(SHIPPED.batches)
    assert read_suites(folder).threshold("RESOLUTION_UNSURE", "min_value") == 0.7


def test_severity_kinds_and_words_are_changed(
    settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"severity": "warn", "kinds": "ideal", "owner": "desk", "folder": str(folder)}
    run(settings, "set", "QUERY_TOO_SHORT", min_value=9.0, **given)
    told = json.loads(capsys.readouterr().out)
    found = read_suites(folder).find("QUERY_TOO_SHORT")[1]
    assert (found.meta["severity"], found.meta["owner"]) == ("warn", "desk")
    assert found.configuration.kwargs["min_value"] == 9
    assert found.configuration.kwargs["row_condition"]["parameter"] == ["ideal"]
    assert (told["before"], told["version"]) == (SHIPPED.version, read_suites(folder).version)
    run(settings, "set", "QUERY_TOO_SHORT", kinds="every", folder=str(folder))
    assert (
        "row_condition" not in read_suites(folder).find("QUERY_TOO_SHORT")[1].configuration.kwargs
    )


def test_settings_name_the_folder_that_is_changed(settings: Settings, folder: Path) -> None:
    run(settings, "set", "CSAT_LOW", min_value=4.0, folder=str(folder))
    named = replace(settings, validate=replace(settings.validate, suite=str(folder)))
    run(named, "set", "LANGUAGE_NOT_ALLOWED", values="en,de")
    found = load_suites(named.validate)
    assert found.find("LANGUAGE_NOT_ALLOWED")[1].configuration.kwargs["value_set"] == ["en", "de"]
    assert found.threshold("CSAT_LOW", "min_value") == 4
    of_rows = replace(
        settings, validate=replace(settings.validate, suite=str(folder / "examples.json"))
    )
    run(of_rows, "set", "CSAT_LOW", min_value=2.0)
    assert load_suites(named.validate).threshold("CSAT_LOW", "min_value") == 2
    with pytest.raises(ConfigError, match="does not hold the suite batches"):
        run(of_rows, "set", "VOLUME_LOW", min_value=0.1)


def test_rule_is_added_and_removed(settings: Settings, folder: Path) -> None:
    configuration = {
        "type": "expect_column_values_to_not_match_regex",
        "kwargs": {"column": "response", "regex": "(?i)competitor"},
    }
    given = {
        "expectation": json.dumps(configuration),
        "what": "No rival is named.",
        "source": "Our choice: what they sell is no answer of ours.",
        "owner": "desk",
    }
    run(settings, "add", "RIVAL_NAMED", kinds="ideal", folder=str(folder), **given)
    name, rule = read_suites(folder).find("RIVAL_NAMED")
    assert (name, rule.meta["severity"]) == (ROWS, "quarantine")
    with pytest.raises(ConfigError, match="RIVAL_NAMED is there already"):
        run(settings, "add", "RIVAL_NAMED", folder=str(folder), **given)
    run(settings, "remove", "RIVAL_NAMED", folder=str(folder))
    assert read_suites(folder).version == SHIPPED.version


@pytest.mark.parametrize(
    ("action", "names", "given", "told"),
    [
        ("set", ["NO_SUCH"], {"min_value": 1.0}, "no rule NO_SUCH"),
        ("set", ["CSAT_LOW"], {}, "nothing to set"),
        ("set", [], {"min_value": 1.0}, "wants RULE"),
        ("set", ["CATEGORY_BLANK"], {"min_value": 1.0}, "has no min_value"),
        ("set", ["CSAT_LOW"], {"severity": "stop"}, "knows quarantine and warn"),
        ("set", ["CSAT_LOW"], {"min_value": 6.0, "max_value": 5.0}, "is no expectation of GX"),
        ("add", ["NEW"], {}, "--expectation wants"),
        ("set", ["CSAT_LOW"], {"min_value": float("inf")}, "inf is no threshold"),
        ("set", ["CSAT_LOW"], {"max_value": float("nan")}, "nan is no threshold"),
        ("set", ["CSAT_LOW"], {"source": " "}, "would say nothing at --source"),
        ("add", ["NEW"], {"expectation": UNKNOWN}, "needs --what"),
        ("add", ["NEW"], {"expectation": UNKNOWN, "what": "X.", "owner": "o"}, "--source"),
        (
            "add",
            ["NEW"],
            {"expectation": UNKNOWN, "what": "X.", "owner": "o", "source": "s"},
            "NEW is no expectation of GX",
        ),
        ("remove", ["NO_SUCH"], {}, "no rule NO_SUCH"),
        ("diff", ["shipped"], {}, "wants OLD NEW"),
        ("diff", ["shipped", "shipped"], {"limit": -1}, "--limit -1: give 0 or more"),
        ("diff", ["shipped", "suite-0"], {}, "suite-0 is no file, folder or version"),
    ],
)
def test_wrong_change_is_refused_and_writes_nothing(
    settings: Settings, folder: Path, action: str, names: list[str], given: Any, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        run(settings, action, *names, folder=str(folder), **given)
    assert not folder.exists()


def test_sources_are_given_to_one_rule_after_the_other(settings: Settings, folder: Path) -> None:
    document = SHIPPED.rows.to_json_dict()
    for rule in document["expectations"][:2]:
        rule["meta"]["source"] = ""
    folder.mkdir()
    (folder / "examples.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ConfigError, match="QUERY_MISSING would say nothing at --source"):
        run(settings, "set", "QUERY_MISSING", severity="warn", folder=str(folder))
    for rule, others in (("QUERY_MISSING", "RESPONSE_MISSING"), ("RESPONSE_MISSING", "")):
        run(settings, "set", rule, source="Our choice: toys.", folder=str(folder))
        if others:
            with pytest.raises(ConfigError, match=f"{others} have no source"):
                read_suites(folder)
    assert read_suites(folder).version == SHIPPED.version


def test_rules_are_shown_as_a_table_and_as_json(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    run(settings, "show")
    assert len(json.loads(capsys.readouterr().out)) == len(list(SHIPPED.rules()))
    run(settings, "show", json=False)
    assert "CSAT_LOW" in capsys.readouterr().out.replace("\n", "")


def test_suite_that_judged_is_kept_by_version(settings: Settings, folder: Path) -> None:
    run(settings, "set", "CSAT_LOW", min_value=4.0, folder=str(folder))
    changed = read_suites(folder)
    state = State(settings.pipeline.state_url)
    assert keep_suites(state, "support", changed)
    assert not keep_suites(state, "support", changed)
    assert [e["subject"] for e in state.timeline("support", kind="suite_adopted")] == [
        changed.version
    ]
    state.close()
    assert find_suites(settings, changed.version).to_json_dict() == changed.to_json_dict()
    assert find_suites(settings, "shipped").version == find_suites(settings, "current").version


def test_page_of_the_rules_is_current() -> None:
    cure = "run `python -m validate suite docs docs/quality-rules.md`"
    assert (ROOT / "docs" / "quality-rules.md").read_text("utf-8") == page(SHIPPED), cure


def test_page_names_every_rule_once() -> None:
    text = page(SHIPPED)
    assert all(text.count(f"| `{e.meta['rule_id']}` |") == 1 for _, e in SHIPPED.rules())
