import logging
import shlex
import sys
from pathlib import Path

import pytest

from deskwheel.jars import CACHE_VARIABLE
from train.finetune.native import load_kernels

load_anew = load_kernels.__wrapped__


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache/kernels"


def compiler_that(folder: Path, does: str) -> str:
    """A command that writes down what it is asked for."""
    script = folder / "compiler.py"
    script.write_text(
        f"import shutil, subprocess, sys\nopen({str(folder / 'asked')!r}, 'a').write('x')\n{does}\n"
    )
    return shlex.join([sys.executable, str(script)])


def test_kernels_are_compiled_once_and_kept(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if load_anew() is None:
        pytest.skip("no C compiler")
    (library,) = cache.glob("*.so")
    assert not cache.stat().st_mode & 0o077
    passes_on = "sys.exit(subprocess.call([shutil.which('cc'), *sys.argv[1:]]))"
    monkeypatch.setenv("CC", compiler_that(tmp_path, passes_on))
    assert load_anew() is not None
    # It was asked what it compiles for, and not to compile.
    assert (tmp_path / "asked").read_text() == "x"
    assert list(cache.iterdir()) == [library]


def test_without_a_compiler_there_are_none_and_the_log_says_what_helps(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    with caplog.at_level(logging.INFO):
        assert load_anew() is None
    (line,) = caplog.messages
    assert "none of cc, gcc, clang is on PATH; install a C compiler" in line
    assert not cache.exists()


def test_a_compiler_that_fails_is_quoted_and_leaves_nothing(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refuses = "'-E' in sys.argv or sys.exit('no such option')"
    monkeypatch.setenv("CC", compiler_that(tmp_path, refuses))
    with caplog.at_level(logging.INFO):
        assert load_anew() is None
    assert "ended with 1 (no such option)" in caplog.messages[0]
    assert list(cache.iterdir()) == []


def test_a_library_that_is_none_is_not_loaded(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = "'-E' in sys.argv or open(sys.argv[sys.argv.index('-o') + 1], 'w').write('none')"
    monkeypatch.setenv("CC", compiler_that(tmp_path, writes))
    assert load_anew() is None
