"""What a commit changed, read from its own file."""

from pathlib import Path

from deskwheel import lake
from deskwheel.commit_log import change_of, has_commits
from deskwheel.tables import FEEDBACK
from tests.deskwheel.test_lake import rows


def fill(folder: Path, *numbers: int) -> None:
    for number in numbers:
        lake.append(folder, FEEDBACK, rows(number))


def test_a_commit_tells_its_new_files_and_a_merge_none(tmp_path: Path) -> None:
    fill(tmp_path, 1, 2)
    table = lake.open_table(tmp_path, FEEDBACK)
    assert table is not None
    changes = [change_of(tmp_path, FEEDBACK, version) for version in range(3)]
    added = [path for change in changes if change for path in change.added]
    assert sorted(added) == sorted(table.file_uris())
    assert all(Path(path).exists() for path in added)
    lake.compact(tmp_path, FEEDBACK)
    merge = change_of(tmp_path, FEEDBACK, 3)
    assert merge is not None
    assert (merge.added, merge.has_deleted) == ((), False)


def test_rows_that_go_are_told_and_no_two_commits_are_alike(tmp_path: Path) -> None:
    fill(tmp_path, 1, 2)
    table = lake.open_table(tmp_path, FEEDBACK)
    assert table is not None
    table.delete("feedback_id = 'f-1'")
    changes = [change_of(tmp_path, FEEDBACK, version) for version in range(4)]
    assert [change.has_deleted for change in changes if change] == [False, False, False, True]
    assert len({change.digest for change in changes if change}) == 4


def test_a_commit_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert not has_commits(tmp_path, FEEDBACK)
    assert change_of(tmp_path, FEEDBACK, 0) is None
    fill(tmp_path, 1)
    assert has_commits(tmp_path, FEEDBACK)
    assert change_of(tmp_path, FEEDBACK, 2) is None
