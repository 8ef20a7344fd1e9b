"""The schema files: what they take, how versions of one type differ, and their golden events."""

import hashlib
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from deskwheel.errors import ConfigError, SchemaError
from deskwheel.times import parse_time
from deskwheel.topics import CHANNELS
from ingest.__main__ import main
from ingest.contract.checker import _KEYWORDS, ANNOTATIONS, compile_schema
from ingest.contract.difference import _COMPARED, differences, is_backward
from ingest.contract.model import Problem
from ingest.contract.schemas import ENVELOPE, find_schema, load_schemas, versions_of
from ingest.envelope import headers_of
from ingest.simulate import simulate
from tests.ingest.conftest import NOON
from tests.ingest.golden_events import EVENTS, FOLDER, GOLDEN, IDS, Golden
from transforms.outcomes import KNOWN_SCHEMA
from transforms.parse import KNOWN_SCHEMAS

FORMATS = FormatChecker(formats=())
FORMATS.checks("date-time")(lambda v: not isinstance(v, str) or parse_time(v) is not None)
NAMES = list(load_schemas())
DESCRIBED_ELSEWHERE = {"email.v1"}


def oracle(schema: Any) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=FORMATS)


def is_taken(schema: Any, value: Any) -> bool:
    problems: list[Problem] = []
    compile_schema(schema)(value, "", problems)
    return not problems


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_valid_and_speaks_to_people(name: str) -> None:
    schema = find_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:deskwheel:{name}"
    assert schema["title"]
    assert schema["description"].endswith((".", ":"))
    for field, inner in fields_of(schema):
        assert inner.get("description"), f"{name}: {field} says nothing"


def fields_of(schema: Any, place: str = "") -> list[tuple[str, Any]]:
    found = []
    for name, inner in schema.get("properties", {}).items():
        found.append((place + name, inner))
        found += fields_of(inner.get("items", {}), f"{place}{name}[].")
    for case in ("then", "else"):
        if case in schema:
            found += fields_of(schema[case], place)
    return found


def test_every_channel_has_a_schema_and_the_stream_knows_the_same_versions() -> None:
    assert {c: set(versions_of(c)) for c in CHANNELS} == KNOWN_SCHEMAS
    assert versions_of("feedback") == (KNOWN_SCHEMA,)


def test_a_schema_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"chat\.v99.*chat\.v1, chat\.v2"):
        find_schema("chat.v99")


def test_simulated_payloads_keep_to_their_schema() -> None:
    simulation = simulate(1, 60, start=NOON)
    seen = set()
    for event in simulation.events:
        if event.id not in simulation.poison_reasons and event.content_type == "application/json":
            oracle(find_schema(event.dataschema)).validate(json.loads(event.data))
            seen.add(event.dataschema)
    assert {"call.v1", "chat.v1", "chat.v2"} <= seen


def pairs() -> list[tuple[str, str]]:
    """Every older and newer version of one type."""
    kinds = dict.fromkeys(name.rpartition(".v")[0] for name in NAMES)
    return [pair for kind in kinds for pair in itertools.combinations(versions_of(kind), 2)]


@pytest.mark.parametrize(("old", "new"), pairs())
def test_a_newer_version_reads_what_every_older_one_allows(old: str, new: str) -> None:
    assert [c for c in differences(find_schema(old), find_schema(new)) if c.is_breaking] == []


def test_there_is_a_pair_of_versions_to_compare() -> None:
    assert ("chat.v1", "chat.v2") in pairs()


TEXT: dict[str, Any] = {"type": "string"}
CHANGES: list[tuple[str, Any, Any, bool]] = [
    ("became required", {}, {"required": ["a"]}, True),
    ("is no longer required", {"required": ["a"]}, {}, False),
    ("field added", {}, {"properties": {"a": TEXT}}, True),
    ("field added", {}, {"properties": {"a": {"title": "Anything"}}}, False),
    ("field removed", {"properties": {"a": TEXT}}, {}, False),
    ("type string became string or null", TEXT, {"type": ["string", "null"]}, False),
    ("type string or null became string", {"type": ["string", "null"]}, TEXT, True),
    ("type integer became number", {"type": "integer"}, {"type": "number"}, False),
    ("type number became integer", {"type": "number"}, {"type": "integer"}, True),
    ("type anything became string", {}, TEXT, True),
    ("only a, null are taken", {}, {"enum": ["a", None]}, True),
    ("b no longer taken", {"enum": ["a", "b"]}, {"enum": ["a"]}, True),
    ("b taken as well", {"enum": ["a"]}, {"enum": ["a", "b"]}, False),
    ("any value is taken", {"enum": ["a"]}, {}, False),
    ("const a became b", {"const": "a"}, {"const": "b"}, True),
    ("format none became date-time", {}, {"format": "date-time"}, True),
    ("format date-time became none", {"format": "date-time"}, {}, False),
    ("minLength 1 became 2", {"minLength": 1}, {"minLength": 2}, True),
    ("minimum 2 became 1", {"minimum": 2}, {"minimum": 1}, False),
    ("maximum 5 became 4", {"maximum": 5}, {"maximum": 4}, True),
    ("exclusiveMaximum 4 became 5", {"exclusiveMaximum": 4}, {"exclusiveMaximum": 5}, False),
    ("type string became anything", {"items": TEXT}, {"items": {}}, False),
    ("a further rule", {}, {"allOf": [TEXT]}, True),
    ("a rule fell away", {"allOf": [TEXT]}, {}, False),
    (
        "told apart otherwise",
        {"if": TEXT, "then": {"minLength": 1}},
        {"if": {"type": "null"}},
        True,
    ),
    ("told apart otherwise", {"if": TEXT, "then": {"minLength": 1}}, {}, False),
    ("minLength none became 1", {"if": TEXT}, {"if": TEXT, "then": {"minLength": 1}}, True),
]


@pytest.mark.parametrize(("said", "old", "new", "is_breaking"), CHANGES)
def test_a_change_is_told_in_words_with_its_effect(
    said: str, old: Any, new: Any, is_breaking: bool
) -> None:
    (change,) = differences(old, new)
    assert said in change.said
    assert change.is_breaking is is_breaking
    assert is_backward(old, new) is not is_breaking


def test_what_only_people_read_is_no_change() -> None:
    inner = {"properties": {"a": {**TEXT, "title": "A"}}}
    assert (
        differences(inner, {"properties": {"a": {**TEXT, "description": "B"}}, "title": "T"}) == []
    )


def test_every_keyword_that_decides_is_compared() -> None:
    elsewhere = {"type", "properties", "required", "if"}
    assert set(_COMPARED) == set(_KEYWORDS)
    assert not elsewhere & set(_KEYWORDS)


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, True, False, "", "a", "bb", "2026-03-02", 0, 1, 3, 6, 1.0, 2.5, -1]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=6,
)
SIMPLE = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "null", "number", "integer", "object", "array"])
        | st.lists(st.sampled_from(["string", "null", "integer", "boolean"]), min_size=1,
                   unique=True),
        "enum": st.lists(st.sampled_from(["a", "bb", "", None]), min_size=1, unique=True),
        "const": st.sampled_from(["a", None]),
        "minimum": st.integers(0, 3),
        "maximum": st.integers(1, 5),
        "exclusiveMinimum": st.integers(-1, 2),
        "exclusiveMaximum": st.integers(1, 6),
        "minLength": st.integers(0, 2),
        "format": st.just("date-time"),
    },
)  # fmt: skip
SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    SIMPLE,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", ["object", "null"]]),
            "required": st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=2),
            "properties": st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
            "items": inner,
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "if": inner,
            "then": inner,
            "else": inner,
        },
    ),
    max_leaves=5,
)


@given(schema=SCHEMAS, value=VALUES)
def test_a_compiled_schema_decides_as_the_library_does(schema: Any, value: Any) -> None:
    assert is_taken(schema, value) == oracle(schema).is_valid(value)


@given(old=SCHEMAS, new=SCHEMAS, value=VALUES)
def test_what_an_old_schema_takes_a_backward_compatible_one_takes(
    old: Any, new: Any, value: Any
) -> None:
    if is_backward(old, new) and oracle(old).is_valid(value):
        assert oracle(new).is_valid(value)


@given(schema=SCHEMAS, value=VALUES, key=st.sampled_from(["type", "minimum", "enum", "required"]))
def test_a_schema_with_one_rule_less_is_backward_compatible_where_it_says_so(
    schema: Any, value: Any, key: str
) -> None:
    less = {k: v for k, v in schema.items() if k != key}
    assert is_backward(schema, less)
    if oracle(schema).is_valid(value):
        assert oracle(less).is_valid(value)


@pytest.mark.parametrize(
    "schema", [{"pattern": "a"}, {"type": "text"}, {"format": "email"}, {"enum": [1]}, {"const": 1}]
)
def test_a_rule_that_would_be_overlooked_is_refused(schema: Any) -> None:
    with pytest.raises(SchemaError):
        compile_schema(schema)


def test_every_version_has_a_golden_event() -> None:
    assert {g.schema for g in GOLDEN} == set(NAMES) - {ENVELOPE}


@pytest.mark.parametrize("golden", GOLDEN, ids=IDS)
def test_a_golden_event_keeps_to_its_schema_and_its_envelope(golden: Golden) -> None:
    assert golden.name.startswith(f"{golden.schema}.")
    oracle(find_schema(ENVELOPE)).validate(golden.headers)
    if golden.schema in DESCRIBED_ELSEWHERE or golden.headers["content-type"] == "text/vtt":
        return
    oracle(find_schema(golden.schema)).validate(json.loads(golden.payload))


@pytest.mark.parametrize("golden", [g for g in EVENTS if g.schema == "chat.v1"],
                         ids=lambda g: g.name)  # fmt: skip
def test_the_newest_version_reads_the_golden_events_of_the_older_ones(golden: Golden) -> None:
    oracle(find_schema(versions_of("chat")[-1])).validate(json.loads(golden.payload))


@pytest.mark.parametrize("golden", EVENTS, ids=lambda g: g.name)
def test_the_envelope_writes_a_golden_event_as_it_was_written(golden: Golden) -> None:
    written = {name: value.decode() for name, value in headers_of(golden.event())}
    assert written == golden.headers


def test_golden_events_are_added_and_never_edited() -> None:
    """Add a line for a new file: `sha256sum *.json > SHA256SUMS` in the folder of golden events."""
    listed = dict(reversed(line.split("  ")) for line in sums())
    present = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in FOLDER.glob("*.json")}
    assert present == listed


def sums() -> list[str]:
    return (FOLDER / "SHA256SUMS").read_text(encoding="utf-8").splitlines()


Shown = Callable[..., tuple[int, Any]]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Shown:
    def run(*arguments: str) -> tuple[int, Any]:
        status = main(["schema", *arguments])
        out = capsys.readouterr()
        return status, json.loads(out.out) if "--json" in arguments else out.out + out.err

    return run


def test_the_verb_lists_and_shows(shown: Shown) -> None:
    assert [s["name"] for s in shown("list", "--json")[1]] == NAMES
    assert "chat.v2" in shown("list")[1]
    assert shown("show", "chat.v1", "--json") == (0, find_schema("chat.v1"))


def test_the_verb_tells_whether_a_change_breaks(shown: Shown) -> None:
    status, text = shown("diff", "chat.v1", "chat.v2")
    assert (status, "meta: field added" in text, "backward compatible" in text) == (0, True, True)
    status, text = shown("diff", "outcome.v1", "chat.v1")
    assert (status, "BREAKING" in text) == (1, True)
    status, body = shown("diff", "chat.v2", "--all", "--json")
    assert (status, body["is_backward"], [c["old"] for c in body["compared"]]) == (
        0, True, ["chat.v1"],
    )  # fmt: skip
    assert shown("diff", "chat.v1", "--all")[0] == 0


@pytest.mark.parametrize("arguments", [["diff", "chat.v1"], ["show"], ["show", "fax.v1"],
                                       ["check", "nowhere.json"]])  # fmt: skip
def test_the_verb_says_how_it_is_called(shown: Shown, arguments: list[str]) -> None:
    status, text = shown(*arguments)
    assert status == 1
    assert "ingest schema" in text


@pytest.mark.parametrize("action", ["list", "show", "diff", "check"])
def test_the_verb_says_how_many_names_it_wants(shown: Shown, action: str) -> None:
    status, text = shown(action, "a", "b", "c")
    assert status == 1
    assert "given 3" in text
    # Each command stands in quotes of its own, to be copied.
    assert all(part.startswith("python -m ingest schema") for part in text.split("`")[1::2])
    assert text.rstrip().endswith("`")


def test_the_verb_checks_a_file_of_payloads(shown: Shown, tmp_path: Any) -> None:
    file = tmp_path / "chat.v1.jsonl"
    good = json.loads(GOLDEN[IDS.index("chat.v1.message")].payload)
    file.write_text(f"{json.dumps(good)}\n\n{json.dumps({**good, 'sender': 'cat'})}\n")
    status, body = shown("check", str(file), "--json")
    assert (status, body["checked"], body["broken"]) == (1, 2, 1)
    assert body["problems"][0]["origin"] == "chat.v1.jsonl:3"
    assert body["problems"][0]["field"] == "sender"
    status, text = shown("check", str(file), "--as", "chat.v2")
    assert (status, "sender" in text, "2 payloads checked, 1 broken" in text) == (1, True, True)


def test_annotations_decide_nothing() -> None:
    assert is_taken(dict.fromkeys(ANNOTATIONS, "x"), 1)
