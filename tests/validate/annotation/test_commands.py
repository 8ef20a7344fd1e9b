import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel.config import dump
from deskwheel.settings import Settings
from deskwheel.stage import run_stage
from deskwheel.state import State
from tests.validate.annotation.scene import answered, fill, many
from validate.__main__ import VERBS
from validate.annotation import options, store
from validate.annotation.commands import ACTIONS
from validate.annotation.report import agreements, least_kappa


@pytest.fixture
def config(settings: Settings, tmp_path: Path) -> Path:
    fill(settings, many(30))
    path = tmp_path / "deskwheel.toml"
    path.write_text(dump(settings), "utf-8")
    return path


def call(config: Path, *words: str) -> int:
    return run_stage("validate", "", VERBS, ["annotate", *words, "--config", str(config)])


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_every_action_of_the_command_line_exists() -> None:
    assert set(ACTIONS) == set(options.ACTIONS)


def test_from_plan_to_labels(
    config: Path, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(config, "plan", "--size", "20", "--annotators", "rater-1,rater-2", "--json") == 0
    plan = str(told(capsys)["plan_id"])
    folder = str(tmp_path / "out")
    only = ("--plan", plan, "--to", folder, "--json")
    assert call(config, "export", *only) == 0
    assert told(capsys)["examples"] == 20
    assert call(config, "export", *only, "--annotator", "rater-1") == 0
    mine = [t for t in store.read_tasks(settings.pipeline.lake) if t.annotator_key == "rater-1"]
    assert told(capsys)["examples"] == len(mine) < 20
    store.append_annotations(
        settings.pipeline.lake,
        [answered(t.example_id, t.annotator_key, plan_id=plan)
         for t in store.read_tasks(settings.pipeline.lake)],
    )  # fmt: skip
    assert call(config, "progress", "--json") == 0
    counts = told(capsys)
    assert (counts["annotated"], counts["target"]) == (20, 1000)
    labels = ("labels", "--for", "tags", "--to", str(tmp_path / "tags.jsonl"))
    assert call(config, *labels) == 1
    assert "do not agree enough on category (alpha's lower bound –)" in capsys.readouterr().err
    assert call(config, *labels, "--despite-agreement", "--json") == 0
    assert told(capsys)["lines"] == 20
    line = json.loads((tmp_path / "tags.jsonl").read_text("utf-8").splitlines()[0])
    assert line["agreement"] == {"category": "refuse", "sentiment": "refuse"}


def test_a_dispute_is_listed_decided_and_on_the_timeline(
    config: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [answered("ex-001-1"), answered("ex-001-1", "rater-2", resolved="no")]
    store.append_annotations(settings.pipeline.lake, said)
    assert call(config, "adjudicate", "--json") == 0
    assert told(capsys) == [
        {"example_id": "ex-001-1", "question": "resolved", "votes": {"yes": 1, "no": 1}}
    ]
    words = ("--example", "ex-001-1", "--answer", "resolved=no", "--by", "lead-1", "--json")
    assert call(config, "adjudicate", *words) == 0
    assert told(capsys)["disputed"] == []
    state = State(settings.pipeline.state_url)
    (entry,) = state.timeline(settings.pipeline.name, kind="adjudicated")
    state.close()
    assert (entry["subject"], entry["detail"]["by"]) == ("ex-001-1", "lead-1")
    assert call(config, "adjudicate", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan",), "name each annotator once"),
        (("plan", "--annotators", "rater-1,rater-1"), "name each annotator once"),
        (("export",), "--plan is missing"),
        (("export", "--plan", "plan-0"), "no such plan; known are none"),
        (("adjudicate", "--example", "ex-9"), "nobody has annotated it"),
        (("labels",), "give --for"),
        (("plan", "--annotators", "rater-1", "--size", "0"), "--size 0: a plan asks about 1"),
        (("serve", "--port", "99999"), "port 99999 of 127.0.0.1"),
    ],
)
def test_a_wrong_call_says_what_is_missing(
    config: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert call(config, *words) == 1
    assert said in capsys.readouterr().err


def test_an_adjudicator_cannot_invent_questions(
    config: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    store.append_annotations(settings.pipeline.lake, [answered("ex-001-1")])
    words = ("--example", "ex-001-1", "--answer", "mood=bad", "--by", "lead-1")
    assert call(config, "adjudicate", *words) == 1
    assert "no question is named mood" in capsys.readouterr().err


def test_agreement_is_told_for_people_and_for_scripts(
    config: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        answered(f"ex-{i:03}-1", f"rater-{k}", category=("ORDER", "REFUND")[i % 2])
        for i in range(30) for k in (1, 2)
    ]  # fmt: skip
    store.append_annotations(settings.pipeline.lake, rows)
    assert call(config, "agreement", "--json") == 0
    questions = told(capsys)["questions"]
    assert isinstance(questions, list)
    (category,) = (q for q in questions if q["question"] == "category")
    assert (category["alpha"], category["verdict"], category["units"]) == (1.0, "accept", 30)
    found = agreements(settings, rows, seed=1)[2]
    assert call(config, "agreement") == 0
    shown = capsys.readouterr().out
    assert "accept" in shown
    assert "kappa" in shown
    assert least_kappa(replace(found, kappa={"a b": 0.5, "a c": None, "b c": 0.25})) == "0.250"
    assert least_kappa(replace(found, kappa={"a c": None})) == "–"


def test_answers_by_an_older_guide_do_not_count_as_agreement(
    config: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [answered("ex-001-1", f"rater-{k}", guide_version="0.9") for k in (1, 2)]
    store.append_annotations(settings.pipeline.lake, rows)
    assert call(config, "agreement", "--json") == 0
    questions = told(capsys)["questions"]
    assert isinstance(questions, list)
    assert {q["units"] for q in questions} == {0}


def test_refused_answers_end_with_status_one(
    config: Path, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("plan", "--annotators", "rater-1", "--size", "5", "--json")
    call(config, *asked)
    plan = str(told(capsys)["plan_id"])
    call(config, *asked)
    capsys.readouterr()
    file = tmp_path / "export.json"
    file.write_text('[{"data": {"example_id": "ex-none"}, "annotations": [{"result": []}]}]')
    assert call(config, "import", str(file), "--plan", plan, "--annotator", "rater-1") == 1
    assert f"{file}:1: example 'ex-none' is not in the plan" in capsys.readouterr().out
    state = State(settings.pipeline.state_url)
    (planned,) = state.timeline(settings.pipeline.name, kind="annotation_planned")
    (taken,) = state.timeline(settings.pipeline.name, kind="annotations_taken")
    state.close()
    assert (planned["subject"], planned["detail"]["examples"]) == (plan, 5)
    assert taken["detail"] == {"source": "label-studio", "stored": 0, "known": 0, "refused": 1}


def test_labels_for_quarantine_name_the_verb_that_asks_for_them(
    config: Path, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [answered("ex-001-1", f"rater-{k}", is_good_pair="no") for k in (1, 2)]
    store.append_annotations(settings.pipeline.lake, rows)
    file = tmp_path / "requests.jsonl"
    words = ("labels", "--for", "quarantine", "--to", str(file), "--despite-agreement")
    assert call(config, *words) == 0
    printed = capsys.readouterr().out
    assert f"1 of them: python -m validate quarantine reject --from {file} --by ALIAS" in printed
    told = ["quarantine", "reject", "--from", str(file), "--by", "lead-1", "--config", str(config)]
    assert run_stage("validate", "", VERBS, told) == 0
    assert "1 asked for" in capsys.readouterr().out
    (line,) = (json.loads(text) for text in file.read_text().splitlines())
    assert (line["example_id"], line["verb"]) == ("ex-001-1", "quarantine reject")


def test_progress_shows_a_bar_for_each_category(
    config: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [answered(f"ex-{i:03}-1", category="ORDER") for i in range(30)]
    store.append_annotations(settings.pipeline.lake, rows)
    assert call(config, "progress") == 0
    shown = capsys.readouterr().out
    assert "30 of 1,000 examples annotated" in shown
    assert "1,000 → 5,000 → 20,000" in shown
    assert "██░" in shown
    assert "SETUP" in shown


def test_verb_is_a_namespace_of_all_options() -> None:
    parser = argparse.ArgumentParser()
    for one in options.OPTIONS:
        parser.add_argument(*one.flags, **one.keywords)
    assert parser.parse_args(["labels", "--for", "tags"]).use == "tags"
