import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks import intake
from benchmarks.__main__ import Measured, main, names, render
from benchmarks.claims import Claim, report
from benchmarks.labelled import is_leaked, token_f1
from tests.labelled_toys import span

NOW = datetime(2026, 5, 1, tzinfo=UTC)
LABEL_FILES = ("conversations", "duplicates", "out_of_order", "poison")


def claim(value: float, target: str) -> Claim:
    return Claim(id="toy.value", value=value, unit="s", target=target, peer="nothing")


@pytest.mark.parametrize(
    ("value", "target", "holds"),
    [(0.5, "<= 0.5", True), (0.51, "<= 0.5", False), (0.9, ">= 0.95", False), (0, "== 0", True)],
)
def test_a_claim_holds_when_its_target_is_kept(value: float, target: str, holds: bool) -> None:
    assert claim(value, target).holds is holds


def test_a_number_without_a_target_is_only_reported() -> None:
    assert claim(3, "").holds is None


def test_a_broken_claim_is_written_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results" / "toy.json"
    assert report([claim(1, "<= 2"), claim(3, "<= 2")], file) == 1
    written = json.loads(file.read_text())["claims"]
    assert [c["holds"] for c in written] == [True, False]
    assert set(written[0]) == {"id", "value", "unit", "target", "holds", "peer"}
    assert "BROKEN" in capsys.readouterr().out


def test_the_page_names_command_and_machine() -> None:
    done = Measured(name="toy", command="python -m toy", claims=[claim(3, "<= 2").to_dict()])
    page = render([done], on="2 cores", at=NOW)
    assert "2026-05-01 on 2 cores" in page
    assert "`python -m toy`" in page
    assert "**no**" in page


def test_the_page_lists_every_benchmark_with_what_it_measures_and_needs() -> None:
    index = render([], on="2 cores", at=NOW).partition("| Benchmark |")[2]
    rows = {line.split("|")[1].strip(): line.split("|")[2:4] for line in index.splitlines()[2:]}
    assert set(rows) == set(names())
    assert all(measures.strip() for measures, _ in rows.values())
    assert "--labelled FOLDER" in rows["intake"][1]
    assert "--file redaction=" in rows["redaction"][1]
    assert not rows["help_time"][1].strip()


def test_the_list_leads_to_what_the_page_shows() -> None:
    done = Measured(name="intake", command="run", claims=[claim(1, "").to_dict()])
    page = render([done], on="2 cores", at=NOW)
    assert "| [intake](#intake) | " in page
    assert "| help_time | " in page


def test_a_picture_stands_below_its_table() -> None:
    done = Measured(name="transforms_cost", command="run", claims=[claim(1, "").to_dict()])
    section = render([done], on="2 cores", at=NOW).partition("\n## transforms_cost")[2]
    assert section.index("toy.value") < section.index("(transforms_cost.svg)")


def test_every_script_is_a_benchmark() -> None:
    assert {"help_time", "intake", "stream_quality"} <= set(names())
    assert not {"claims", "labelled"} & set(names())


@pytest.mark.parametrize(
    ("value", "text", "is_read"),
    [
        ("555-0100", "call 555 0100 now", True),
        ("Kim Lee", "i am kim  lee", True),
        ("4111 1111 1111 1111", "card <CARD>", False),
        ("12", "it costs 12 dollars or 3", True),
        ("1-2", "12 of 3", False),
    ],
)
def test_a_value_is_leaked_when_it_can_be_read(value: str, text: str, is_read: bool) -> None:
    assert is_leaked(value, text) is is_read


def test_token_f1_counts_words_of_both() -> None:
    assert token_f1("a b c", "A b d") == pytest.approx(2 / 3)
    assert token_f1("", "") == 1


def chat(number: int, text: str, key: str = "c-1") -> dict[str, Any]:
    value = {
        "message_id": f"m-{number}", "conversation_id": key, "customer_id": "u-1",
        "sender": "customer", "text": text, "sent_at": "2026-04-01T08:00:00Z",
    }  # fmt: skip
    return {
        "channel": "chat", "key": key, "headers": {"content-type": "application/json"},
        "value": json.dumps(value), "value_encoding": "utf-8",
        "timestamp": "2026-04-01T08:00:00Z",
    }  # fmt: skip


def labelled(folder: Path, events: list[dict[str, Any]], **gold: list[dict[str, Any]]) -> Path:
    (folder / "gold").mkdir()
    labels = {name: gold.get(name, []) for name in (*gold, *LABEL_FILES)}
    for name, rows in {"events": events, **{f"gold/{k}": v for k, v in labels.items()}}.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


def test_what_is_lost_repeated_and_leaked_is_counted(tmp_path: Path) -> None:
    asked = "my mail is kim@example.com, the order is 4711"
    asking = chat(1, asked)
    folder = labelled(
        tmp_path,
        [asking, asking, {**chat(2, "x"), "value": "{"}, {**chat(3, "x"), "value": ""}],
        conversations=[
            {
                "conversation_id": "c-1", "kind": "dialog", "channel": "chat", "source": "toy",
                "event_lines": [0, 1, 2],
                "turns": [
                    {
                        "message_ids": ["m-1"], "text": asked,
                        "pii": [span("EMAIL", "kim@example.com", asked)],
                        "not_pii": [span("NOT_PII", "4711", asked)],
                    }
                ],
            }
        ],
        duplicates=[{"line": 1}],
        poison=[{"line": 3, "kind": "empty_value", "expect": "dlq"}],
    )  # fmt: skip
    found = {c.id.partition(".")[2]: c.value for c in intake.measure(folder, NOW)}
    assert found["lost_events"] == found["events_wrongly_rejected"] == 1
    assert found["repeats_kept_twice"] == 0
    assert found["poison_recall"] == found["pii_recall.email"] == 1
    assert found["look_alikes_masked"] == 0


def test_a_benchmark_that_was_not_run_keeps_its_section() -> None:
    claim = {"id": "a.x", "value": 1.0, "unit": "s", "target": "", "holds": None, "peer": "p"}
    done = Measured(name="a", command="run a", claims=[claim])
    former = render([done], on="2 cores", at=NOW)
    skipped = Measured(name="a", command="run a", claims=(), problem="not run: no folder")
    page = render([skipped], on="64 cores", at=NOW.replace(year=2031), former=former)
    section = page.partition("## a")[2]
    assert "a.x" in section
    assert "2 cores" in section
    assert "not run" not in page


def test_a_benchmark_left_out_is_not_run_and_keeps_its_section(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    done = Measured(name="intake", command="run it", claims=[claim(3, "<= 2").to_dict()])
    page.write_text(render([done], on="2 cores", at=NOW))
    skips = [word for name in names() for word in ("--skip", name)]
    assert main([*skips, "--page", str(page)]) == 0
    section = page.read_text().partition("## intake")[2]
    assert "toy.value" in section
    assert "2026-05-01 on 2 cores" in section


def test_a_benchmark_that_does_not_exist_cannot_be_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--skip", "no_such"])
    assert "unknown no_such" in capsys.readouterr().err
