import json
from pathlib import Path

import pytest

from deskwheel import lake
from deskwheel.records import Turn
from deskwheel.schema import to_table
from deskwheel.tables import TURNS
from tests.transforms.toys import call, chat, mail, turns
from transforms.__main__ import main

MAIL = "Dear team,\n\nthe lamp is broken.\n\nKind regards,\nRobin Toy\n\n> Which lamp?\n> A lamp."
SAID = [
    {"speaker": "customer", "start_s": 0.0, "end_s": 2.0, "text": "um it is is the lamp"},
    {"speaker": "agent", "start_s": 3.0, "end_s": 4.0, "text": "Thank you for calling."},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [*turns(chat()), *turns(mail(MAIL)), *turns(call(segments=SAID))]
    lake.append(tmp_path, TURNS, to_table(rows, Turn))
    return tmp_path


def show(folder: Path, name: str, *more: str) -> int:
    return main(["show", name, "--set", f'pipeline.lake="{folder}"', *more])


def test_a_mail_is_shown_whole_as_far_as_it_is_stored(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (mailed,) = turns(mail(MAIL))
    assert show(folder, mailed.turn_id, "--json") == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert shown["text"] == "the lamp is broken."
    assert shown["whole"].startswith("Dear team,\n\nthe lamp is broken.\n\nKind regards,\n<PERSON")
    assert "[quote: " in shown["whole"]


def test_a_call_is_shown_as_it_was_said_in_its_order(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = turns(call(segments=SAID))[0]
    assert show(folder, first.conversation_id or "") == 0
    out = capsys.readouterr().out
    assert out.index("um it is is the lamp") < out.index("Thank you for calling.")
    assert "customer" in out


def test_a_name_that_nothing_has_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(folder, "nobody") == 1
    assert "nobody: no such conversation" in capsys.readouterr().err
