from pathlib import Path

import pytest

from deskwheel.errors import ConfigError
from deskwheel.secret import read_secret


def test_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_SECRET", "s3")
    assert read_secret("env:TOY_SECRET", setting="kafka.sasl_password") == "s3"


def test_secret_of_a_file_loses_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("s3\n")
    assert read_secret(f"file:{tmp_path}/s", setting="x") == "s3"


@pytest.mark.parametrize("reference", ["hunter2", "", "env:", "file:", "vault:a"])
def test_secret_itself_is_refused_and_not_repeated(reference: str) -> None:
    with pytest.raises(ConfigError, match="kafka.sasl_password must say where") as found:
        read_secret(reference, setting="kafka.sasl_password")
    assert "hunter2" not in str(found.value)


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "file:/nowhere/at/all"])
def test_place_without_a_secret_is_named(reference: str) -> None:
    with pytest.raises(ConfigError, match=reference):
        read_secret(reference, setting="x")


def test_empty_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "s").write_text(" \n")
    with pytest.raises(ConfigError, match="file is empty"):
        read_secret(f"file:{tmp_path}/s", setting="x")
