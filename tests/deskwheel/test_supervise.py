import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deskwheel.child import Exited, HttpAnswer, OpenPort, Service, open_log
from deskwheel.errors import ServiceError
from deskwheel.process import Identity, identity_of, is_alive, read_pid_file, write_pid_file
from deskwheel.supervise import RestartPolicy, Supervisor, end_stack, read_stack, stop_order

ANNOUNCE = "from deskwheel.service import announce_ready; announce_ready(url='http://x.example');"
SLEEP = "import time; time.sleep(300)"
EAGER = RestartPolicy(first_s=0.02, longest_s=0.05, limit=3)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def until(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path.resolve()
    end_stack(tmp_path)


@pytest.fixture
def supervisor(home: Path) -> Iterator[Supervisor]:
    made = Supervisor(home, policy=EAGER)
    yield made
    made.stop()


def phase_of(supervisor: Supervisor, name: str) -> str:
    return next(s.phase for s in supervisor.statuses() if s.name == name)


def test_announced_facts_reach_status_and_file(supervisor: Supervisor, home: Path) -> None:
    supervisor.start([Service(name="web", command=python(ANNOUNCE + SLEEP), facts={"a": 1})])
    supervisor.wait_ready(["web"], 20)
    (status,) = supervisor.statuses()
    assert status.facts == {"a": 1, "url": "http://x.example"}
    until(lambda: "ready" in (home / "stack.json").read_text())
    assert json.loads((home / "stack.json").read_text())["services"]["web"]["pid"] == status.pid


def test_service_starts_only_when_what_it_waits_for_is_ready(
    supervisor: Supervisor, home: Path
) -> None:
    gate = home / "gate"
    first = f"import time, pathlib\nwhile not pathlib.Path({str(gate)!r}).exists(): time.sleep(.02)"
    supervisor.start(
        [
            Service(name="second", command=python(ANNOUNCE + SLEEP), after=("first",)),
            Service(name="first", command=python(first), ready=Exited()),
        ]
    )
    until(lambda: phase_of(supervisor, "first") == "starting")
    assert phase_of(supervisor, "second") == "waiting"
    gate.touch()
    supervisor.wait_ready(["second"], 20)
    assert phase_of(supervisor, "first") == "ready"


def test_killed_service_is_restarted(supervisor: Supervisor) -> None:
    supervisor.start([Service(name="web", command=python(ANNOUNCE + SLEEP))])
    supervisor.wait_ready(["web"], 20)
    (before,) = supervisor.statuses()
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: supervisor.statuses()[0].restarts == 1)
    supervisor.wait_ready(["web"], 20)
    assert supervisor.statuses()[0].pid != before.pid


def test_crash_loop_ends_as_failed_with_the_end_of_the_log(supervisor: Supervisor) -> None:
    supervisor.start([Service(name="bad", command=python("print('no disk'); raise SystemExit(3)"))])
    with pytest.raises(ServiceError, match=r"bad is failed: ended with status 3(?s:.*)no disk"):
        supervisor.wait_ready(["bad"], 30)
    assert supervisor.statuses()[0].restarts == EAGER.limit - 1


def test_back_off_doubles_up_to_its_limit() -> None:
    policy = RestartPolicy()
    assert [policy.delay_s(n) for n in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_missing_program_is_failed_with_its_name(supervisor: Supervisor) -> None:
    supervisor.start([Service(name="gone", command=["/no/such/program"])])
    with pytest.raises(ServiceError, match="/no/such/program: No such file"):
        supervisor.wait_ready(["gone"], 10)


def test_service_that_is_late_is_started_again(supervisor: Supervisor) -> None:
    supervisor.start([Service(name="slow", command=python(SLEEP), start_timeout_s=0.2)])
    with pytest.raises(ServiceError, match="not ready after 0 s"):
        supervisor.wait_ready(["slow"], 30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_open_port_is_a_sign_of_readiness(supervisor: Supervisor) -> None:
    port = free_port()
    code = f"import socket; s = socket.create_server(('127.0.0.1', {port}));" + SLEEP
    supervisor.start([Service(name="tcp", command=python(code), ready=OpenPort(port))])
    supervisor.wait_ready(["tcp"], 20)
    with socket.create_connection(("127.0.0.1", port), 5):
        pass


def test_stop_ends_grandchildren_that_left_the_session(supervisor: Supervisor, home: Path) -> None:
    note = home / "grandchild"
    code = (
        "import subprocess, sys, pathlib;"
        f"p = subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True);"
        f"pathlib.Path({str(note)!r}).write_text(str(p.pid));" + ANNOUNCE + SLEEP
    )
    supervisor.start([Service(name="parent", command=python(code))])
    supervisor.wait_ready(["parent"], 20)
    grandchild = identity_of(int(note.read_text()))
    assert is_alive(grandchild)
    supervisor.stop()
    assert not is_alive(grandchild)
    assert [s.phase for s in read_stack(home)[1]] == ["stopped"]


def test_service_that_ignores_sigterm_is_killed(supervisor: Supervisor) -> None:
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + ANNOUNCE + SLEEP
    supervisor.start([Service(name="deaf", command=python(code), stop_timeout_s=0.2)])
    supervisor.wait_ready(["deaf"], 20)
    pid = supervisor.statuses()[0].pid
    supervisor.stop()
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_dependents_stop_first(supervisor: Supervisor, home: Path) -> None:
    journal = home / "journal"
    code = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        f"    open({str(journal)!r}, 'a').write(sys.argv[1] + ' '); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n" + ANNOUNCE + "\ntime.sleep(300)"
    )
    supervisor.start(
        [
            Service(name="base", command=[*python(code), "base"]),
            Service(name="top", command=[*python(code), "top"], after=("base",)),
        ]
    )
    supervisor.wait_ready(["base", "top"], 20)
    supervisor.stop()
    assert journal.read_text().split() == ["top", "base"]


def test_stop_order_goes_from_dependents_to_what_they_need() -> None:
    services = [
        Service(name="broker", command=[]),
        Service(name="topics", command=[], after=("broker",)),
        Service(name="ray", command=[]),
        Service(name="serving", command=[], after=("ray", "topics")),
    ]
    assert stop_order(services) == [["serving"], ["topics", "ray"], ["broker"]]


def test_services_that_wait_for_each_other_are_refused() -> None:
    circle = [
        Service(name="a", command=[], after=("b",)),
        Service(name="b", command=[], after=("a",)),
    ]
    with pytest.raises(ServiceError, match="a, b"):
        stop_order(circle)


def test_second_supervisor_of_a_folder_is_refused(supervisor: Supervisor, home: Path) -> None:
    supervisor.start([Service(name="web", command=python(SLEEP))])
    with pytest.raises(ServiceError, match=f"process {os.getpid()}"):
        Supervisor(home).start()


def test_stop_twice_does_nothing_more(supervisor: Supervisor) -> None:
    supervisor.start([Service(name="web", command=python(SLEEP))])
    supervisor.stop()
    supervisor.stop()
    assert phase_of(supervisor, "web") == "stopped"


def test_pid_of_another_process_is_not_taken_for_ours(home: Path) -> None:
    path = home / "x.pid"
    me = identity_of(os.getpid())
    assert me is not None
    write_pid_file(path, me)
    assert is_alive(read_pid_file(path))
    write_pid_file(path, Identity(me.pid, me.created - 3600))
    assert not is_alive(read_pid_file(path))


def test_down_leaves_a_process_that_reuses_a_recorded_pid(home: Path) -> None:
    with subprocess.Popen(python(SLEEP)) as stranger:
        found = identity_of(stranger.pid)
        assert found is not None
        (home / "run").mkdir()
        write_pid_file(home / "run" / "web.pid", Identity(found.pid, found.created - 3600))
        assert end_stack(home) == 0
        assert stranger.poll() is None
        stranger.kill()


def test_after_the_supervisor_is_killed_down_ends_the_rest_and_up_recovers(home: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from deskwheel.supervise import Supervisor\nfrom deskwheel.child import Service\n"
        f"s = Supervisor(Path({str(home)!r}))\n"
        f"s.start([Service(name='web', command=[sys.executable, '-c', {ANNOUNCE + SLEEP!r}])])\n"
        "s.wait_ready(['web'], 20); time.sleep(300)"
    )
    with subprocess.Popen(python(code)) as killed:
        until(lambda: any(s.phase == "ready" for s in read_stack(home)[1]))
        web = read_stack(home)[1][0]
        killed.kill()
    assert web.pid is not None
    assert is_alive(Identity(web.pid, web.created or 0))
    again = Supervisor(home)
    again.start([Service(name="web", command=python(ANNOUNCE + SLEEP))])
    assert not is_alive(Identity(web.pid, web.created or 0))
    again.wait_ready(["web"], 20)
    again.stop()
    assert end_stack(home) == 0


def test_long_log_is_put_aside_at_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "web.log"
    log.write_bytes(b"old" * 100)
    monkeypatch.setattr("deskwheel.child.LOG_LIMIT_BYTES", 100)
    with open_log(log) as stream:
        stream.write(b"new")
    assert log.read_bytes() == b"new"
    assert (tmp_path / "web.log.1").read_bytes() == b"old" * 100


def test_a_failing_observer_does_not_end_the_supervision(home: Path) -> None:
    def fail(_status: object) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise OSError("the disk is full")

    made = Supervisor(home, policy=EAGER, on_change=fail)
    made.start([Service(name="web", command=python(ANNOUNCE + SLEEP))])
    try:
        made.wait_ready(["web"], 20)
        first = next(s.pid for s in made.statuses())
        assert first is not None
        os.kill(first, signal.SIGKILL)
        until(lambda: next(s.pid for s in made.statuses()) not in (None, first))
    finally:
        made.stop()
    assert not psutil.pid_exists(first)


def test_stop_ends_everything_and_frees_the_folder_without_its_state_file(
    supervisor: Supervisor, home: Path
) -> None:
    services = [
        Service(name="base", command=python(ANNOUNCE + SLEEP)),
        Service(name="top", command=python(ANNOUNCE + SLEEP), after=("base",)),
    ]
    supervisor.start(services)
    supervisor.wait_ready(["base", "top"], 20)
    pids = [s.pid for s in supervisor.statuses()]
    until(lambda: [s.phase for s in read_stack(home)[1]] == ["ready", "ready"])
    (home / "stack.json").unlink()
    (home / "stack.json").mkdir()
    supervisor.stop()
    assert [s.phase for s in supervisor.statuses()] == ["stopped", "stopped"]
    assert not [pid for pid in pids if pid is not None and psutil.pid_exists(pid)]
    (home / "stack.json").rmdir()
    again = Supervisor(home)
    again.start()
    again.stop()


def test_service_without_a_log_fails_and_the_others_run(supervisor: Supervisor, home: Path) -> None:
    (home / "logs" / "mute.log").mkdir(parents=True)
    supervisor.start(
        [
            Service(name="mute", command=python(ANNOUNCE + SLEEP)),
            Service(name="web", command=python(ANNOUNCE + SLEEP)),
        ]
    )
    supervisor.wait_ready(["web"], 20)
    with pytest.raises(ServiceError, match=r"mute is failed: .*mute\.log: Is a directory"):
        supervisor.wait_ready(["mute"], 20)


def test_service_whose_pid_cannot_be_written_is_started_once(
    supervisor: Supervisor, home: Path
) -> None:
    (home / "run" / "web.pid").mkdir(parents=True)
    note = f"open({str(home / 'journal')!r}, 'a').write('started ');"
    supervisor.start([Service(name="web", command=python(note + ANNOUNCE + SLEEP))])
    supervisor.wait_ready(["web"], 20)
    pid = supervisor.statuses()[0].pid
    assert (home / "journal").read_text().split() == ["started"]
    supervisor.stop()
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_token_that_cannot_be_read_yet_is_looked_for_again(
    supervisor: Supervisor, home: Path
) -> None:
    port, token = free_port(), home / "token"
    serve = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    answer = HttpAnswer(f"http://127.0.0.1:{port}/", token)
    supervisor.start([Service(name="web", command=serve, ready=answer)])
    with pytest.raises(ServiceError, match="starting"):
        supervisor.wait_ready(["web"], 0.5)
    token.write_text("toy")
    supervisor.wait_ready(["web"], 20)
    assert supervisor.statuses()[0].restarts == 0
