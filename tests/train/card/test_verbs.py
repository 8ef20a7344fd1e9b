import argparse
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from deskwheel.errors import ConfigError, SnapshotError, StateError
from deskwheel.settings import Settings
from deskwheel.state import State
from tests.train.card.records import run_in, store_run, two_snapshots
from tests.train.rows import settings_in
from train.card.facts import card_facts
from train.card.page import write_card
from train.card.verbs import show_card, show_lineage


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """run-1 learnt snap-1 and serves; run-2, alone, went on from it with snap-2."""
    settings = settings_in(tmp_path)
    two_snapshots(settings)
    state = State(settings.pipeline.state_url)
    first = run_in(tmp_path)
    store_run(state, first)
    state.put("variant", "v1", {"run_id": "run-1", "role": "champion"})
    state.claim_window("support", 0, to_version=3, owner="a", detail={})
    state.advance_window(
        "support", 0, expect="claimed", phase="trained", run_id="run-1", model_version="7"
    )
    state.close()
    second = run_in(
        tmp_path, "run-2", snapshot_id="snap-2", settings={**first.settings, "start_run": "run-1"}
    )
    folder = tmp_path / "runs" / "run-2" / "adapter"
    folder.mkdir(parents=True)
    (folder.parent / "run.json").write_text(json.dumps(asdict(second), default=str))
    write_card(folder, card_facts(settings, second, None, history=[], told={}))
    return settings


def arguments(**given: Any) -> argparse.Namespace:
    plain = {"run": None, "example": None, "conversation": None, "json": True}
    return argparse.Namespace(**{**plain, **given})


def lineage(settings: Settings, capsys: pytest.CaptureFixture[str], **given: Any) -> Any:
    assert show_lineage(settings, arguments(**given)) == 0
    return json.loads(capsys.readouterr().out)


def test_an_adapter_leads_to_its_examples_and_conversations(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    found = lineage(settings, capsys, run="run-1")
    assert (found["model_version"], found["snapshot_id"]) == ("7", "snap-1")
    assert found["variants"] == [{"name": "v1", "role": "champion"}]
    pairs = {m["example_id"]: m["conversation_id"] for m in found["members"]}
    assert pairs == {f"ex-{i:03}": f"conv-{i:03}" for i in range(6)}


def test_an_adapters_folder_leads_there_too_wherever_it_was_copied(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "runs" / "run-2" / "adapter", copy)
    found = lineage(settings, capsys, run=str(copy))
    assert [step["run_id"] for step in found["chain"]] == ["run-2", "run-1"]
    assert len(found["members"]) == 6


def test_an_example_leads_to_all_that_came_of_it(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    found = lineage(settings, capsys, example="ex-004")
    assert [s["snapshot_id"] for s in found["snapshots"]] == ["snap-1", "snap-2"]
    assert {r["run_id"]: r["model_version"] for r in found["runs"]} == {
        "run-1": "7",
        "run-2": None,
    }


def test_what_a_warm_start_went_on_from_is_in_it(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    found = lineage(settings, capsys, example="ex-000")
    assert {r["run_id"]: r["through"] for r in found["runs"]} == {
        "run-1": ["run-1"],
        "run-2": ["run-1"],
    }


def test_a_conversation_leads_there_by_its_examples(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    found = lineage(settings, capsys, conversation="conv-008")
    assert found["examples"] == ["ex-008"]
    assert [r["run_id"] for r in found["runs"]] == ["run-2"]
    assert lineage(settings, capsys, conversation="conv-nobody")["runs"] == []


def test_people_see_lines(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert show_lineage(settings, arguments(run="run-1", json=False)) == 0
    said = capsys.readouterr().out
    assert "version 7, champion v1" in said
    assert said.endswith("6 examples; all of them with --json\n")
    assert show_lineage(settings, arguments(example="ex-000", json=False)) == 0
    assert "run run-2  no version" in capsys.readouterr().out


def test_one_thing_is_asked_at_a_time(settings: Settings) -> None:
    for given in ({}, {"run": "run-1", "example": "ex-000"}):
        with pytest.raises(ConfigError, match="name one"):
            show_lineage(settings, arguments(**given))


def test_an_unknown_run_is_named(settings: Settings) -> None:
    for show in (show_lineage, show_card):
        with pytest.raises(StateError, match="run-nobody"):
            show(settings, arguments(run="run-nobody"))


def test_a_run_on_a_file_of_chats_has_no_lineage(settings: Settings, tmp_path: Path) -> None:
    state = State(settings.pipeline.state_url)
    store_run(state, run_in(tmp_path, "run-3", snapshot_id="file-1"))
    with pytest.raises(SnapshotError, match="file of chats"):
        show_lineage(settings, arguments(run="run-3"))


def test_a_card_is_printed_as_it_was_written(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("run-2", str(tmp_path / "runs" / "run-2" / "adapter")):
        assert show_card(settings, arguments(run=name, json=False)) == 0
        assert capsys.readouterr().out.startswith("# Adapter of run-2")


def test_a_run_without_a_card_gets_one_out_of_its_record(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show_card(settings, arguments(run="0")) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["run_id"], facts["evaluation"]["verdict"]) == ("run-1", "HOLD")
