from pathlib import Path

import pytest

from deskwheel.errors import SetupError
from deskwheel.java import find_java, java_version


def fake_java(folder: Path, says: str) -> Path:
    program = folder / "java"
    folder.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_391"', 8),
        ("Unable to locate a Java Runtime.", None),
    ],
)
def test_feature_version_is_read_from_what_java_prints(
    tmp_path: Path, says: str, version: int | None
) -> None:
    assert java_version(fake_java(tmp_path, says)) == version


def test_a_program_that_cannot_start_has_no_version(tmp_path: Path) -> None:
    assert java_version(tmp_path / "missing") is None


def test_java_home_wins_over_path(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "home" / "bin", 'openjdk version "21.0.1"')
    fake_java(tmp_path / "path", 'openjdk version "17.0.1"')
    environ = {"JAVA_HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "path")}
    assert find_java(environ) == home


def test_path_is_searched_when_java_home_is_unset(tmp_path: Path) -> None:
    on_path = fake_java(tmp_path / "path", 'openjdk version "17.0.1"')
    assert find_java({"PATH": str(tmp_path / "path")}) == on_path


def test_an_old_java_home_is_refused_although_path_has_a_new_one(tmp_path: Path) -> None:
    fake_java(tmp_path / "home" / "bin", 'openjdk version "11.0.2"')
    fake_java(tmp_path / "path", 'openjdk version "17.0.1"')
    environ = {"JAVA_HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "path")}
    with pytest.raises(SetupError, match=r"JAVA_HOME=.* is Java 11, too old; install Java 17"):
        find_java(environ)


def test_a_missing_java_names_the_cure(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no java program in PATH; install Java 17"):
        find_java({"PATH": str(tmp_path)})
