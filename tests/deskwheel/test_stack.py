import itertools
import os
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deskwheel import broker, config
from deskwheel.engines import engine_environment
from deskwheel.errors import ServiceError, SetupError
from deskwheel.jars import jar_dir
from deskwheel.java import find_java
from deskwheel.services import (
    PORTS,
    SERVICES,
    Place,
    choose_ports,
    ray_folder,
    services,
    with_dependencies,
)
from deskwheel.settings import Settings
from deskwheel.stack import (
    Stack,
    make_private,
    make_secrets,
    read_ports,
    resolve,
    wished_settings,
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    ports = {name: 20_000 + n for n, name in enumerate(PORTS)}
    settings = resolve(Settings(), tmp_path, ports)
    make_secrets(Path(settings.pipeline.secrets_dir))
    return Place(tmp_path, ports, settings)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path / ".deskwheel")
    yield made
    made.stop()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def has_broker() -> bool:
    try:
        return bool(find_java() and jar_dir("kafka"))
    except SetupError:
        return False


def test_defaults_move_into_the_state_folder_and_own_choices_stay(tmp_path: Path) -> None:
    wished = config.load(None, [f"pipeline.lake={tmp_path}/mine", "train.steps=5"])
    ports = {name: 20_000 + n for n, name in enumerate(PORTS)}
    settings = resolve(wished, tmp_path / "home", ports)
    assert settings.pipeline.lake == f"{tmp_path}/mine"
    assert settings.train.steps == 5
    assert settings.pipeline.state_url == f"sqlite:///{tmp_path}/home/state.db"
    assert settings.transforms.checkpoint_dir == f"{tmp_path}/home/checkpoints"
    assert settings.kafka.bootstrap == f"127.0.0.1:{ports['kafka']}"
    assert settings.serve.port == ports["serving"]


def test_services_are_those_that_are_named_and_wait_only_for_each_other(place: Place) -> None:
    declared = services(place)
    assert tuple(service.name for service in declared) == SERVICES
    assert {name for service in declared for name in service.after} <= set(SERVICES)


def test_services_listen_on_this_machine_only(place: Place) -> None:
    words = [word for service in services(place) for word in service.command]
    assert not [word for word in words if "0.0.0.0" in word]  # noqa: S104 - what must not be
    assert "--dashboard-host=127.0.0.1" in words


def test_every_process_that_imports_ray_asks_for_a_token(place: Place) -> None:
    modes = {s.name: s.env.get("RAY_AUTH_MODE") for s in services(place)}
    assert [n for n, mode in modes.items() if mode == "token"] == [
        "ray", "trainer", "serving", "promoter",
    ]  # fmt: skip
    token = Path(next(s.env["RAY_AUTH_TOKEN_PATH"] for s in services(place) if s.name == "ray"))
    assert mode_of(token) == 0o600


def test_choice_of_a_service_brings_what_it_waits_for(place: Place) -> None:
    chosen = with_dependencies(["transforms"], services(place))
    assert [service.name for service in chosen] == ["broker", "topics", "transforms"]
    with pytest.raises(SetupError, match="unknown service 'kafka'"):
        with_dependencies(["kafka"], services(place))


def test_serving_can_be_chosen_without_what_brings_a_broker(place: Place) -> None:
    chosen = with_dependencies(["promoter"], services(place), without=["topics"])
    assert [service.name for service in chosen] == ["ray", "serving", "promoter"]


def test_every_service_runs_by_this_interpreter_and_needs_no_script_beside_it(place: Place) -> None:
    assert {tuple(service.command[:2]) for service in services(place)} == {(sys.executable, "-m")}


def test_recorded_port_is_kept_unless_another_program_holds_it(tmp_path: Path) -> None:
    ports = choose_ports({}, tmp_path)
    assert len(set(ports.values())) == len(PORTS)
    assert choose_ports(ports, tmp_path / "elsewhere") == ports
    with socket.create_server(("127.0.0.1", ports["kafka"])):
        again = choose_ports(ports, tmp_path)
    assert again["kafka"] != ports["kafka"]
    assert {**again, "kafka": 0} == {**ports, "kafka": 0}


@pytest.mark.parametrize("depth", [1, 20])
def test_sockets_of_ray_fit_into_the_longest_path(tmp_path: Path, depth: int) -> None:
    home = tmp_path.joinpath(*["deep-folder"] * depth)
    session = "session_2025-01-01_00-00-00_000000_1234567/sockets/plasma_store"
    assert len(str(ray_folder(home) / session)) <= 107


def test_secrets_are_private_random_and_kept(tmp_path: Path) -> None:
    make_secrets(tmp_path / "secrets")
    first = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert len(set(first.values())) == 3
    assert {mode_of(path) for path in (tmp_path / "secrets").iterdir()} == {0o600}
    make_secrets(tmp_path / "secrets")
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == first


def test_stack_runs_a_service_and_others_can_see_it(stack: Stack, tmp_path: Path) -> None:
    phases: list[str] = []
    stack.start(["console"], on_change=lambda status: phases.append(status.phase))
    stack.wait_ready(["console"], 60)
    address = stack.addresses()["console"]
    with urllib.request.urlopen(f"{address}/healthz", timeout=20) as answer:  # noqa: S310
        assert answer.status == 200
    assert mode_of(stack.home) == 0o700
    assert config.load(stack.config) == stack.settings
    seen = Stack(tmp_path / ".deskwheel")
    assert [s.phase for s in seen.status()] == ["ready"]
    assert seen.pid("console") == stack.pid("console")
    assert seen.settings == stack.settings
    with pytest.raises(ServiceError, match=f"process {os.getpid()}"):
        seen.start(["console"])
    stack.stop()
    assert phases[-1] == "stopped"
    assert seen.pid("console") is None


def test_service_that_was_not_started_is_not_waited_for(stack: Stack) -> None:
    with pytest.raises(SetupError, match="call start"):
        stack.wait_ready(["console"], 1)


def test_broker_listens_on_this_machine_only(tmp_path: Path) -> None:
    text = broker.properties(tmp_path, port=1, controller_port=2)
    lines = dict(line.split("=", 1) for line in text.splitlines())
    hosts = (lines["listeners"] + "," + lines["advertised.listeners"]).split(",")
    assert all("://127.0.0.1:" in host for host in hosts)
    assert int(lines["message.max.bytes"]) >= 16 * 1024 * 1024
    assert lines["auto.create.topics.enable"] == "false"


def test_broker_without_java_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    arguments = ["--home", str(tmp_path), "--port", "1", "--controller-port", "2"]
    assert broker.main(arguments) == 1
    assert "install Java" in capsys.readouterr().err


@pytest.mark.kafka
@pytest.mark.skipif(not has_broker(), reason="no Java or no jars; run `make setup`")
def test_broker_keeps_ports_and_cluster_over_a_restart(stack: Stack) -> None:
    identities = []
    for _ in range(2):
        stack.start(["broker"])
        stack.wait_ready(["broker"], 90)
        meta = (stack.home / "kafka" / "data" / "meta.properties").read_text()
        cluster = [line for line in meta.splitlines() if line.startswith("cluster.id")]
        identities.append((stack.addresses()["broker"], cluster))
        stack.stop()
    assert identities[0] == identities[1]
    assert read_ports(stack.home)["kafka"] == int(identities[0][0].rpartition(":")[2])


def test_stages_are_started_with_the_interpreter_that_runs_the_stack(place: Place) -> None:
    by_name = {service.name: service.command for service in services(place)}
    assert by_name["transforms"] == [
        sys.executable, "-m", "transforms", "stream", "--config", str(place.config),
    ]  # fmt: skip


def test_settings_of_the_last_start_stay_until_a_file_replaces_them(tmp_path: Path) -> None:
    (tmp_path / "deskwheel.toml").write_text('[transforms]\ncompany_domains = ["b.example"]\n')
    again = wished_settings(tmp_path, None, ["train.steps=3"])
    assert again.transforms.company_domains == ("b.example",)
    assert again.train.steps == 3
    other = tmp_path / "other.toml"
    other.write_text("[train]\nsteps = 4\n")
    assert wished_settings(tmp_path, other, []).transforms == Settings().transforms


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir(mode=0o755)
    make_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o755
    make_private(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_folder_of_another_user_is_refused_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o755)
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(SetupError, match="belongs to another user"):
        make_private(folder)
    assert mode_of(folder) == 0o755


def test_link_that_leads_nowhere_is_not_taken_for_a_new_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SetupError, match="cannot be used"):
        make_private(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()


def test_folder_of_ray_outside_the_state_folder_is_private_up_to_its_top(tmp_path: Path) -> None:
    deep = Stack(tmp_path.joinpath(*["deep-folder"] * 10))
    folder = ray_folder(deep.home)
    assert not folder.is_relative_to(deep.home)
    deep.start([])
    modes = [mode_of(folder.parent), mode_of(folder)]
    deep.stop()
    assert modes == [0o700, 0o700]
    assert not folder.parent.exists()


def test_console_finds_its_stack_wherever_the_secrets_are(tmp_path: Path) -> None:
    ports = {name: 20_000 + n for n, name in enumerate(PORTS)}
    wished = config.load(None, [f"pipeline.secrets_dir={tmp_path}/keys"])
    place = Place(tmp_path / "home", ports, resolve(wished, tmp_path / "home", ports))
    command = next(s.command for s in services(place) if s.name == "console")
    options = dict(itertools.pairwise(command))
    assert options["--home"] == str(tmp_path / "home")
    assert options["--port"] == str(ports["console"])


def test_a_stack_started_without_a_file_keeps_the_settings_of_the_last_start(
    tmp_path: Path,
) -> None:
    before = Stack(tmp_path, config.load(None, ["train.steps=5", "train.lr=1e-3"]))
    before.start([])
    before.stop()
    program = [sys.executable, "-m", "deskwheel.stack", "--home", str(tmp_path)]
    program += ["--only", "unknown", "--set", "train.steps=6"]  # ends once its settings are written
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert "unknown service" in done.stderr
    after = config.load(before.config).train
    assert (after.steps, after.lr) == (6, 1e-3)


def test_only_the_ray_services_choose_what_ray_train_tracks(place: Place) -> None:
    assert "RAY_TRAIN_ENABLE_STATE_TRACKING" not in engine_environment()
    tracked = {s.name: s.env.get("RAY_TRAIN_ENABLE_STATE_TRACKING") for s in services(place)}
    assert tracked["ray"] == tracked["trainer"] == "0"
