import hashlib
import json
from pathlib import Path

import pytest

from deskwheel import jars
from deskwheel.errors import SetupError
from deskwheel.jars import Jar

CONTENT = {"broker-1.0.jar": b"broker", "clients-2.0.jar": b"clients", "source-3.0.jar": b"source"}
KIND: dict[str, jars.Kind] = {
    "broker-1.0.jar": "kafka",
    "clients-2.0.jar": "kafka",
    "source-3.0.jar": "spark",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock of three toy jars and an empty cache."""
    lock = tmp_path / "jars.lock"
    wanted = [Jar(KIND[name], name, hashlib.sha256(CONTENT[name]).hexdigest()) for name in CONTENT]
    lock.write_text(jars.write_lock(wanted))
    monkeypatch.setattr(jars, "LOCK", lock)
    monkeypatch.setenv(jars.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_jars_are_copied_from_a_flat_folder(source: Path) -> None:
    folders = jars.ensure_jars(source)
    assert names(folders["kafka"]) == {"broker-1.0.jar", "clients-2.0.jar"}
    assert names(folders["spark"]) == {"source-3.0.jar"}
    assert jars.jar_dir("spark") == folders["spark"]


def test_jars_are_copied_from_one_folder_per_kind(source: Path) -> None:
    for name, kind in KIND.items():
        (source / kind).mkdir(exist_ok=True)
        (source / name).rename(source / kind / name)
    assert names(jars.ensure_jars(source)["kafka"]) == {"broker-1.0.jar", "clients-2.0.jar"}


def test_a_second_call_needs_no_source(source: Path, tmp_path: Path) -> None:
    first = jars.ensure_jars(source)
    assert jars.ensure_jars(tmp_path / "gone") == first


def test_a_changed_jar_is_refused_and_nothing_is_kept(source: Path, cache: Path) -> None:
    (source / "broker-1.0.jar").write_bytes(b"tampered")
    with pytest.raises(SetupError, match=r"broker-1\.0\.jar has SHA-256 .* nothing was kept"):
        jars.ensure_jars(source)
    assert not list(cache.rglob("broker-1.0.jar"))
    assert not list(cache.rglob(".kafka-*"))


def test_a_missing_jar_is_named_with_where_it_was_looked_for(source: Path) -> None:
    (source / "source-3.0.jar").unlink()
    with pytest.raises(SetupError, match=r"source-3\.0\.jar is neither in .*spark nor in .*source"):
        jars.ensure_jars(source)


def test_an_incomplete_folder_is_filled_again(source: Path) -> None:
    folder = jars.ensure_jars(source)["kafka"]
    (folder / "broker-1.0.jar").unlink()
    with pytest.raises(SetupError, match=r"1 of 2 kafka jars .*broker-1\.0\.jar.*make setup"):
        jars.jar_dir("kafka")
    jars.ensure_jars(source)
    assert names(jars.jar_dir("kafka")) == {"broker-1.0.jar", "clients-2.0.jar"}


def test_a_changed_lock_uses_a_new_folder(source: Path) -> None:
    before = jars.ensure_jars(source)["kafka"]
    jars.LOCK.write_text(jars.LOCK.read_text() + "# pinned anew\n")
    with pytest.raises(SetupError, match="make setup"):
        jars.jar_dir("kafka")
    assert jars.ensure_jars(source)["kafka"] != before


def test_a_broken_lock_line_is_named_with_its_number() -> None:
    with pytest.raises(SetupError, match=r"jars\.lock:2 is 'flink abc x\.jar'"):
        jars.read_lock("# header\nflink abc x.jar\n")


def test_a_lock_reads_back_as_it_was_written() -> None:
    wanted = [Jar("spark", "b.jar", "2" * 64), Jar("kafka", "a.jar", "1" * 64)]
    assert set(jars.read_lock(jars.write_lock(wanted))) == set(wanted)


def test_the_cache_follows_the_desktop_convention(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(jars.CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert jars.cache_root() == Path("/somewhere/deskwheel")


def test_a_mirror_address_is_quoted() -> None:
    assert 'root="http://127.0.0.1/m2?a&amp;b"' in jars.mirror_settings("http://127.0.0.1/m2?a&b")


def test_an_unreachable_mirror_names_the_two_ways_out(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setenv(jars.MIRROR_VARIABLE, "http://127.0.0.1:9/m2")
    with pytest.raises(SetupError, match=r"DESKWHEEL_MAVEN_MIRROR .* --from DIR"):
        jars.ensure_jars(say=lambda line: None)
    assert not list(cache.rglob("*.jar"))


def test_the_command_prints_the_folders_as_json(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert jars.main(["--from", str(source), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == {kind: str(jars.jar_dir(kind)) for kind in jars.KINDS}


def test_the_command_reports_an_error_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert jars.main(["--from", str(tmp_path / "empty")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
