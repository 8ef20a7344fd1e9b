import json
from pathlib import Path
from typing import Any

import pytest

from ingest.__main__ import main
from ingest.sampling import shown
from ingest.sources import SOURCES

GOOD = {
    "message_id": "m-1",
    "conversation_id": "c-1",
    "customer_id": "u-1",
    "sender": "customer",
    "agent_id": None,
    "text": "my card 4111 is broken",
    "sent_at": "2026-04-01T08:00:00Z",
}


def source_file(folder: Path, *records: Any, kind: str = "chat") -> str:
    lines = [r if isinstance(r, str) else json.dumps(r) for r in records]
    (folder / "in.jsonl").write_text("".join(f"{line}\n" for line in lines))
    file = folder / "source.toml"
    file.write_text(f'[source]\nname = "toy"\nkind = "{kind}"\n[options]\npath = "in.jsonl"\n')
    return str(file)


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    return value


def test_list_names_every_kind_with_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["source", "list", "--json"]) == 0
    kinds = told(capsys)
    assert set(kinds) == {*SOURCES, "webhook"}
    assert "path" in kinds["mbox"]["options"]


def test_sample_shows_how_fields_map_and_what_is_not_carried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = source_file(tmp_path, GOOD, {**GOOD, "message_id": "m-2", "text": "", "mood": "bad"})
    assert main(["source", "test", file, "--json"]) == 1
    sample = told(capsys)
    rows = {f["canonical"]: f for f in sample["fields"]}
    assert sample["records"] == 2
    assert (rows["text"]["source"], rows["text"]["filled"]) == ("text", 1)
    assert [f["source"] for f in sample["not_carried"]] == ["mood"]


def test_good_sample_ends_with_status_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["source", "test", source_file(tmp_path, GOOD)]) == 0
    assert "1 records, 1 good, 0 rejected" in capsys.readouterr().out


def test_record_that_would_be_rejected_is_named_with_reason_and_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {k: v for k, v in GOOD.items() if k != "sent_at"}
    file = source_file(tmp_path, GOOD, bad, "not json")
    assert main(["source", "test", file, "--json"]) == 1
    rejected = told(capsys)["rejected"]
    assert [p["reason"] for r in rejected for p in r["problems"]] == ["FIELD_MISSING", "NOT_JSON"]
    assert rejected[0]["origin"].startswith("in.jsonl at byte ")
    assert rejected[0]["problems"][0]["field"] == "sent_at"


def test_problem_of_a_field_stands_in_its_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = source_file(tmp_path, {**GOOD, "sender": "robot"})
    assert main(["source", "test", file, "--json"]) == 1
    rows = {f["canonical"]: f for f in told(capsys)["fields"]}
    assert "FIELD_INVALID" in rows["sender"]["problem"]


def test_field_that_comes_from_several_places_has_one_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nAgent: Hi\n")
    (tmp_path / "in" / "b.json").write_text('{"segments": [{"speaker": "agent", "text": "Hi"}]}')
    file = tmp_path / "source.toml"
    file.write_text('[source]\nname = "toy"\nkind = "call"\n[options]\npath = "in"\n')
    assert main(["source", "test", str(file), "--json"]) == 1
    (row,) = [f for f in told(capsys)["fields"] if f["canonical"] == "segments[].speaker"]
    assert sorted(row["source"].split(", ")) == ["segments[].speaker", "speaker labels"]
    assert row["filled"] == 2


def test_values_are_hidden_unless_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = source_file(tmp_path, GOOD)
    for flags in ([], ["--json"]):
        main(["source", "test", file, *flags])
        assert "4111" not in capsys.readouterr().out
    main(["source", "test", file, "--values", "--json"])
    assert "my card 4111 is broken" in capsys.readouterr().out


def test_sample_takes_as_many_records_as_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = source_file(tmp_path, *[{**GOOD, "message_id": f"m-{n}"} for n in range(50)])
    main(["source", "test", file, "--sample", "7", "--json"])
    assert told(capsys)["records"] == 7


def test_sample_leaves_no_position_behind(tmp_path: Path) -> None:
    before = {"in.jsonl", "source.toml"}
    main(["source", "test", source_file(tmp_path, GOOD), "--set", f"ingest.state_dir={tmp_path}"])
    assert {p.name for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("action", ["test", "run"])
def test_missing_source_file_is_asked_for(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["source", action]) == 1
    assert "needs a source file" in capsys.readouterr().err


def test_run_without_a_broker_says_so_and_asks_to_try_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["kafka.bootstrap=127.0.0.1:1", "kafka.delivery_timeout_s=1"]
    settings.append(f"ingest.state_dir={tmp_path / 'state'}")
    overrides = [word for s in settings for word in ("--set", s)]
    assert main(["source", "run", source_file(tmp_path, GOOD), "--once", *overrides]) == 75
    assert "is the broker running" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("a@example.com", "text, 13 characters"),
        (b"abc", "3 bytes"),
        ({"a": 1}, "object, 1 fields"),
        ([1, 2], "list of 2"),
        (True, "true or false"),
        (7.5, "number"),
        (None, ""),
    ],
)
def test_hidden_value_is_its_type_and_size(value: object, hidden: str) -> None:
    assert shown(value, with_values=False) == hidden


def test_shown_value_is_cut_to_a_line() -> None:
    assert len(shown("a\nb " * 100, with_values=True)) == 60


def test_run_once_publishes_what_is_new_and_publish_takes_a_path(
    tmp_path: Path, broker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = source_file(tmp_path, GOOD, "not json")
    state = ["--set", f"ingest.state_dir={tmp_path / 'state'}"]
    to = ["--set", f"kafka.bootstrap={broker}", "--json"]
    counts = []
    for _ in range(2):
        assert main(["source", "run", file, "--once", *state, *to]) == 0
        ran = told(capsys)
        counts.append((ran["sent"], ran["acknowledged"], ran["failure"]))
    assert counts == [(2, 2, None), (0, 0, None)]
    (tmp_path / "a.mbox").write_text("From a Wed Apr  1 09:00:00 2026\nFrom: a@example.com\n\nHi\n")
    assert main(["publish", "--source", "mbox", str(tmp_path / "a.mbox"), *to]) == 0
    assert told(capsys)["acknowledged"] == 1
