from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.config import dump, load
from deskwheel.errors import ConfigError
from deskwheel.settings import Settings

SECTIONS = [f.name for f in fields(Settings)]
EVERY_SETTING = [
    (section, f.name) for section in SECTIONS for f in fields(getattr(Settings(), section))
]


def written(folder: Path, text: str) -> Path:
    file = folder / "deskwheel.toml"
    file.write_text(text, encoding="utf-8")
    return file


def problem(folder: Path, text: str) -> str:
    """The message for a bad file, its folder left out."""
    file = written(folder, text)
    with pytest.raises(ConfigError) as found:
        load(file)
    return str(found.value).replace(str(file), "FILE")


def test_no_file_gives_the_defaults() -> None:
    assert load() == Settings()


def test_a_file_changes_only_what_it_names(tmp_path: Path) -> None:
    settings = load(written(tmp_path, "[train]\nlr = 1e-3\n"))
    assert settings == replace(Settings(), train=replace(Settings().train, lr=1e-3))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[train]\nsteps = 3\nlearning_rate = 1\n", "FILE:3:1: unknown key train.learning_rate."),
        ("[train]\n  step = 3\n", "FILE:2:3: unknown key train.step. Did you mean steps?"),
        ("[kafka]\n[trian]\n", "FILE:2:2: unknown section trian. Did you mean train?"),
        ("[train]\nsteps = 'many'\n", "FILE:2:1: train.steps must be of type int, got 'many'"),
        ("[train]\nsteps = true\n", "FILE:2:1: train.steps must be of type int, got True"),
        ("[train]\nuse_gpu = 1\n", "FILE:2:1: train.use_gpu must be of type bool, got 1"),
        ("[train]\nsteps = 0\n", "FILE:2:1: train.steps must be from 1 to 1000000, got 0"),
        ("[gate]\nalpha = nan\n", "FILE:2:1: gate.alpha must be from 1e-06 to 0.2, got nan"),
        (
            "[transforms]\ncompany_domains = 'acme.example'\n",
            "FILE:2:1: transforms.company_domains must be a list of strings, got 'acme.example'",
        ),
        ("# here\ntrain = 3\n", "FILE:2:1: train is a section; write [train]"),
        ("[train]\nlr = \n", "FILE:2:6: not TOML"),
        ("train.steps = 0\n", "FILE:1:1: train.steps must be from 1"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    assert said in problem(tmp_path, text)


def test_an_unknown_key_lists_the_known_ones(tmp_path: Path) -> None:
    said = problem(tmp_path, "[trigger]\nthreshold = 1\n")
    assert all(f.name in said for f in fields(Settings().trigger))


def test_an_unknown_section_lists_the_known_ones(tmp_path: Path) -> None:
    said = problem(tmp_path, "[airflow]\n")
    assert all(section in said for section in SECTIONS)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: no such file"):
        load(Path("absent.toml"))


def test_a_file_of_another_encoding_is_named(tmp_path: Path) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes(b"[serve]\nsystem_prompt = 'Gr\xfc\xdfe'\n")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 27"):
        load(file)


def test_overrides_win_in_their_order(tmp_path: Path) -> None:
    file = written(tmp_path, "[train]\nsteps = 5\nseed = 5\n")
    settings = load(file, ["train.steps=6", "train.steps=7"])
    assert (settings.train.steps, settings.train.seed) == (7, 5)


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("trigger.max_hours_30d=5", "trigger", "max_hours_30d", 5.0),
        ("train.lr=2e-4", "train", "lr", 2e-4),
        ("train.lr=1", "train", "lr", 1.0),
        ("train.use_gpu=true", "train", "use_gpu", True),
        ("kafka.bootstrap=127.0.0.1:9092", "kafka", "bootstrap", "127.0.0.1:9092"),
        ("train.base_model=org/model-7b", "train", "base_model", "org/model-7b"),
        ('ab.salt="3"', "ab", "salt", "3"),
        (
            'transforms.company_domains=["a.example", "b.example"]',
            "transforms", "company_domains", ("a.example", "b.example"),
        ),
    ],
)  # fmt: skip
def test_an_override_is_read_as_toml_else_as_text(
    override: str, section: str, key: str, value: object
) -> None:
    assert getattr(getattr(load(overrides=[override]), section), key) == value


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("train.lr", "write section.key=value"),
        ("lr=1", "write section.key=value"),
        ("train.epochs=1", "--set train.epochs=1: unknown key train.epochs"),
        ("train.steps=0", "--set train.steps=0: train.steps must be from 1"),
    ],
)
def test_a_wrong_override_is_quoted(override: str, said: str) -> None:
    with pytest.raises(ConfigError) as found:
        load(overrides=[override])
    assert said in str(found.value)


def test_dumped_settings_load_to_equal_ones(tmp_path: Path) -> None:
    settings = load(overrides=["train.lr=0.1", "ab.salt=spring", "train.use_gpu=true"])
    assert load(written(tmp_path, dump(settings))) == settings


@given(text=st.text(st.characters(codec="utf-8")))
def test_any_text_survives_dump_and_load(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    prompted = replace(Settings().serve, system_prompt=text)
    settings = replace(Settings(), serve=prompted)
    file = written(tmp_path_factory.mktemp("dump"), dump(settings))
    assert load(file) == settings


@pytest.mark.parametrize(("section", "key"), EVERY_SETTING, ids=".".join)
def test_every_setting_says_what_it_does(section: str, key: str) -> None:
    (found,) = (f for f in fields(getattr(Settings(), section)) if f.name == key)
    doc = found.metadata["doc"]
    assert doc.endswith(".")
    assert doc[0].isupper() or doc[0] == "`"


@pytest.mark.parametrize(("section", "key"), EVERY_SETTING, ids=".".join)
def test_every_default_is_a_value_that_the_file_may_hold(
    tmp_path: Path, section: str, key: str
) -> None:
    value = getattr(getattr(Settings(), section), key)
    lines = dump(Settings()).split(f"[{section}]\n")[1].split("\n\n")[0].splitlines()
    (line,) = (entry for entry in lines if entry.startswith(f"{key} = "))
    loaded = load(written(tmp_path, f"[{section}]\n{line}\n"))
    assert getattr(getattr(loaded, section), key) == value


def test_nothing_listens_beyond_this_machine_by_default() -> None:
    assert Settings().serve.host == "127.0.0.1"
    assert Settings().kafka.bootstrap.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", ["a/b", "x y", "", "Über", "-a"])
def test_a_pipeline_name_that_cannot_be_a_file_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="pipeline.name"):
        load(None, [f"pipeline.name={name}"])


@pytest.mark.parametrize("tenant", ["", "a b", "../x", "a'b", "x" * 65])
def test_a_tenant_that_would_need_quoting_is_refused(tenant: str) -> None:
    with pytest.raises(ConfigError, match="pipeline.tenant"):
        load(None, [f"pipeline.tenant={tenant}"])


def test_names_that_are_safe_everywhere_are_taken() -> None:
    settings = load(None, ["pipeline.name=mail-2", "pipeline.tenant=Acme_EU.1"])
    assert (settings.pipeline.name, settings.pipeline.tenant) == ("mail-2", "Acme_EU.1")


def test_event_ids_are_not_forgotten_before_the_topics_forget() -> None:
    with pytest.raises(ConfigError, match="dedup_horizon_h must be from 168"):
        load(None, ["transforms.dedup_horizon_h=167"])
