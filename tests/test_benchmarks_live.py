"""What the benchmarks of the running job make of their numbers; their runs take minutes."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psutil
import pyarrow as pa
import pytest
from deltalake import CommitProperties, write_deltalake

from benchmarks import transforms_cost, transforms_memory
from benchmarks.live.plot import log_line_chart
from benchmarks.live.watch import Moment, Watch, other_load, watched
from benchmarks.transforms_latency import Way, committed, latencies, steps, ways
from benchmarks.transforms_memory import Left, fit_line, minute_means
from deskwheel.tables import CONVERSATIONS, EXAMPLES, TURNS, Table

NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)


def moment(at_s: float, job_cpu_s: float = 0.0, more: Any = None, **totals: float) -> Moment:
    return Moment(
        at_s, job_cpu_s, totals.get("beside", 0.0), totals.get("machine", 0.0),
        int(totals.get("pss", 0)), more,
    )  # fmt: skip


def commit(lake: Path, table: Table, at_s: float, rows: list[dict[str, Any]]) -> None:
    """Append rows as the job does, readable from a time after noon on."""
    path = lake / table.name
    properties = CommitProperties(custom_metadata={"userMetadata": '{"app": "toy", "batch": 0}'})
    write_deltalake(path, pa.Table.from_pylist(rows), mode="append", commit_properties=properties)
    newest = max((path / "_delta_log").glob("*.json"))
    readable_s = NOON.timestamp() + at_s
    os.utime(newest, (readable_s, readable_s))


def turn(name: str, at_s: float, *, is_closing: bool = True) -> dict[str, Any]:
    return {
        "conversation_id": name, "is_closing": is_closing, "verdict": "accepted",
        "ingested_at": NOON + timedelta(seconds=at_s),
    }  # fmt: skip


def version(name: str, number: int, reason: str = "stated") -> dict[str, Any]:
    return {"conversation_id": name, "version": number, "close_reason": reason}


def example(name: str, number: int) -> dict[str, Any]:
    return {"conversation_id": name, "conversation_version": number}


def test_an_example_is_as_late_as_its_commit_is_after_the_closing_event(tmp_path: Path) -> None:
    commit(tmp_path, TURNS, 5, [turn("a", 1), turn("a", 0, is_closing=False)])
    commit(tmp_path, CONVERSATIONS, 9, [version("a", 1)])
    commit(tmp_path, EXAMPLES, 12, [example("a", 1), example("a", 1)])
    found = ways(str(tmp_path))
    assert [w.latency_s for w in found] == pytest.approx([11, 11])
    claims = {c.id.partition(".")[2]: c.value for c in steps(found)}
    assert claims == pytest.approx({"to_turn": 4, "to_conversation": 4, "to_example": 3})


def test_conversations_that_nobody_ended_have_no_latency(tmp_path: Path) -> None:
    commit(tmp_path, TURNS, 5, [turn("a", 1, is_closing=False), turn("b", 1)])
    commit(tmp_path, CONVERSATIONS, 9, [version("a", 1, "idle"), version("b", 1, "idle")])
    commit(tmp_path, EXAMPLES, 12, [example("a", 1), example("b", 1)])
    assert ways(str(tmp_path)) == []


def test_a_reopened_conversation_counts_from_its_newest_end(tmp_path: Path) -> None:
    commit(tmp_path, TURNS, 2, [turn("a", 1)])
    commit(tmp_path, CONVERSATIONS, 3, [version("a", 1)])
    commit(tmp_path, TURNS, 20, [turn("a", 19)])
    commit(tmp_path, CONVERSATIONS, 21, [version("a", 2)])
    commit(tmp_path, EXAMPLES, 22, [example("a", 1), example("a", 2)])
    assert sorted(w.latency_s for w in ways(str(tmp_path))) == pytest.approx([3, 21])


def test_commits_that_the_job_did_not_write_bring_no_rows(tmp_path: Path) -> None:
    commit(tmp_path, EXAMPLES, 1, [example("a", 1)])
    write_deltalake(
        tmp_path / EXAMPLES.name, pa.Table.from_pylist([example("a", 1)]), mode="append"
    )
    assert len(list(committed(str(tmp_path), EXAMPLES, ["conversation_id"]))) == 1


def test_the_95th_percentile_is_held_against_the_limit() -> None:
    found = [Way(0, 1, 2, float(n)) for n in range(101)]
    claims = {c.id.partition(".")[2]: c for c in latencies(found, 50, "toy")}
    assert (claims["p50"].value, claims["p95"].value) == (50, 95)
    assert claims["p95_limit"].value == pytest.approx(1.9)
    assert claims["p95_limit"].holds is False


def test_a_line_that_rises_says_by_how_much() -> None:
    rising = fit_line([100 + n for n in range(11)])
    assert rising.change == pytest.approx(10 / 105)
    assert rising.low == pytest.approx(rising.high)
    noisy = fit_line([100, 104, 96, 100, 104, 96, 100, 104, 96, 100])
    assert noisy.low < 0 < noisy.high
    assert noisy.largest > abs(noisy.change)


def test_three_minutes_make_no_line() -> None:
    with pytest.raises(ValueError, match="measure for longer"):
        fit_line([1, 2, 3])


def test_a_minute_that_has_hardly_begun_does_not_count() -> None:
    looks = [moment(float(5 * n), pss=100 + n // 12) for n in range(26)]
    assert minute_means(looks) == [100, 101]


def run_of(pss: list[int]) -> list[Moment]:
    left = Left(
        state_rows=5, cached_rdds=1, old_heap_bytes=2**20, table_files=3, checkpoint_files=4,
        checkpoint_bytes=2**20,
    )  # fmt: skip
    return [
        moment(5.0 * n, job_cpu_s=float(n), more=left, pss=size, machine=2.0 * n)
        for n, size in enumerate(pss)
    ]


def test_memory_that_settles_is_flat_and_memory_that_grows_is_not() -> None:
    settled = [min(n, 60) * 2**20 for n in range(1, 241)]
    growing = [(100 + n) * 2**20 for n in range(240)]
    verdicts = []
    for pss in (settled, growing):
        claims = {
            c.id.partition(".")[2]: c for c in transforms_memory.claims_of(run_of(pss), "toy")
        }
        verdicts.append(claims["largest_change"].holds)
        assert claims["cpu_growth"].value == pytest.approx(1)
    assert verdicts == [True, False]


def test_files_of_a_folder_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"12345")
    assert transforms_memory.folder_size(tmp_path) == (1, 5)


def cost_run(cost_s: Any, last: int) -> list[Moment]:
    """Looks every 2,500 messages, where `cost_s(n)` CPU seconds were spent by the n-th."""
    return [moment(float(n), cost_s(n), n) for n in range(0, last + 1, 2500)]


def test_windows_double_and_cover_everything_after_the_first_ten_thousand() -> None:
    found = transforms_cost.windows_of(cost_run(lambda n: n / 1000, 100_000))
    assert [(w.low, w.high) for w in found] == [
        (10_000, 20_000), (20_000, 40_000), (40_000, 100_000)
    ]  # fmt: skip
    assert [w.cost_ms for w in found] == pytest.approx([1, 1, 1])


def test_a_constant_cost_holds_and_one_that_grows_with_the_table_does_not() -> None:
    verdicts = []
    for cost_s in (lambda n: 5 + n / 1000, lambda n: n / 1000 + n * n / 1e8):
        claims, windows = transforms_cost.claims_of(cost_run(cost_s, 160_000))
        named = {c.id.partition(".")[2]: c for c in claims}
        verdicts.append((named["growth"].holds, named["slope"].value > 0.1))
        assert ElementTree.fromstring(transforms_cost.plot(windows)).tag.endswith("svg")  # noqa: S314  our own text
    assert verdicts == [(True, False), (False, True)]


def test_the_last_window_is_held_against_the_first_of_the_full_mix_too() -> None:
    def cost_s(n: int) -> float:
        return n / 1000 if n <= 80_000 else 80 + (n - 80_000) / 500

    claims, _ = transforms_cost.claims_of(cost_run(cost_s, 320_000))
    named = {c.id.partition(".")[2]: c for c in claims}
    assert named["growth"].value == pytest.approx(2)
    assert named["later_growth"].value == pytest.approx(1)
    short, _ = transforms_cost.claims_of(cost_run(cost_s, 100_000))
    assert "transforms_cost.later_growth" not in {c.id for c in short}


def test_the_cost_of_a_window_is_told_by_kind_of_process() -> None:
    looks = [
        replace(m, parts_cpu_s={"driver": m.job_cpu_s / 4, "jvm": m.job_cpu_s * 3 / 4})
        for m in cost_run(lambda n: n / 1000, 80_000)
    ]
    claims, _ = transforms_cost.claims_of(looks)
    found = {c.id.partition(".")[2]: c.value for c in claims}
    assert found["at_20000_driver"] == pytest.approx(0.25)
    assert found["at_20000_jvm"] == pytest.approx(0.75)


def test_a_watch_tells_this_process_from_others_of_the_job() -> None:
    # A whole run of the tests has a broker, Spark and Ray under this process: not of this job.
    of_the_run = [child.pid for child in psutil.Process().children()]
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as worker:
        found = Watch(of_the_run, 1.0).see(0.0)
        worker.kill()
    assert set(found.parts_cpu_s) == {"driver", "workers"}
    assert found.job_cpu_s == pytest.approx(sum(found.parts_cpu_s.values()))


def test_a_run_that_was_cut_off_early_says_nothing() -> None:
    with pytest.raises(SystemExit, match="nothing about growth"):
        transforms_cost.claims_of(cost_run(lambda n: n / 1000, 30_000))


def test_a_chart_holds_every_point_and_names_its_axes() -> None:
    picture = log_line_chart([(10, 1), (1000, 2)], title="a < b", x_label="x", y_label="y")
    root = ElementTree.fromstring(picture)  # noqa: S314  our own text
    circles = [e for e in root.iter() if e.tag.endswith("circle")]
    assert [float(c.get("cx", 0)) for c in circles] == sorted(
        float(c.get("cx", 0)) for c in circles
    )
    assert {"a < b", "x", "y", "10", "100", "1,000"} <= {e.text for e in root.iter()}
    with pytest.raises(ValueError, match="no line"):
        log_line_chart([(10, 1)], title="", x_label="", y_label="")


def test_load_of_others_is_what_the_machine_spent_beyond_ours() -> None:
    first = moment(0, 1, beside=1, machine=10)
    assert other_load(first, moment(10, 6, beside=3, machine=27)) == pytest.approx(1)


def test_a_watch_sees_this_process() -> None:
    with watched(Watch([], 0.01, has_memory=True)) as watch:
        while not watch.moments:
            time.sleep(0.01)
    assert watch.moments[0].job_cpu_s > 0
    assert watch.moments[0].pss_bytes > 2**20


def test_a_watch_ends_with_the_job_that_failed() -> None:
    def fail() -> None:
        raise RuntimeError("query turns failed")

    watch = Watch([], 0.01, look=fail)
    watch.watch(threading.Event())
    assert (watch.moments, watch.problem) == ([], "query turns failed")


def test_the_mix_of_the_traffic_is_counted_by_window() -> None:
    found = {c.id: c.value for c in transforms_cost.mix_claims(15_000)}
    assert 0 < found["transforms_cost.mix_0_mails"] < found["transforms_cost.mix_10000_mails"] < 1
    assert found["transforms_cost.mix_10000_size"] > 100
