import sys
import time
from pathlib import Path

import psutil

from train.jobs import JobStatus, LocalJobs


def wait_for(jobs: LocalJobs, name: str, status: JobStatus) -> bool:
    for _ in range(200):
        if jobs.status(name) == status:
            return True
        time.sleep(0.05)
    return False


def test_a_job_runs_once_however_often_it_is_submitted(tmp_path: Path) -> None:
    command = [sys.executable, "-c", f"open({str(tmp_path / 'ran')!r}, 'a').write('x')"]
    jobs = LocalJobs(tmp_path / "jobs")
    assert jobs.status("one") == "missing"
    jobs.submit("one", command)
    jobs.submit("one", command)
    LocalJobs(tmp_path / "jobs").submit("one", command)
    assert wait_for(jobs, "one", "succeeded")
    jobs.submit("one", command)
    assert (tmp_path / "ran").read_text() == "x"


def test_a_failed_job_shows_its_last_lines(tmp_path: Path) -> None:
    jobs = LocalJobs(tmp_path)
    jobs.submit("bad", [sys.executable, "-c", "print('a'); print('b'); print('c'); exit(3)"])
    assert wait_for(jobs, "bad", "failed")
    assert jobs.log_tail("bad", lines=2) == "b\nc"


def test_another_watcher_sees_a_job_of_the_first_run_and_end(tmp_path: Path) -> None:
    first, second = LocalJobs(tmp_path), LocalJobs(tmp_path)
    # Bounded, so that a failure of this test leaves no process behind.
    hold = (
        "import os, time\n"
        f"for _ in range(1000): os.path.exists({str(tmp_path / 'go')!r}) or time.sleep(0.02)"
    )
    first.submit("long", [sys.executable, "-c", hold])
    assert second.status("long") == "running"
    (tmp_path / "go").touch()
    assert wait_for(second, "long", "succeeded")


def test_a_job_whose_process_vanished_has_failed(tmp_path: Path) -> None:
    (tmp_path / "gone.pid").write_text("1 12.5")
    assert LocalJobs(tmp_path).status("gone") == "failed"


def spawning(folder: Path) -> list[str]:
    """A job that starts a process in a session of its own, as Ray does, and waits."""
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " start_new_session=True)\n"
        f"open({str(folder / 'child')!r} + '.part', 'w').write(str(child.pid))\n"
        f"import os; os.replace({str(folder / 'child')!r} + '.part', {str(folder / 'child')!r})\n"
        "time.sleep(60)\n"
    )
    return [sys.executable, "-c", code]


def child_of(folder: Path) -> psutil.Process:
    while not (folder / "child").exists():
        time.sleep(0.02)
    return psutil.Process(int((folder / "child").read_text()))


def test_a_stopped_job_leaves_no_process(tmp_path: Path) -> None:
    jobs = LocalJobs(tmp_path / "jobs")
    jobs.submit("long", spawning(tmp_path))
    child = child_of(tmp_path)
    LocalJobs(tmp_path / "jobs").stop("long")
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert wait_for(jobs, "long", "failed")
    jobs.stop("long")
    jobs.stop("never")


def test_what_a_killed_job_left_running_is_ended_before_it_counts_as_failed(
    tmp_path: Path,
) -> None:
    jobs = LocalJobs(tmp_path / "jobs")
    jobs.submit("long", spawning(tmp_path))
    child = child_of(tmp_path)
    driver = child.parent()
    assert driver is not None
    driver.kill()
    assert wait_for(jobs, "long", "failed")
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
