import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import ingest
from deskwheel import reasons
from ingest.simulate import Simulation, simulate
from tests.ingest.conftest import NOON

FOLDER = Path(str(ingest.__file__)).with_name("schemas")
NAMES = ["call.v1", "chat.v1", "chat.v2"]


@pytest.fixture(scope="module")
def validators() -> Mapping[str, Draft202012Validator]:
    files = {f.stem: json.loads(f.read_text(encoding="utf-8")) for f in FOLDER.glob("*.json")}
    return {name: Draft202012Validator(schema) for name, schema in files.items()}


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(1, 60, start=NOON)


def test_every_json_payload_has_a_schema_of_its_version(
    validators: Mapping[str, Draft202012Validator],
) -> None:
    assert sorted(validators) == NAMES
    for validator in validators.values():
        Draft202012Validator.check_schema(validator.schema)


def test_simulated_payloads_keep_to_their_schema(
    validators: Mapping[str, Draft202012Validator], simulation: Simulation
) -> None:
    seen = set()
    for event in simulation.events:
        if event.id not in simulation.poison_reasons and event.content_type == "application/json":
            validators[event.dataschema].validate(json.loads(event.data))
            seen.add(event.dataschema)
    assert sorted(seen) == NAMES


def test_spoilt_payload_breaks_its_schema(
    validators: Mapping[str, Draft202012Validator], simulation: Simulation
) -> None:
    spoilt = {reasons.FIELD_MISSING, reasons.FIELD_INVALID, reasons.TRANSCRIPT_INVALID}
    broken = [e for e in simulation.events if simulation.poison_reasons.get(e.id) in spoilt]
    assert len(broken) == 3
    for event in broken:
        assert not validators[event.dataschema].is_valid(json.loads(event.data))
