import importlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import deskwheel
from deskwheel import config, doctor
from deskwheel.cli import VERBS, main
from deskwheel.progress import begin_progress
from deskwheel.settings import Settings
from deskwheel.stack import Stack
from deskwheel.state import State
from deskwheel.supervise import end_stack
from tests.places import settings_in


@pytest.fixture
def home(tmp_path: Path) -> Iterator[str]:
    yield str(tmp_path / ".deskwheel")
    end_stack(tmp_path / ".deskwheel")


def test_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"deskwheel {deskwheel.__version__}\n"


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert [name for name in VERBS if name not in text] == []


@pytest.mark.parametrize("name", VERBS)
def test_verb_names_a_function_that_is_there(name: str) -> None:
    module, _, function = VERBS[name].target.partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_down_without_a_stack_says_so_and_is_content(
    home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["down", "--home", home]) == 0
    assert capsys.readouterr().out == "nothing runs\n"


def test_status_without_a_stack_is_empty(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json", "--home", home]) == 0
    nothing = {"services": [], "training": [], "trigger_pause": None, "problem": None}
    assert json.loads(capsys.readouterr().out) == nothing
    assert main(["status", "--home", home]) == 0
    assert "nothing runs" in capsys.readouterr().out


def configured(home: str, folder: Path) -> tuple[Settings, State]:
    """Settings of the stack in `home`, written there, and its database."""
    settings = settings_in(folder)
    file = Stack(Path(home)).config
    file.parent.mkdir()
    file.write_text(config.dump(settings))
    return settings, State(settings.pipeline.state_url)


def test_status_says_who_paused_the_trigger(
    home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, state = configured(home, tmp_path)
    order = {"is_open": True, "by": "ann@desk", "reason": "base is changed"}
    state.put("trigger_pause", settings.pipeline.name, order)
    main(["status", "--home", home])
    assert "trigger     paused by ann@desk: base is changed\n" in capsys.readouterr().out
    state.put("trigger_pause", settings.pipeline.name, {**order, "is_open": False})
    main(["status", "--home", home])
    assert "paused" not in capsys.readouterr().out


def test_status_as_json_has_training_and_a_pause(
    home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, state = configured(home, tmp_path)
    now = datetime.now(UTC)
    begun = begin_progress(state, "run-1", pipeline="support", snapshot_id="snap-1", now=now)
    state.claim_window("support", 0, to_version=0, owner="a", detail={})
    state.advance_window("support", 0, expect="claimed", phase="submitted", run_id="run-1")
    order = {"is_open": True, "by": "ann@desk", "reason": "base is changed"}
    state.put("trigger_pause", settings.pipeline.name, order)
    assert main(["status", "--json", "--home", home]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["training"] == [vars(begun)]
    assert found["trigger_pause"]["by"] == "ann@desk"


def test_status_says_how_far_training_is(
    home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, state = configured(home, tmp_path)
    now = datetime.now(UTC)
    begin_progress(state, "run-1", pipeline="support", snapshot_id="snap-1", now=now)
    begin_progress(state, "run-2", pipeline="support", snapshot_id="snap-1", now=now)
    state.claim_window("support", 0, to_version=0, owner="a", detail={})
    state.advance_window("support", 0, expect="claimed", phase="submitted", run_id="run-1")
    assert main(["status", "--home", home]) == 0
    shown = capsys.readouterr().out
    assert "training    run-1  starting\n" in shown
    assert "run-2" not in shown


def test_unknown_service_is_refused_with_the_names_there_are(
    home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["up", "--home", home, "--only", "kafka"]) == 1
    assert "choose from broker, topics" in capsys.readouterr().err
    assert main(["logs", "--home", home, "../secrets/api_token"]) == 1


def test_wrong_setting_is_shown_from_the_supervisor_s_log(
    home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["up", "--home", home, "--set", "train.steps=no"]) == 2
    file = tmp_path / "x.toml"
    file.write_text(f"[pipeline]\nsecrets_dir = '{file}/not-a-folder'\n")
    assert main(["up", "--home", home, "--config", str(file)]) == 75
    assert "cannot be used" in capsys.readouterr().err


def test_stack_goes_up_is_seen_and_goes_down(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--home", home, "--only", "console", "--json"]) == 0
    (service,) = json.loads(capsys.readouterr().out)
    assert (service["name"], service["phase"]) == ("console", "ready")
    assert main(["up", "--home", home]) == 0
    assert "already running" in capsys.readouterr().out
    assert main(["status", "--home", home]) == 0
    assert "ready" in capsys.readouterr().out
    assert main(["ui", "--home", home, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["console"].startswith("http://127.0.0.1:")
    assert main(["logs", "--home", home, "console"]) == 0
    assert main(["down", "--home", home]) == 0
    assert main(["down", "--home", home]) == 0
    assert capsys.readouterr().out.endswith("stopped\nnothing runs\n")


def test_ui_without_a_stack_is_an_error(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ui", "--home", home]) == 75
    assert "deskwheel up" in capsys.readouterr().err


def test_report_of_a_folder_is_written(
    home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s").mkdir()
    settings = [f"pipeline.lake={tmp_path}/lake", f"pipeline.state_url=sqlite:///{tmp_path}/s.db"]
    settings.append(f"pipeline.secrets_dir={tmp_path}/s")
    words = [word for setting in settings for word in ("--set", setting)]
    out = tmp_path / "page.html"
    assert main(["report", "--home", home, "--out", str(out), *words]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert "<title>deskwheel" in out.read_text()


def test_doctor_names_a_cure_for_each_thing_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("DESKWHEEL_CACHE", str(tmp_path))
    monkeypatch.setattr(doctor, "_DISK_GIB", 1e9)
    checks = {check.name: check for check in doctor.examine(tmp_path)}
    missing = {name for name, check in checks.items() if not check.is_met}
    assert missing >= {"java", "kafka jars", "spark jars", "disk"}
    assert all(checks[name].cure for name in missing)
    assert checks["validate"].is_met


def test_doctor_tells_a_stranger_s_package_from_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "REPOSITORY", tmp_path)
    checks = {check.name: check for check in doctor.examine(tmp_path)}
    assert "another package is called validate" in checks["validate"].cure
