"""The gate's table keeps few files, and its index follows without reading them again."""

from pathlib import Path

import pytest

from deskwheel import lake
from deskwheel.schema import to_table
from deskwheel.tables import VALIDATED
from tests.validate.rows import example
from tests.validate.test_index import entry, judge, rows
from validate.catch_up import catch_up
from validate.commit import compact_when_due
from validate.index import Index, open_index


def test_small_files_are_merged_and_the_index_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_index(tmp_path / "index.sqlite") as index:
        lake.ensure(tmp_path, VALIDATED)
        catch_up(index, tmp_path)
        for name in "abc":
            found = {e.example_id: e for e in [example(name)]}
            judged = rows(judge(index, map(entry, found.values())), found)
            version = lake.append(tmp_path, VALIDATED, to_table(judged, VALIDATED.record))
            assert index.reflects.version == version
            compact_when_due(index, tmp_path, commits=3)
        table = lake.open_table(tmp_path, VALIDATED)
        assert table is not None
        assert (len(table.file_uris()), table.version()) == (1, 4)
        assert index.reflects.version == 4
        monkeypatch.setattr(Index, "take", lambda *_: pytest.fail("files were read again"))
        catch_up(index, tmp_path)
        assert index.count() == 3


@pytest.mark.parametrize("commits", [0, 2])
def test_files_are_left_alone_until_it_is_due(tmp_path: Path, commits: int) -> None:
    with open_index(tmp_path / "index.sqlite") as index:
        found = {"ex-a-1": example("a")}
        judged = rows(judge(index, map(entry, found.values())), found)
        lake.append(tmp_path, VALIDATED, to_table(judged, VALIDATED.record))
        catch_up(index, tmp_path)
        compact_when_due(index, tmp_path, commits=commits)
        assert lake.current_version(tmp_path, VALIDATED) == index.reflects.version == 1
