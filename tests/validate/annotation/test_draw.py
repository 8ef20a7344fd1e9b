from dataclasses import replace

import pytest

from deskwheel import lake
from deskwheel.errors import SetupError
from deskwheel.golden import GoldenMember, GoldenSet
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.tables import ANNOTATION_TASKS, GOLDEN
from tests.validate.annotation.scene import NOW, answered, fill, judged, many
from tests.validate.rows import NOON
from validate.annotation import store
from validate.annotation.draw import Order, draw_plan
from validate.annotation.shown import shown_examples

ORDER = Order("random", "train", 10, ("rater-1", "rater-2"), seed=1)


def examples_of(settings: Settings, order: Order) -> set[str]:
    return {t.example_id for t in draw_plan(settings, order, now=NOW).tasks if not t.is_gold}


def test_the_same_call_gives_the_stored_plan(settings: Settings) -> None:
    fill(settings, many(30))
    first = draw_plan(settings, ORDER, now=NOW)
    again = draw_plan(settings, ORDER, now=NOW.replace(hour=12))
    assert (first.is_new, again.is_new) == (True, False)
    assert first.plan_id == again.plan_id
    assert set(first.tasks) == set(again.tasks)
    assert lake.read(settings.pipeline.lake, ANNOTATION_TASKS).num_rows == len(first.tasks)
    assert first.counts() == {"examples": 10, "doubled": 1, "tasks": 11, "gold": 0}


def test_another_seed_draws_what_was_not_drawn(settings: Settings) -> None:
    fill(settings, many(20))
    first, second = (examples_of(settings, replace(ORDER, seed=seed)) for seed in (1, 2))
    assert len(first | second) == 20
    with pytest.raises(SetupError, match="no example left"):
        draw_plan(settings, replace(ORDER, seed=3), now=NOW)


def test_a_plan_draws_from_the_split_of_its_purpose_alone(settings: Settings) -> None:
    splits = ("train", "dev", "test")
    rows = [judged(f"{split}-{i}", split=split) for i in range(8) for split in splits]
    fill(settings, rows)
    measured = examples_of(settings, replace(ORDER, purpose="measure", size=99))
    trained = examples_of(settings, replace(ORDER, size=99))
    assert {i.split("-")[1] for i in measured} == {"dev"}
    assert {i.split("-")[1] for i in trained} == {"train"}


def test_nothing_golden_is_drawn_nor_of_a_golden_customer(settings: Settings) -> None:
    rows = [judged("golden"), judged("same", subject_key="subject-golden"), judged("free")]
    fill(settings, rows)
    member = GoldenMember(
        example_id=rows[0].example_id, tenant="acme", subject_key="subject-golden",
        conversation_id=rows[0].conversation_id, channel="chat", category="SETUP", split="train",
        text_digest="", origin="file",
    )  # fmt: skip
    golden = GoldenSet(
        golden_id="g", pipeline="support", is_frozen=False, members=[member], manifest=None,
        code_version="0.1.0", created_at=NOON,
    )  # fmt: skip
    lake.append(settings.pipeline.lake, GOLDEN, to_table([golden], GoldenSet))
    assert examples_of(settings, ORDER) == {rows[2].example_id}


def test_only_what_was_judged_and_is_ideal_is_drawn(settings: Settings) -> None:
    rows = [
        judged("a"), judged("b", verdict="quarantined", reasons=("X",)),
        judged("c", verdict="duplicate"), judged("d", verdict="erased"),
        judged("e", kind="negative"),
    ]  # fmt: skip
    fill(settings, rows)
    assert examples_of(settings, ORDER) == {rows[0].example_id, rows[1].example_id}


def test_what_redaction_missed_is_shown_to_nobody(settings: Settings) -> None:
    leak = judged("leak", query="Please write to jane.roe@example.com about my order")
    fill(settings, [leak, judged("fine")])
    plan = draw_plan(settings, ORDER, now=NOW)
    assert {t.example_id for t in plan.tasks} == {"ex-fine-1"}
    assert plan.left_out == {"personal data": 1}


def test_settled_examples_come_back_as_hidden_gold(settings: Settings) -> None:
    fill(settings, many(30))
    lake_dir = settings.pipeline.lake
    known = [answered(f"ex-{i:03}-1", f"rater-{k}") for i in range(3) for k in (7, 8, 9)]
    store.append_annotations(lake_dir, known)
    plan = draw_plan(settings, replace(ORDER, size=20), now=NOW)
    gold = [t for t in plan.tasks if t.is_gold]
    assert {t.annotator_key for t in gold} == {"rater-1", "rater-2"}
    assert {t.example_id for t in gold} <= {f"ex-{i:03}-1" for i in range(3)}
    assert not {t.example_id for t in plan.tasks if not t.is_gold} & {t.example_id for t in gold}


def test_disputed_examples_go_to_somebody_else(settings: Settings) -> None:
    fill(settings, many(6))
    said = [answered("ex-002-1"), answered("ex-002-1", "rater-2", resolved="no")]
    store.append_annotations(settings.pipeline.lake, [*said, answered("ex-003-1")])
    order = Order("disputed", "train", 10, ("rater-1", "rater-2", "rater-3"), seed=1)
    (task,) = draw_plan(settings, order, now=NOW).tasks
    assert (task.example_id, task.annotator_key) == ("ex-002-1", "rater-3")


def test_the_newest_conversation_is_shown_with_the_pair_in_it(settings: Settings) -> None:
    row = judged("a")
    fill(settings, [row])
    shown = shown_examples(settings.pipeline.lake, [row.example_id, "ex-none"])[row.example_id]
    assert [line.is_pair for line in shown.lines] == [False, True, True, False]
    assert shown.lines[-1].text.startswith("That did it 2")
    assert (shown.query, shown.response) == (row.query, row.response)
