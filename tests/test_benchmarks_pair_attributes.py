import json
from pathlib import Path

import pytest

from benchmarks import pair_attributes
from benchmarks.pair_attributes import Pair, area, language_claims, main, relevance_area


def test_the_area_is_the_share_of_comparisons_won() -> None:
    assert area([1.0, 0.8], [0.1, 0.2]) == 1.0
    assert area([0.5], [0.5]) == 0.5
    assert area([0.3], [0.1, 0.5]) == 0.5


def test_an_answer_is_compared_with_those_to_other_intents_in_its_language() -> None:
    pairs = [Pair("lamp", "lamp", "en", "a"), Pair("lamp", "lamp", "en", "a"),
             Pair("parcel", "parcel", "en", "b"), Pair("lampe", "lampe", "de", "c")]  # fmt: skip
    assert relevance_area(pairs) == 1.0


def test_a_text_without_a_language_counts_as_not_named() -> None:
    right, named = language_claims("x", [("de", "wo ist mein Paket?"), ("en", "ok")], ">= 0.9")
    assert (right.value, named.value) == (1.0, 0.5)


def test_the_claims_on_quality_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pair_attributes, "ROUNDS", 1)
    out = tmp_path / "claims.json"
    main([str(pair_attributes.PAIRS), "--json", str(out)])
    claims = {c["id"]: c for c in json.loads(out.read_text())["claims"]}
    timed = {"pair_attributes.share_of_mining"}
    assert all(c["holds"] is not False for name, c in claims.items() if name not in timed)
    assert "pair_attributes.relevance.file" in claims
    assert "area" in capsys.readouterr().out
