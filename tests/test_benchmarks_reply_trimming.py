import json
from pathlib import Path

import pytest

from benchmarks import peers, reply_trimming
from benchmarks.claims import exit_status
from benchmarks.reply_trimming import (
    OURS,
    OURS_SIGNED,
    Score,
    claims,
    groups,
    holds,
    read_cases,
    score,
)

CASES = [
    {"id": "1", "source": "toys", "input": "a", "expected_reply": "It  works.\n",
     "languages": ["en"]},
    {"id": "2", "source": "toys", "input": "b", "expected_reply": "Two words"},
    {"id": "3", "source": "toys", "input": "c", "expected_reply": None,
     "checks": [{"reply": 0, "field": "body", "op": "contains", "value": "x"},
                {"reply": 1, "field": "body", "op": "contains", "value": "never asked"}]},
]  # fmt: skip


def test_a_match_is_exact_after_white_space_and_unlabelled_cases_do_not_count() -> None:
    found = score(CASES, [("It works.", 0.002), ("Two", 0.004), ("a x", 0.0)])
    assert (found.exact, found.cases, found.checks_held, found.checks) == (1, 2, 1, 1)
    assert found.token_f1 == pytest.approx((1 + 2 / 3) / 2)
    assert found.ms_per_mail == pytest.approx(2.0)


def test_the_other_opinion_on_closings_counts_beside_the_label() -> None:
    case = {"input": "x", "expected_reply": "It works. Bye, Robin", "also_right": ["It works."]}
    for reply, exact, either in (
        ("It works. Bye, Robin", 1, 1),
        ("It  works.", 0, 1),
        ("It", 0, 0),
    ):
        found = score([case], [(reply, 0.0)])
        assert (found.exact, found.either) == (exact, either)


@pytest.mark.parametrize(
    ("op", "value", "is_held"),
    [
        ("eq", "a  b", True),
        ("eq", "a", False),
        ("contains", "b", True),
        ("not_contains", "b", False),
    ],
)
def test_an_assertion_of_a_source_is_read_as_it_is_meant(
    op: str, value: str, is_held: bool
) -> None:
    assert holds({"op": op, "value": value}, "a b\n") is is_held


def test_what_a_case_does_not_say_or_says_oddly_costs_only_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = [{"reply": 0, "field": "body", "op": "matches", "value": "x"}, {"op": "eq"},
           {"reply": 0, "field": "body", "op": "eq", "value": "a\u2028b"}]  # fmt: skip
    file = tmp_path / "cases.jsonl"
    rows = [{"input": "a\u2028b", "checks": odd}, {"input": "c", "expected_reply": "c"}]
    text = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    file.write_text(text, encoding="utf-8")
    cases = read_cases(file)
    assert [case["id"] for case in cases] == ["1", "2"]
    assert score(cases, [("a b", 0.0), ("c", 0.0)]).checks == 1
    assert "{'matches': 1}" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "nothing.jsonl")
    assert exit_status(lambda: reply_trimming.main([missing])) == 2
    (tmp_path / "bad.jsonl").write_text('{"input": 3}\n')
    assert exit_status(lambda: reply_trimming.main([str(tmp_path / "bad.jsonl")])) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert "nothing.jsonl" in told[0]
    assert "case 1" in told[1]


def test_cases_are_grouped_by_source_and_language() -> None:
    assert groups(CASES) == {"source toys": [0, 1], "language en": [0]}


def test_the_lead_is_over_the_best_library() -> None:
    def of(exact: int) -> Score:
        return Score(
            exact=exact,
            either=exact,
            cases=10,
            token_f1=0.5,
            ms_per_mail=1,
            checks_held=0,
            checks=0,
        )

    scores = {OURS: of(8), OURS_SIGNED: of(9), "one": of(5), "two, body": of(6)}
    found = {c.id: c for c in claims(scores)}
    assert found["reply_trimming.lead"].value == pytest.approx(20)
    assert found["reply_trimming.exact.two_body"].value == 0.6


def test_without_the_libraries_ours_is_measured_and_it_is_said_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers, "PYTHON", tmp_path / "nothing")
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(json.dumps(case) for case in CASES), encoding="utf-8")
    assert reply_trimming.main([str(file), "--json", str(tmp_path / "out.json")]) == 0
    assert peers.MISSING in capsys.readouterr().out
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["claims"]
    assert [c["id"] for c in written] == [
        "reply_trimming.exact", "reply_trimming.token_f1", "reply_trimming.ms_per_mail",
    ]  # fmt: skip
