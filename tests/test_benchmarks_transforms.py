import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import label_files, transforms_resolution, transforms_tags
from benchmarks.transforms_resolution import calibration_error, rules_say
from benchmarks.transforms_tags import macro_f1, majority, vader_moods
from transforms.resolution.fit import read_labelled


def write(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def _without_peers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("benchmarks.peers.PYTHON", tmp_path / "nowhere")


def talk(resolved: bool, number: int) -> dict[str, Any]:
    last = "Great, that worked, thank you!" if resolved else "That did not work."
    return {
        "turns": [
            {"sender": "customer", "text": f"How do I reset lamp {number}?"},
            {"sender": "agent", "text": "Hold the button on its back for ten seconds, please."},
            {"sender": "customer", "text": last},
        ],
        "status": "solved" if number % 2 else None, "csat": None, "resolved": resolved,
    }  # fmt: skip


def test_macro_f1_by_hand_and_the_majority() -> None:
    assert macro_f1(["a", "a", "b", None], ["a", "b", "b", "b"]) == pytest.approx(
        (2 / 3 + 1 / 2) / 2
    )
    assert majority(["a", "b", "b"]) == ["b"] * 3


def test_without_peers_vader_says_nothing() -> None:
    assert vader_moods(["good"]) is None


def test_resolution_is_measured_beside_the_trivial_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "l.jsonl", [talk(i % 3 > 0, i) for i in range(40)])
    said = rules_say(file)
    assert said["always yes"] == [True] * 40
    assert said["status says solved"] == [i % 2 == 1 for i in range(40)]
    assert said["last customer turn thanks"] == [i % 3 > 0 for i in range(40)]
    out = tmp_path / "claims.json"
    assert transforms_resolution.main([str(file), "--json", str(out)]) == 0
    claims = {c["id"]: c for c in json.loads(out.read_text())["claims"]}
    assert claims["transforms_resolution.cross_validated_precision"]["value"] == 1
    assert "status says solved" in claims["transforms_resolution.cross_validated_recall"]["peer"]
    assert "predicted" in capsys.readouterr().out
    assert len(read_labelled(file)) == 40


def test_calibration_error_is_the_mean_distance() -> None:
    from transforms.resolution.fit import Labelled, quality  # noqa: PLC0415

    rows = [Labelled((), is_resolved=True), Labelled((), is_resolved=False)]
    assert calibration_error(quality([0.8, 0.3], rows)) == pytest.approx((0.2 + 0.3) / 2)


def test_tags_are_measured_on_a_folder_and_a_stream(tmp_path: Path) -> None:
    animals = ["cat", "dog", "cow", "hen", "pig", "fox", "owl", "elk", "bee", "ant"]
    rows = [
        {"query": f"{verb} the {animal} {place}", "category": name}
        for name, verb in (("REFUND", "refund"), ("ORDER", "order"))
        for animal in animals
        for place in ("here", "there", "now", "later")
    ]
    write(tmp_path / "set" / "pairs.jsonl", rows)
    gold = [
        {"turns": [{"sender": "customer", "text": text}], "status_event": event}
        for text, event in (("I love it", {"csat": 5}), ("Awful", {"csat": 1}), ("Hm", None))
    ]
    write(tmp_path / "stream" / "gold" / "conversations.jsonl", gold)
    out = tmp_path / "claims.json"
    command = [str(tmp_path / "set"), "--stream", str(tmp_path / "stream"), "--json", str(out)]
    assert transforms_tags.main(command) == 0
    claims = {c["id"]: c for c in json.loads(out.read_text())["claims"]}
    assert claims["transforms_tags.category_held_out_macro_f1"]["value"] == 1
    assert claims["transforms_tags.sentiment_by_rating_macro_f1"]["value"] == 1
    assert "make peers" in claims["transforms_tags.sentiment_unseen_macro_f1"]["peer"]


def test_rated_words_and_what_customers_do_label_moods(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write(data / "bitext" / "pairs.jsonl", [{"query": "cancel it", "category": "ORDER"}])
    turns = [{"speaker": "customer", "text": "one latte"}, {"speaker": "assistant", "text": "Ok."}]
    write(data / "taskmaster4" / "dialogs.jsonl", [{"turns": turns}])
    lexicon = tmp_path / "words.txt"
    lexicon.write_text("superb\t3.1\t0.5\ngrim\t-2.7\t0.6\nso-so\t0.1\t0.2\n:)\t2\t1\n")
    rows = list(label_files.moods(data, lexicon))
    assert rows[0] == {"text": "cancel it"}
    assert rows[-3:] == [
        {"text": "superb", "label": "positive"},
        {"text": "not superb", "label": "negative"},
        {"text": "grim", "label": "negative"},
    ]
    assert {"negative", "positive"} <= {row.get("label") for row in rows[:-3]}
