from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from deskwheel.errors import ConfigError
from deskwheel.settings import REFERENCE, described
from ingest.sources.config import load_source, read_source_file

HEAD = '[source]\nname = "mails"\nkind = "email"\n'


def written(folder: Path, text: str) -> Path:
    file = folder / "source.toml"
    file.write_text(text, encoding="utf-8")
    return file


def problem(folder: Path, text: str) -> str:
    """The message for a bad file, its folder left out."""
    file = written(folder, text)
    with pytest.raises(ConfigError) as found:
        load_source(file, tenant="t")
    return str(found.value).replace(str(file), "FILE")


def test_a_file_names_its_source_its_kind_and_its_options(tmp_path: Path) -> None:
    source = load_source(written(tmp_path, HEAD + '[options]\npath = "in"\n'), tenant="t")
    assert (source.name, source.kind, source.tenant) == ("mails", "email", "t")
    assert source.options.path == "in"
    assert source.folder == tmp_path


@pytest.mark.parametrize(("line", "is_spooled"), [("", False), ("spool = true\n", True)])
def test_a_source_waits_unless_its_file_wants_a_spool(
    tmp_path: Path, line: str, is_spooled: bool
) -> None:
    text = HEAD + line + '[options]\npath = "in"\n'
    assert load_source(written(tmp_path, text), tenant="t").is_spooled is is_spooled


def test_the_tenant_of_the_file_holds_against_that_of_the_pipeline(tmp_path: Path) -> None:
    text = HEAD + 'tenant = "acme"\n[options]\npath = "in"\n'
    assert load_source(written(tmp_path, text), tenant="t").tenant == "acme"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "FILE:1:1: source.name is missing; Name of the source"),
        ("[source]\nname = 'a b'\n", "FILE:2:1: source.name must be text of the form"),
        ("[source]\nname='a'\nkind='emial'\n", "FILE:3:1: unknown kind of source emial. Did you"),
        ("[source]\nname = 'a'\n", "unknown kind of source (none given)"),
        ("[source]\nnmae = 'a'\n", "FILE:2:1: unknown key source.nmae. Did you mean name?"),
        (HEAD + "[option]\n", "FILE:4:2: unknown section option. Did you mean options?"),
        (HEAD, "options.path is missing; File or folder"),
        (HEAD + "[options]\npath = 7\n", "FILE:5:1: options.path must be of type str, got 7"),
        (HEAD + "[options]\npath = 'a'\npoll = 1\n", ":6:1: unknown key options.poll. Did you"),
        (HEAD + "[options]\npath = 'a'\npoll_s = -1\n", ":6:1: options.poll_s must be from 0.01"),
        (HEAD + "options = 3\n", "FILE:4:1"),
        ("[source\n", "not TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    assert said in problem(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: no such file"):
        load_source(tmp_path / "nowhere.toml", tenant="t")


def test_a_folder_is_no_source_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="directory"):
        load_source(tmp_path, tenant="t")


@dataclass(frozen=True)
class ToyOptions:
    fields: Mapping[str, str] = described({"a": "b"}, "Toy table.")
    secret: str = described("", "Toy secret.", pattern=REFERENCE)


TOY = "[source]\nname = 'a'\nkind = 'toy'\n"


def test_an_option_may_be_a_table_of_texts(tmp_path: Path) -> None:
    file = written(tmp_path, TOY + '[options.fields]\nx = "$.y"\n"a.b" = "$.c"\n')
    _, options = read_source_file(file, {"toy": ToyOptions})
    assert options.fields == {"x": "$.y", "a.b": "$.c"}


def test_a_table_that_is_left_out_keeps_its_default(tmp_path: Path) -> None:
    _, options = read_source_file(written(tmp_path, TOY), {"toy": ToyOptions})
    assert options.fields == {"a": "b"}


def test_a_table_of_something_else_is_refused_with_its_place(tmp_path: Path) -> None:
    file = written(tmp_path, TOY + "[options.fields]\nx = 3\n")
    with pytest.raises(ConfigError, match=r"toml:4:2: options\.fields must be a table of strings"):
        read_source_file(file, {"toy": ToyOptions})


def test_a_secret_in_the_wrong_place_is_not_shown(tmp_path: Path) -> None:
    file = written(tmp_path, TOY + "[options]\nsecret = 'hunter2'\n")
    with pytest.raises(ConfigError, match=r"options\.secret must be") as found:
        read_source_file(file, {"toy": ToyOptions})
    assert "hunter2" not in str(found.value)
