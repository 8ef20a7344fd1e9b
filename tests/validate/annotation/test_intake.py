import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from deskwheel import lake
from deskwheel.annotations import AnnotationSource
from deskwheel.errors import SetupError
from deskwheel.settings import Settings
from deskwheel.tables import ANNOTATIONS
from tests.validate.annotation.scene import ANSWERS, CATEGORIES, EVIL, NOW, fill, given, many
from validate.annotation import argilla, label_studio, store
from validate.annotation.consensus import decide
from validate.annotation.draw import Order, Plan, draw_plan
from validate.annotation.guide import GUIDE_VERSION, QUESTIONS
from validate.annotation.intake import Given, TakenIn, take_in
from validate.annotation.json_items import read_items
from validate.annotation.shown import shown_examples


@pytest.fixture
def plan(settings: Settings) -> Plan:
    fill(settings, many(12))
    order = Order("random", "train", 6, ("rater-1", "rater-2"), seed=1)
    return draw_plan(settings, order, now=NOW)


def taken(
    settings: Settings, plan: Plan, answers: list[Given | str], now: datetime = NOW
) -> TakenIn:
    return take_in(settings, answers, plan_id=plan.plan_id, source="argilla", now=now)


def ids_of(plan: Plan) -> list[str]:
    return sorted({t.example_id for t in plan.tasks})


def test_an_answer_is_stored_with_guide_and_plan(settings: Settings, plan: Plan) -> None:
    assert taken(settings, plan, [given(ids_of(plan)[0], comment=" fine ")]).stored == 1
    (row,) = store.read_annotations(settings.pipeline.lake)
    assert (row.plan_id, row.guide_version) == (plan.plan_id, GUIDE_VERSION)
    assert {name: getattr(row, name) for name in ANSWERS} == ANSWERS
    assert (row.at, row.comment, row.is_skipped) == (NOW, "fine", False)


def test_taking_in_again_stores_nothing_twice(settings: Settings, plan: Plan) -> None:
    answers: list[Given | str] = [given(i) for i in ids_of(plan)]
    assert taken(settings, plan, answers).stored == 6
    later = taken(settings, plan, answers, now=NOW.replace(hour=11))
    assert (later.stored, later.known) == (0, 6)
    assert lake.read(settings.pipeline.lake, ANNOTATIONS).num_rows == 6


def test_a_changed_answer_is_a_newer_row(settings: Settings, plan: Plan) -> None:
    example = ids_of(plan)[0]
    taken(settings, plan, [given(example)])
    taken(settings, plan, [given(example, tone=1)], now=NOW.replace(hour=11))
    (row,) = store.read_annotations(settings.pipeline.lake)
    assert row.tone == 1


def test_what_is_refused_is_named_and_the_rest_is_kept(settings: Settings, plan: Plan) -> None:
    first, second, third, *_ = ids_of(plan)
    found = taken(
        settings,
        plan,
        [
            given("ex-nowhere"),
            "f.json:4: no task",
            given(first, tone=9),
            replace(given(second), answers={"tone": 3}, where="f.json:7"),
            given(third),
            given(third, annotator=" "),
        ],
    )
    assert found.stored == 1
    told = "\n".join(found.refused)
    assert len(found.refused) == 5
    assert "example 'ex-nowhere' is not in the plan" in told
    assert "test:1: tone is 9; give one of 1, 2, 3, 4, 5" in told
    assert "f.json:7: no answer to is_good_pair" in told


def test_a_comment_with_personal_data_is_left_out_and_its_answers_are_kept(
    settings: Settings, plan: Plan
) -> None:
    answer = given(ids_of(plan)[0], comment="ask jane.roe@example.com")
    found = taken(settings, plan, [answer])
    assert (found.stored, found.refused) == (1, ())
    assert "jane" not in found.notes[0]
    assert store.read_annotations(settings.pipeline.lake)[0].comment is None


def test_names_of_people_are_stored_as_keys_only(settings: Settings, plan: Plan) -> None:
    with pytest.raises(SetupError, match="alias"):
        taken(settings, plan, [given(ids_of(plan)[0], annotator="Jane Roe")])
    folder = Path(settings.pipeline.secrets_dir)
    folder.mkdir()
    (folder / "subject_key").write_text("00" * 32)
    taken(settings, plan, [given(ids_of(plan)[0], annotator="Jane Roe")])
    (row,) = store.read_annotations(settings.pipeline.lake)
    assert row.annotator_key.startswith("h-")
    assert "Jane" not in str(row)


def test_hidden_gold_is_gold_whoever_answers_it(settings: Settings, plan: Plan) -> None:
    first, second, *_ = ids_of(plan)
    task = replace(plan.tasks[0], example_id="ex-gold", is_gold=True, task_id="task-gold")
    store.append_tasks(settings.pipeline.lake, [task])
    found = taken(settings, plan, [given("ex-gold", "rater-9"), given(first, "rater-9")])
    assert found.stored == 2
    rows = store.read_annotations(settings.pipeline.lake)
    assert {r.example_id: r.is_gold for r in rows} == {"ex-gold": True, first: False}
    assert set(decide(rows)) == {first}
    (note,) = found.notes
    assert note.startswith("2 answers are of rater-9, who has no task in the plan")
    assert taken(settings, plan, [given(second, "rater-1")]).notes == ()


def test_many_small_commits_are_compacted(settings: Settings, plan: Plan) -> None:
    example = ids_of(plan)[0]
    for minute in range(store.COMPACTED_EVERY + 1):
        taken(settings, plan, [given(example, at=NOW.replace(minute=minute % 60, second=minute))])
    table = lake.open_table(settings.pipeline.lake, ANNOTATIONS)
    assert table is not None
    assert len(table.file_uris()) < 5
    assert table.to_pyarrow_table().num_rows == store.COMPACTED_EVERY + 1


# Label Studio


def exported(folder: Path, tasks: list[dict[str, Any]], **annotation: Any) -> Path:
    """The tasks as Label Studio gives them back, every one answered."""
    for number, task in enumerate(tasks, start=1):
        result = [
            {"from_name": name, "to_name": "response", "type": "choices",
             "value": {"rating": v} if isinstance(v, int) else {"choices": [v]}}
            for name, v in ANSWERS.items()
        ]  # fmt: skip
        comment = {"from_name": "comment", "to_name": "response", "type": "textarea"}
        result.append({**comment, "value": {"text": ["quite good"]}})
        made = {
            "id": number, "completed_by": 10, "result": result, "was_cancelled": False,
            "ground_truth": False, "updated_at": "2026-03-09T22:16:08.728378Z", **annotation,
        }  # fmt: skip
        task |= {"id": number, "project": 83, "annotations": [made], "predictions": []}
    path = folder / "project.json"
    path.write_text(json.dumps(tasks, indent=1), "utf-8")
    return path


def test_label_studio_round_trip(settings: Settings, plan: Plan, tmp_path: Path) -> None:
    items = list(shown_examples(settings.pipeline.lake, ids_of(plan)).values())
    tasks, _ = label_studio.write(tmp_path, items, categories=CATEGORIES)
    file = exported(tmp_path, json.loads(tasks.read_text("utf-8")))
    answers = list(label_studio.read(file, annotator="rater-1"))
    source: AnnotationSource = "label-studio"
    found = take_in(settings, answers, plan_id=plan.plan_id, source=source, now=NOW)
    assert (found.stored, found.refused, found.notes) == (6, (), ())
    rows = store.read_annotations(settings.pipeline.lake)
    assert {r.comment for r in rows} == {"quite good"}
    assert {r.at.isoformat() for r in rows} == {"2026-03-09T22:16:08.728378+00:00"}
    assert take_in(settings, answers, plan_id=plan.plan_id, source=source, now=NOW).known == 6


def test_a_cancelled_annotation_is_a_skipped_one(tmp_path: Path) -> None:
    file = exported(tmp_path, [{"data": {"example_id": "ex-1"}}], was_cancelled=True)
    (answer,) = label_studio.read(file, annotator=None)
    assert isinstance(answer, Given)
    assert answer.is_skipped


@pytest.mark.parametrize(
    ("by", "name"),
    [
        (10, "label studio 10"), (None, ""),
        ({"id": 3, "email": "a@b.example"}, "label studio 3"),
        ({"email": "a@b.example"}, "label studio a@b.example"),
    ],
)  # fmt: skip
def test_the_user_of_an_annotation_is_found(tmp_path: Path, by: object, name: str) -> None:
    file = exported(tmp_path, [{"data": {"example_id": "ex-1"}}], completed_by=by)
    (answer,) = label_studio.read(file, annotator=None)
    assert isinstance(answer, Given)
    assert answer.annotator == name


def test_the_labelling_configuration_asks_every_question() -> None:
    root = ElementTree.fromstring(label_studio.labelling_config(CATEGORIES))  # noqa: S314  ours
    names = {e.get("name") for e in root if e.tag in ("Choices", "Rating")}
    assert names == {q.name for q in QUESTIONS}
    shown = {e.get("name") for e in root if e.tag == "Text"}
    assert {e.get("toName") for e in root if e.get("toName")} <= shown
    aliases = [e.get("alias") for e in root.findall("Choices[@name='category']/Choice")]
    assert aliases == [*CATEGORIES, "OTHER"]


def test_items_of_a_broken_export_are_named_by_line(tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    file.write_text('[\n {"data": {}},\n 7,\n {"annotations": [3], "data": {}}\n]')
    told = list(label_studio.read(file, annotator=None))
    assert [str(t).partition(": ")[0] for t in told] == [f"{file}:{n}" for n in (2, 3, 4)]


@pytest.mark.parametrize("text", ["[1, ", "{", "[" * 100_000, "nonsense"])
def test_a_file_that_is_no_json_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "export.json"
    file.write_text(text)
    with pytest.raises(SetupError, match=r"export\.json:1"):
        list(read_items(file))


def test_json_lines_are_read_as_well(tmp_path: Path) -> None:
    file = tmp_path / "export.jsonl"
    file.write_text('{"a": 1}\n\n{"b": 2}\n')
    assert list(read_items(file)) == [(f"{file}:1", {"a": 1}), (f"{file}:3", {"b": 2})]


# Argilla


def test_argilla_round_trip(settings: Settings, plan: Plan, tmp_path: Path) -> None:
    items = list(shown_examples(settings.pipeline.lake, ids_of(plan)).values())
    path, script = argilla.write(tmp_path, items, categories=CATEGORIES)
    compile(script.read_text("utf-8"), "dataset.py", "exec")
    records = json.loads(path.read_text("utf-8"))
    for record in records:
        record["responses"] = {
            name: [{"value": value, "user_id": "u-1"}, {"value": value, "user_id": "u-2"}]
            for name, value in ANSWERS.items()
        } | {"comment": [{"value": "quite good", "user_id": "u-2"}]}
    path.write_text(json.dumps(records), "utf-8")
    answers = list(argilla.read(path, annotator=None))
    assert {a.annotator for a in answers if isinstance(a, Given)} == {"argilla u-1", "argilla u-2"}
    named = [replace(a, annotator=a.annotator.replace("argilla u", "rater"))
             for a in answers if isinstance(a, Given)]  # fmt: skip
    found = taken(settings, plan, [*named])
    assert (found.stored, found.refused) == (12, ())


def test_a_record_without_responses_is_named(tmp_path: Path) -> None:
    file = tmp_path / "records.json"
    file.write_text('[{"id": "ex-1"}, {"id": "ex-2", "responses": {}}]')
    assert [str(t).partition(": ")[2][:9] for t in argilla.read(file, annotator=None)] == [
        "no record"
    ]


def test_tools_are_shown_no_verdict(settings: Settings, plan: Plan, tmp_path: Path) -> None:
    items = list(shown_examples(settings.pipeline.lake, ids_of(plan)).values())
    for module in (label_studio, argilla):
        text = module.write(tmp_path, items, categories=())[0].read_text("utf-8")  # type: ignore[attr-defined]
        for hidden in ("valid", "0.9", "train", "suite-1", "subject-", *CATEGORIES, "is_gold"):
            assert hidden not in text
        assert json.dumps(EVIL)[1:-1] in text
