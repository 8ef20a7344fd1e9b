import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from deskwheel.annotations import Annotation
from deskwheel.settings import Settings
from tests.validate.annotation.scene import NOW, answered, fill, judged, many
from transforms.resolution.fit import read_labelled
from transforms.tags.labelled import read_texts
from validate.annotation import store
from validate.annotation.agreement import Verdict
from validate.annotation.draw import Order, draw_plan
from validate.annotation.labels import make_labels, write_lines


def asked(settings: Settings, annotations: list[Annotation], *, purpose: Any = "train") -> None:
    order = Order("random", purpose, 99, ("rater-1",), seed=1)
    draw_plan(settings, order, now=NOW)
    store.append_annotations(settings.pipeline.lake, annotations)


def test_labels_for_tags_are_what_the_tagger_reads(settings: Settings, tmp_path: Path) -> None:
    rows = many(4)
    fill(settings, rows)
    asked(settings, [answered(r.example_id) for r in rows])
    write_lines(tmp_path / "tags.jsonl", make_labels(settings, "tags").lines)
    texts, labels = read_texts([tmp_path / "tags.jsonl"], text="text", label="category")
    assert (set(texts), labels) == ({rows[0].query}, ["REFUND"] * 4)
    _, moods = read_texts([tmp_path / "tags.jsonl"], text="text", label="sentiment")
    assert moods == ["neutral"] * 4


def test_labels_for_resolution_are_what_the_fit_reads(settings: Settings, tmp_path: Path) -> None:
    rows = many(3)
    fill(settings, rows)
    values = ("yes", "no", "cannot_tell")
    asked(settings, [answered(r.example_id, resolved=v) for r, v in zip(rows, values, strict=True)])
    made = make_labels(settings, "resolution")
    write_lines(tmp_path / "resolution.jsonl", made.lines)
    assert [one.is_resolved for one in read_labelled(tmp_path / "resolution.jsonl")] == [
        True,
        False,
    ]
    assert made.left_out == {"conversations not decided, or nobody can tell": 1}
    assert made.lines[0]["status"] == "solved"


def test_a_conversation_with_two_opinions_is_left_out(settings: Settings) -> None:
    rows = [judged("a"), replace(judged("b"), conversation_id="conv-a")]
    fill(settings, rows)
    both = [answered("ex-a-1"), answered("ex-b-1", resolved="no")]
    asked(settings, both)
    assert make_labels(settings, "resolution").lines == ()


def test_taggers_never_learn_from_what_measures_them(settings: Settings) -> None:
    rows = [judged("t"), judged("d", split="dev"), judged("x", split="test"), judged("unplanned")]
    fill(settings, rows[:1])
    asked(settings, [])
    fill(settings, rows[1:])
    asked(settings, [answered(r.example_id) for r in rows], purpose="measure")
    made = make_labels(settings, "tags")
    assert [line["example_id"] for line in made.lines] == [rows[0].example_id]
    assert sum(made.left_out.values()) == 3


def test_quarantine_gets_what_annotators_and_gate_differ_on(settings: Settings) -> None:
    rows = [
        judged("bad"), judged("good"),
        judged("kept", verdict="quarantined", reasons=("QUERY_SHORT",)),
        judged("right", verdict="quarantined", reasons=("QUERY_SHORT",)),
    ]  # fmt: skip
    fill(settings, rows)
    said = {"bad": "no", "good": "yes", "kept": "yes", "right": "no"}
    asked(settings, [answered(f"ex-{n}-1", is_good_pair=v) for n, v in said.items()])
    lines = make_labels(settings, "quarantine").lines
    assert [(one["example_id"], one["action"]) for one in lines] == [
        ("ex-bad-1", "reject"), ("ex-kept-1", "accept"),
    ]  # fmt: skip
    assert lines[1]["reasons"] == ["QUERY_SHORT"]
    assert lines[0]["annotators"] == ["rater-1"]


def test_every_line_tells_how_well_annotators_agree(settings: Settings, tmp_path: Path) -> None:
    rows = many(2)
    fill(settings, rows)
    asked(settings, [answered(r.example_id) for r in rows])
    agreement: dict[str, Verdict] = {"category": "accept", "sentiment": "tentative"}
    made = make_labels(settings, "tags", agreement=agreement)
    assert [line["agreement"] for line in made.lines] == [agreement] * 2
    write_lines(tmp_path / "tags.jsonl", made.lines)
    assert len(read_texts([tmp_path / "tags.jsonl"], text="text", label="category")[0]) == 2
    resolved = make_labels(settings, "resolution", agreement={"resolved": "tentative"})
    write_lines(tmp_path / "resolution.jsonl", resolved.lines)
    assert len(list(read_labelled(tmp_path / "resolution.jsonl"))) == 2


def test_disputed_questions_give_no_label(settings: Settings) -> None:
    rows = many(2)
    fill(settings, rows)
    asked(settings, [answered(r.example_id, f"rater-{k}", category=c)
                     for r in rows for k, c in enumerate(("ORDER", "REFUND"))])  # fmt: skip
    made = make_labels(settings, "tags")
    assert (made.lines, made.left_out) == ((), {"category or sentiment not decided": 2})


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [{"text": "für"}])
    assert json.loads((tmp_path / "a.jsonl").read_text("utf-8")) == {"text": "für"}
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]
