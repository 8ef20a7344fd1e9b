from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.errors import SnapshotError
from tests.train.preference.rows import edited, frozen, row
from tests.train.rows import example, settings_in
from train.data.training_set import load_training_set
from train.preference.answers import (
    Preferences,
    load_preferences,
    read_preferences,
    sort_preferences,
)


def test_an_edited_draft_is_rejected_for_what_was_sent() -> None:
    found = sort_preferences({"train": [row(1, kind="preference", rejected_response="No.")]})
    (pair,) = found.pairs["train"]
    assert (pair.chosen, pair.rejected) == (row(1)["response"], "No.")
    assert not found.judged["train"]


def test_a_thumb_makes_an_ideal_answer_wanted_or_not() -> None:
    rows = [row(1, thumb="up"), row(2, thumb="down"), row(3)]
    judged = sort_preferences({"train": rows}).judged["train"]
    assert [(j.example_id, j.is_wanted) for j in judged] == [("ex-001", True), ("ex-002", False)]


def test_what_contradicts_itself_is_left_out_and_counted() -> None:
    rows = [
        row(1, kind="negative", thumb="up"),
        row(2, kind="preference", rejected_response="No.", thumb="down"),
    ]
    found = sort_preferences({"train": rows})
    assert found == replace(Preferences.none(), pairs=found.pairs, judged=found.judged,
                            contradictory=2)  # fmt: skip
    assert not found.pairs["train"]
    assert not found.judged["train"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ideal", "negative", "preference", None]),
            st.sampled_from(["up", "down", None]),
            st.sampled_from(["No.", None]),
        ),
        max_size=20,
    )
)
def test_a_negative_is_never_chosen_nor_wanted(drawn: list[tuple[Any, Any, Any]]) -> None:
    rows = [
        row(n, kind=kind, thumb=thumb, rejected_response=draft if kind == "preference" else None)
        for n, (kind, thumb, draft) in enumerate(drawn)
    ]
    found = sort_preferences({"train": rows, "dev": rows})
    negatives = {r["example_id"] for r in rows if r["kind"] == "negative"}
    for split in ("train", "dev"):
        assert not negatives & {p.example_id for p in found.pairs[split]}
        assert not negatives & {j.example_id for j in found.judged[split] if j.is_wanted}


def test_preferences_of_the_test_split_are_not_learnt(tmp_path: Path) -> None:
    examples = [example(0), edited(1), edited(2, split="dev"), edited(3, split="test")]
    found = load_preferences(str(tmp_path), frozen(str(tmp_path), examples))
    assert [p.example_id for p in found.pairs["train"]] == ["ex-001"]
    assert [p.example_id for p in found.pairs["dev"]] == ["ex-002"]


def test_an_answer_that_is_tested_is_not_learnt(tmp_path: Path) -> None:
    tested = replace(example(0), split="test")
    copy = edited(1, query=tested.query.upper(), response=tested.response)
    found = load_preferences(str(tmp_path), frozen(str(tmp_path), [tested, copy, edited(2)]))
    assert [p.example_id for p in found.pairs["train"]] == ["ex-002"]
    assert found.copies == 1


def test_a_preference_that_is_not_what_was_frozen_is_refused(tmp_path: Path) -> None:
    snapshot = frozen(str(tmp_path), [example(0), edited(1)])
    changed = replace(snapshot.members[1], text_digest="0" * 64)
    with pytest.raises(SnapshotError, match="ex-001 is not in version"):
        load_preferences(str(tmp_path), replace(snapshot, members=[snapshot.members[0], changed]))
    missing = replace(snapshot.members[1], example_id="ex-999")
    with pytest.raises(SnapshotError, match="ex-999 is not in version"):
        load_preferences(str(tmp_path), replace(snapshot, members=[snapshot.members[0], missing]))


def test_preferences_are_read_only_where_they_are_asked_for(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, preference="dpo")
    snapshot = frozen(settings.pipeline.lake, [example(0), edited(1)])
    data = load_training_set(settings.pipeline.lake, snapshot)
    found = read_preferences(settings, data)
    assert found is not None
    assert len(found.pairs["train"]) == 1
    off = replace(settings, train=replace(settings.train, preference="none"))
    assert read_preferences(off, data) == Preferences.none()
    assert read_preferences(settings, None) is None


def test_what_was_left_out_is_told() -> None:
    found = replace(Preferences.none(), contradictory=2, copies=1)
    assert found.left_out() == "2 contradictory, 1 tested or golden"
    assert Preferences.none().left_out() == ""
