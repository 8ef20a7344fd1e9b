import json
from pathlib import Path

import pytest

from benchmarks.needless_apology import CASES, Case, by_note, main, read_cases, score


def test_precision_and_recall_count_what_was_called_needless() -> None:
    cases = [Case("q", str(i), i < 2, "n") for i in range(4)]
    found = score(cases, lambda _q, response: response in "02")
    assert (found.precision, found.recall) == (0.5, 0.5)
    assert by_note(cases, lambda _q, response: response == "0") == {"n": 0.75}
    assert score(cases, lambda _q, _r: False).precision == 0


def test_there_are_300_cases_and_more_of_every_class_in_both_halves() -> None:
    cases = read_cases(CASES)
    assert len(cases) == len({(c.query, c.response) for c in cases}) >= 300
    notes = {c.note for c in cases}
    assert all(
        {c.note for c in cases if c.is_development is half} == notes for half in (True, False)
    )


def test_the_claims_hold_on_our_cases_and_break_on_wrong_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "claims.json"
    assert main(["--json", str(out)]) == 0
    assert {c["id"] for c in json.loads(out.read_text())["claims"]} >= {
        "needless_apology.held_out_precision", "needless_apology.development_recall",
        "needless_apology.right.bad_news",
    }  # fmt: skip
    rows = [json.loads(line) for line in CASES.read_text("utf-8").splitlines()]
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text(
        "".join(json.dumps({**r, "is_needless": not r["is_needless"]}) + "\n" for r in rows)
    )
    assert main([str(wrong)]) == 1
    assert "BROKEN" in capsys.readouterr().out
