"""The gate's table keeps few files, and its index follows without reading them again."""

from dataclasses import replace

import pytest
from pyspark.sql import SparkSession

from deskwheel import lake
from deskwheel.tables import VALIDATED
from tests.validate import test_gate
from tests.validate.test_gate import Bench, compiled, example
from validate.catch_up import catch_up
from validate.gate import Gate
from validate.index import Index, open_index

bench = test_gate.bench
__all__ = ["Gate", "SparkSession", "bench", "compiled"]


def test_small_files_are_merged_and_the_index_knows(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.gate = replace(bench.gate, compact_commits=3)
    for number, name in enumerate("abc"):
        bench.judge(number, example(name))
    table = lake.open_table(bench.lake, VALIDATED)
    assert table is not None
    assert (len(table.file_uris()), table.version()) == (1, 4)
    with open_index(bench.gate.index_file) as index:
        assert index.reflects.version == 4
        monkeypatch.setattr(Index, "take", lambda *_: pytest.fail("files were read again"))
        catch_up(index, bench.lake)
    found = bench.judge(3, example("d", content="a", minute=1), example("b", version=2))
    assert found == {
        "ex-a-1": "valid", "ex-b-1": "superseded", "ex-b-2": "valid", "ex-c-1": "valid",
        "ex-d-1": "duplicate",
    }  # fmt: skip
    assert bench.reports[-1].version == bench.version()
