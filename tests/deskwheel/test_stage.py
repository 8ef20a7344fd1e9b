import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from deskwheel.errors import PublishError, StateError
from deskwheel.settings import Settings
from deskwheel.stage import EXIT_FAILED, EXIT_RETRY, EXIT_USAGE, Verb, option, run_stage

LIMIT = option("--limit", type=int, default=3)
VERBS = {
    "show": Verb("print what came in", f"{__name__}:show", (LIMIT,)),
    "fail": Verb("fail for good", f"{__name__}:fail"),
    "retry": Verb("fail for now", f"{__name__}:retry"),
    "interrupt": Verb("be interrupted", f"{__name__}:interrupt"),
    "absent": Verb("never imported", "no_such_module_anywhere:run"),
}


def show(settings: Settings, arguments: Namespace) -> int:
    print(json.dumps([settings.train.lr, arguments.limit, arguments.json]))
    return 0


def fail(settings: Settings, arguments: Namespace) -> int:
    raise StateError("split support is at revision 2; read it again")


def retry(settings: Settings, arguments: Namespace) -> int:
    raise PublishError("event m-1: no acknowledgement in 30 s")


def interrupt(settings: Settings, arguments: Namespace) -> int:
    raise KeyboardInterrupt


def call(*argv: str) -> int:
    return run_stage("toy", "A toy stage.", VERBS, argv)


def test_a_verb_gets_settings_and_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("show", "--limit", "7", "--json", "--set", "train.lr=0.5") == 0
    assert json.loads(capsys.readouterr().out) == [0.5, 7, True]


def test_a_file_is_read_and_overridden(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.toml"
    file.write_text("[train]\nlr = 0.1\n")
    call("show", "--config", str(file))
    call("show", "--config", str(file), "--set", "train.lr=0.2")
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first[0], second[0]) == (0.1, 0.2)


def test_a_failure_is_one_line_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("fail") == EXIT_FAILED
    assert capsys.readouterr().err == "toy fail: split support is at revision 2; read it again\n"


def test_what_may_succeed_later_has_status_75() -> None:
    assert call("retry") == EXIT_RETRY == getattr(os, "EX_TEMPFAIL", 75)


def test_a_wrong_setting_has_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("show", "--set", "train.learning=1") == EXIT_USAGE
    assert "unknown key train.learning" in capsys.readouterr().err


def test_an_interrupt_has_the_shell_status() -> None:
    assert call("interrupt") == 130


def test_an_unknown_verb_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        call("dance")
    assert stopped.value.code == EXIT_USAGE
    shown = capsys.readouterr().err
    assert all(name in shown for name in ("dance", *VERBS))


def test_help_imports_no_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        call("absent", "--help")
    assert stopped.value.code == 0
    assert "never imported" in capsys.readouterr().out


def test_the_usage_line_is_what_one_types() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ingest", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("usage: python -m ingest ")
