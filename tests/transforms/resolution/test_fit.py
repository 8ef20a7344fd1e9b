import json
from pathlib import Path
from typing import Any

import pytest

from deskwheel.errors import SetupError
from transforms.__main__ import VERBS
from transforms.resolution.fit import Labelled, cross_validated, fit, quality, read_labelled

YES = Labelled(("customer_confirms", "agent_answers"), is_resolved=True)
NO = Labelled(("customer_still_stuck", "agent_answers"), is_resolved=False)


def test_signs_get_the_sign_of_what_they_tell() -> None:
    weights = fit([YES, NO] * 20)
    assert weights["customer_confirms"] > 1
    assert weights["customer_still_stuck"] < -1
    assert abs(weights["agent_answers"]) < 0.1
    assert weights["csat_high"] == 0


def test_without_signs_the_base_rate_is_learned() -> None:
    plain = [Labelled((), is_resolved=i % 4 != 0) for i in range(400)]
    assert fit(plain)["intercept"] == pytest.approx(1.0986, abs=1e-3)


def test_a_stronger_ridge_pulls_towards_nothing() -> None:
    rows = [YES, NO] * 20
    assert abs(fit(rows, ridge=50)["customer_confirms"]) < abs(fit(rows)["customer_confirms"])


def test_what_nobody_could_tell_teaches_nothing() -> None:
    silent = Labelled(("agent_answers",), is_resolved=True, is_decidable=False)
    assert fit([YES, NO] * 20 + [silent] * 50) == fit([YES, NO] * 20)


def test_a_sign_never_speaks_against_its_name() -> None:
    odd = [Labelled(("customer_unanswered",), is_resolved=True)] * 30
    weights = fit([YES, NO, *odd])
    assert weights["customer_unanswered"] == 0
    assert weights["customer_confirms"] >= 0


def test_a_conversation_is_predicted_without_having_been_seen() -> None:
    odd = Labelled(("csat_high",), is_resolved=False)
    ps = cross_validated([*[YES, NO] * 20, odd])
    assert all(p > 0.8 for p in ps[0:40:2])
    assert ps[-1] == pytest.approx(0.5, abs=0.15)


def test_quality_by_hand() -> None:
    silent = Labelled((), is_resolved=True, is_decidable=False)
    found = quality([0.9, 0.7, 0.5, 0.1], [YES, NO, silent, NO])
    assert (found.precision, found.recall, found.undecided) == (0.5, 1.0, 1)
    assert found.brier == pytest.approx((0.01 + 0.49 + 0.25 + 0.01) / 4)
    assert found.brier_base_rate == pytest.approx(0.25)
    assert [(r.count, r.share_resolved) for r in found.reliability] == [
        (1, 0.0),
        (1, 1.0),
        (1, 0.0),
        (1, 1.0),
    ]


def test_labelled_conversation_is_read(tmp_path: Path) -> None:
    turns = [
        {"sender": "customer", "text": "How do I reset it?"},
        {"sender": "agent", "text": "Hold the button for ten seconds."},
        {"sender": "customer", "text": "That worked."},
    ]
    row: dict[str, Any] = {"turns": turns, "status": "solved", "csat": None, "resolved": True}
    row["turns"][1]["text"] += "\u2028Then wait."
    text = json.dumps(row, ensure_ascii=False)
    (tmp_path / "l.jsonl").write_text(f"{text}\n\n", encoding="utf-8")
    (labelled,) = read_labelled(tmp_path / "l.jsonl")
    assert labelled.is_resolved
    assert set(labelled.signs) == {"status_solved", "customer_confirms", "agent_answers"}


@pytest.mark.parametrize("line", ["nothing", "{}", '{"turns": 3, "resolved": true}'])
def test_line_that_is_no_labelled_conversation_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "l.jsonl").write_text(line + "\n")
    with pytest.raises(SetupError, match=r"l\.jsonl:1: not a labelled conversation"):
        read_labelled(tmp_path / "l.jsonl")


def test_the_verb_is_there() -> None:
    assert "resolution" in VERBS
