"""SIGKILL along the way of a window, and failures that no attempt survives.

The rows of the fault table in docs/quality.md. Each trains for real: a private Ray cluster, two
minutes on two busy cores.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa
import torch
from deltalake import DeltaTable
from safetensors.torch import load_file, save_file

from deskwheel import config, failpoint, lake
from deskwheel.tables import SNAPSHOTS
from tests.faults.training import (
    ROOT,
    Site,
    expect_hold,
    expect_one_model,
    fresh_examples,
    make_site,
)
from tests.train.rows import quick

SIGKILLED = -9


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = make_site(tmp_path)
    yield site
    for process in site.processes():
        process.kill()


def submitted(site: Site, *, failpoint: str = "") -> Site:
    """The site with a window that is frozen and whose watcher has taken the next step."""
    site.step()
    site.freeze()
    assert site.watch_once(failpoint=failpoint) in (0, SIGKILLED)
    return site


def record_manifest(site: Site) -> None:
    """Give the snapshot a manifest that says nothing wrong of it."""
    path = str(lake.table_path(site.settings.pipeline.lake, SNAPSHOTS))
    (snapshot,) = DeltaTable(path).to_pyarrow_table().to_pylist()
    manifest = json.dumps({"content_digest": snapshot["content_digest"], "config": {}})
    DeltaTable(path).update(updates={"manifest": f"'{manifest}'"})


def let_leases_run_out(site: Site) -> None:
    """Some minutes in which a killed process does not come back."""
    engine = sa.create_engine(site.settings.pipeline.state_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE leases SET expires = 1"))
    engine.dispose()


def is_driver(process: psutil.Process) -> bool:
    line = process.cmdline()
    return line[1:3] == ["-m", "train"]


def is_worker(process: psutil.Process) -> bool:
    return "RayTrainWorker" in " ".join(process.cmdline())


def is_head(process: psutil.Process) -> bool:
    return process.name() == "gcs_server"


@pytest.mark.faults
def test_a_killed_watcher_leaves_a_window_that_the_next_one_goes_on_with(site: Site) -> None:
    assert site.watch_once(failpoint=failpoint.AFTER_CLAIM) == SIGKILLED
    let_leases_run_out(site)
    assert site.watch_once() == 0
    assert site.window()["phase"] == "claimed"
    site.freeze()
    assert site.watch_once(failpoint=failpoint.BEFORE_SUBMIT) == SIGKILLED
    assert site.window()["phase"] == "submitted"
    assert site.jobs().status("deskwheel-support-0") == "missing"
    assert site.processes() == []


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "point", [failpoint.BEFORE_SUBMIT, failpoint.AFTER_SUBMIT], ids=["before", "after"]
)
def test_a_watcher_killed_about_the_submission_leads_to_one_model(site: Site, point: str) -> None:
    submitted(site, failpoint=point)
    assert site.window()["phase"] == "submitted"
    let_leases_run_out(site)
    site.settle()
    expect_one_model(site)
    assert site.window()["attempts"] == 1


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("is_meant", [is_worker, is_driver, is_head], ids=["worker", "job", "head"])
def test_a_kill_in_step_leads_to_one_model(site: Site, is_meant: Any) -> None:
    submitted(site)
    site.wait_for_checkpoint()
    site.kill(is_meant)
    site.settle()
    expect_one_model(site)


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_a_worker_killed_in_each_checkpoint_leads_to_one_model(site: Site) -> None:
    submitted(site, failpoint=failpoint.BEFORE_SEAL)
    site.settle()
    expect_one_model(site)
    assert site.window()["attempts"] > 1


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_a_corrupt_last_checkpoint_gives_way_to_the_one_before(site: Site) -> None:
    submitted(site)
    site.wait_for_checkpoint(count=2)
    site.kill(is_driver)
    while site.processes():
        time.sleep(0.2)
    weights = site.checkpoints()[-1] / "adapter_model.safetensors"
    # Half a file cannot be loaded: whoever goes on from it ends without a model.
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    site.settle()
    expect_one_model(site)


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "point",
    [failpoint.AFTER_MODEL_VERSION, failpoint.AFTER_TRAINED],
    ids=["version", "trained"],
)
def test_a_job_killed_while_it_publishes_leads_to_one_model(site: Site, point: str) -> None:
    submitted(site, failpoint=point)
    jobs, name = site.jobs(), "deskwheel-support-0"
    while jobs.status(name) == "running":
        time.sleep(0.2)
    let_leases_run_out(site)
    site.settle()
    expect_one_model(site)


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_another_base_model_holds_the_window(tmp_path: Path) -> None:
    site = make_site(tmp_path, train=quick(base_sha256="0" * 64))
    submitted(site).settle()
    expect_hold(site, reason="base")


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_a_missing_base_model_holds_the_window(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    site = make_site(tmp_path, train=quick(base_model=str(gone)))
    submitted(site).settle()
    expect_hold(site, reason=str(gone))
    assert site.window()["attempts"] == 1


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_a_loss_that_is_no_number_holds_the_window(tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(ROOT / "train" / "demo_base", base)
    for file in base.glob("*.safetensors"):
        weights = load_file(file)
        weights = {name: torch.full_like(weight, torch.nan) for name, weight in weights.items()}
        save_file(weights, file, metadata={"format": "pt"})
    site = make_site(tmp_path, train=quick(base_model=str(base)))
    submitted(site).settle()
    expect_hold(site, reason="loss of optimizer step 1 is nan")


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_a_snapshot_that_was_changed_holds_the_window(site: Site) -> None:
    path = lake.table_path(site.settings.pipeline.lake, SNAPSHOTS)
    DeltaTable(str(path)).update(updates={"content_digest": "'another'"})
    submitted(site).settle()
    expect_hold(site, reason="digest")


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_a_contaminated_snapshot_holds_the_window(tmp_path: Path) -> None:
    examples = fresh_examples()
    tested, learnt = examples[4], examples[5]
    said = {name: getattr(tested, name) for name in ("query", "response", "content_hash")}
    examples[5] = replace(learnt, **said)
    site = make_site(tmp_path, examples=examples)
    record_manifest(site)
    submitted(site).settle()
    expect_hold(site, reason="contaminated: 1 examples of train or dev say exactly")
    assert site.window()["attempts"] == 1
    assert site.checkpoints() == []


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_a_disk_that_is_full_at_a_checkpoint_holds_the_window(site: Site, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:  # noqa: S607
        pytest.skip("only root can make a disk of one megabyte")
    try:
        train = replace(site.settings.train, checkpoints=str(small))
        full = Site(site.folder, replace(site.settings, train=train))
        full.file.write_text(config.dump(full.settings), encoding="utf-8")
        submitted(full).settle()
        expect_hold(full, reason="train.runs_dir")
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)  # noqa: S607
