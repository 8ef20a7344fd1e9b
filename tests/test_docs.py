"""The written face under test: links, commands, settings and reasons exist; no address leaks in."""

import importlib
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from deskwheel import reasons, reference
from deskwheel.settings import Settings
from deskwheel.stage import Verb
from ingest.sources import SOURCES, webhook
from ingest.sources.config import read_source_file
from ingest.sources.webhook import WebhookOptions

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("ingest", "transforms", "validate", "train", "deploy")
COMMON_FLAGS = {"--config", "--set", "--json", "--help"}
BINARY = {".safetensors", ".png", ".ico", ".gz"}
LONG_PAGE_LINES = 150


def tracked() -> list[Path]:
    """Files of the repository, new ones included; without git, those that docs are made of."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git repository")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def pages() -> list[Path]:
    found = [
        ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
    ]
    return [*found, *sorted((ROOT / "docs").glob("*.md")), ROOT / "infra" / "README.md"]


def long_pages() -> list[Path]:
    """Pages of docs/ that nobody looks through."""
    found = sorted((ROOT / "docs").glob("*.md"))
    return [p for p in found if p.read_text(encoding="utf-8").count("\n") > LONG_PAGE_LINES]


each_page = pytest.mark.parametrize("page", pages(), ids=lambda p: p.relative_to(ROOT).as_posix())


def unfenced(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def prose(page: Path) -> str:
    """A page without its fenced blocks and code spans."""
    return re.sub(r"`[^`\n]+`", "", unfenced(page))


def commands(page: Path) -> Iterator[list[str]]:
    """Words of each command in a shell block or a code span, comments left out."""
    text = page.read_text(encoding="utf-8")
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, flags=re.M | re.S):
        if language in {"", "sh"}:
            for line in block.replace("\\\n", " ").splitlines():
                yield words(line)
    for span in re.findall(r"`([^`\n]+)`", unfenced(page)):
        yield words(span)


def words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return line.split()


def stage_calls(page: Path) -> Iterator[tuple[str, list[str]]]:
    """(stage, words after it) of each call of a stage or of the operator's command."""
    for found in commands(page):
        if len(found) > 1 and Path(found[0]).name == "deskwheel":
            yield "deskwheel", found[1:]
        elif found[1:2] == ["-m"] and Path(found[0]).name == "python" and found[2:3]:
            if found[2] in STAGES and len(found) > 3:
                yield found[2], found[3:]


def verbs(stage: str) -> dict[str, Verb]:
    name = "deskwheel.cli" if stage == "deskwheel" else f"{stage}.__main__"
    found: dict[str, Verb] = importlib.import_module(name).VERBS
    return found


def anchors(page: Path) -> set[str]:
    """Anchors that a forge makes of a page's headings."""
    return set(map(anchor_of, re.findall(r"^#+ +(.*)$", unfenced(page), flags=re.M)))


def anchor_of(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@each_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(found), f"{page.name}: {target}"


def test_every_page_that_a_file_names_exists_with_its_section() -> None:
    """Messages, docstrings and scripts send people to a page and its section, too."""
    broken = []
    for path in tracked():
        if path.suffix in BINARY:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for name, anchor in re.findall(r"\bdocs/([\w-]+\.md)(?:#([\w-]+))?", text):
            page = ROOT / "docs" / name
            if not page.exists() or (anchor and anchor not in anchors(page)):
                broken.append(f"{path.relative_to(ROOT)}: docs/{name}#{anchor}")
    assert broken == []


@pytest.mark.parametrize("page", long_pages(), ids=lambda p: p.name)
def test_a_long_page_lists_its_sections_first(page: Path) -> None:
    head, *rest = re.split(r"^## ", unfenced(page), flags=re.M)
    titles = [part.partition("\n")[0] for part in rest]
    listed = set(re.findall(r"\]\(#([^)\s]+)\)", head))
    missing = [f"[{t}](#{anchor_of(t)})" for t in titles if anchor_of(t) not in listed]
    assert missing == [], f"list these at the top of docs/{page.name}"


def test_every_page_stands_on_the_map() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    places = text.partition("\n## Where to find what\n")[2].partition("\n## ")[0]
    found = {page.name for page in (ROOT / "docs").glob("*.md")} - {"operations.md"}
    assert {name for name in found if f"]({name})" not in places} == set()


@each_page
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    called = {c[1] for c in commands(page) if c[:1] == ["make"] and len(c) > 1}
    assert {name for name in called if "=" not in name} <= targets


@each_page
def test_every_command_exists_with_its_options(page: Path) -> None:
    for stage, arguments in stage_calls(page):
        verb = arguments[0]
        if verb.startswith("-") or not verb.islower():
            assert verb in {"--help", "--version", "VERB", "STAGE"}, f"{page.name}: {stage} {verb}"
            continue
        assert verb in verbs(stage), f"{page.name}: {stage} {verb}"
        known = {flag for o in verbs(stage)[verb].options for flag in o.flags} | COMMON_FLAGS
        used = {a.partition("=")[0] for a in arguments[1:] if re.match(r"--?[a-z]", a)}
        assert used <= known, f"{page.name}: {stage} {' '.join(arguments)}"


@each_page
def test_every_module_that_is_called_exists(page: Path) -> None:
    for found in commands(page):
        if found[1:2] == ["-m"] and Path(found[0]).name == "python":
            module = found[2] if len(found) > 2 else ""
            if module.partition(".")[0] in {*STAGES, "deskwheel", "benchmarks"}:
                path = ROOT / module.replace(".", "/")
                is_there = path.with_suffix(".py").exists() or path.is_dir() or "NAME" in module
                assert is_there, f"{page.name}: python -m {module}"


def test_every_verb_stands_on_a_page() -> None:
    called = {(stage, a[0]) for page in pages() for stage, a in stage_calls(page)}
    known = {(stage, verb) for stage in (*STAGES, "deskwheel") for verb in verbs(stage)}
    assert known - called == set()


def test_the_generated_parts_are_what_the_code_says() -> None:
    page = ROOT / "docs" / "reference.md"
    text = page.read_text(encoding="utf-8")
    cure = "run `python -m deskwheel.reference docs/reference.md`"
    assert reference.fill(text) == text, cure


def test_every_setting_is_described() -> None:
    text = reference.settings_reference()
    for section, values in vars(Settings()).items():
        part = text.partition(f"### `[{section}]`")[2].partition("### ")[0]
        assert part
        assert [key for key in vars(values) if f"| `{key}` |" not in part] == []


def test_every_reason_is_described() -> None:
    text = reference.reasons_reference()
    assert [code for code in reasons.MEANING if f"| `{code}` |" not in text] == []


def test_source_files_of_the_ingest_page_are_valid(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "ingest.md").read_text(encoding="utf-8")
    section = text.partition("\n## Connect a source\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```toml\n(.*?)^```", section, flags=re.M | re.S)
    kinds = {**{kind: s.options for kind, s in SOURCES.items()}, webhook.KIND: WebhookOptions}
    shown = set()
    for block in blocks:
        file = tmp_path / "source.toml"
        file.write_text(block, encoding="utf-8")
        head, _ = read_source_file(file, kinds)
        shown.add(head.kind)
        assert len(block.strip().splitlines()) <= 10, f"{head.kind}: more than ten lines"
    assert {"imap", "mbox", "chat", "call", "twilio"} <= shown
    named = {kind for kind in kinds if f"`{kind}`" in text or f'"{kind}"' in text}
    assert set(kinds) - named == set()


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(Exception, match="put the markers back"):
        reference.fill("# nothing here")


def test_settings_named_in_prose_exist() -> None:
    sections = "|".join(vars(Settings()))
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for section, key in re.findall(rf"`(?:--set )?({sections})\.([a-z_]+)(?=[=` ])", text):
            is_module = (ROOT / section / f"{key}.py").exists() or (ROOT / section / key).is_dir()
            is_setting = hasattr(getattr(Settings(), section), key)
            assert is_setting or is_module, f"{page.name}: {section}.{key}"


def test_the_picture_is_well_formed_and_loads_nothing() -> None:
    picture = (ROOT / "docs" / "flow.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(picture).tag.endswith("svg")  # noqa: S314  our own file
    assert "prefers-color-scheme: dark" in picture
    assert not re.search(r"@import|@font-face|url\((?!#)|<image|<script|href=", picture)


def test_no_file_names_a_registry_or_a_developers_machine() -> None:
    """Split, so that this file does not name them either."""
    hosts = ("pypi" + r"\.org", "python" + "hosted", "repo1" + r"\.maven", r"repo\.maven")
    hosts += (r"maven\.org", "download" + r"\.pytorch", r"conda\." + "anaconda")
    places = ("/ro" + "ot/", "/ho" + r"me/[a-z]+/", "/Us" + r"ers/[a-z]+/", "/wo" + "rk/")
    pattern = re.compile("|".join((*hosts, *places)))
    found = []
    for path in tracked():
        if path.suffix in BINARY:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {m[0]}" for m in pattern.finditer(text)]
    assert found == []


def test_only_files_that_a_person_would_keep_are_tracked() -> None:
    heavy = [p for p in tracked() if p.stat().st_size > 16 * 1024 * 1024]
    assert heavy == []
