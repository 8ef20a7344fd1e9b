"""The law of the house: who may import whom, who writes what, and what a help text may cost."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from deskwheel import tables, topics
from deskwheel.tables import TABLES, Table
from deskwheel.topics import TOPICS

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("ingest", "transforms", "validate", "train", "deploy")
PACKAGES = ("deskwheel", *STAGES)
ENGINES = {
    "datasets", "deltalake", "great_expectations", "kafka", "mlflow", "numpy", "pandas", "peft",
    "pyarrow", "pyspark", "ray", "scipy", "sklearn", "sqlalchemy", "torch", "transformers", "trl",
}  # fmt: skip
WRITING_CALLS = {"ensure", "append", "write_once", "Intake"}
"""What creates or fills the table that it is given."""

MAX_LINES = 400


def modules(package: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"), str(path))


def calls(tree: ast.Module, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in names:
                yield node


def constants(call: ast.Call) -> set[str]:
    """Names in capitals among a call's arguments."""
    given = [*call.args, *(k.value for k in call.keywords)]
    names = (n for a in given for n in ast.walk(a) if isinstance(n, ast.Name | ast.Attribute))
    return {n.attr if isinstance(n, ast.Attribute) else n.id for n in names}


def is_installed() -> bool:
    try:
        metadata.version("deskwheel")
    except metadata.PackageNotFoundError:
        return False
    return True


def constant_of(table: Table) -> str:
    (name,) = (k for k, v in vars(tables).items() if v is table)
    return name


def test_imports_obey_the_contracts() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_a_table_is_written_by_its_stage_alone(table: Table) -> None:
    name = constant_of(table)
    writers = {
        package
        for package in PACKAGES
        for _, tree in modules(package)
        for call in calls(tree, WRITING_CALLS)
        if name in constants(call)
    }
    assert writers == {table.writer}


def test_two_topics_never_share_a_name_and_each_has_one_writing_stage() -> None:
    assert len({t.name for t in TOPICS}) == len(TOPICS)
    assert {t.writer for t in TOPICS} - {"all"} <= set(STAGES)
    assert [t for t in TOPICS if t.writer == "all"] == [topics.EVENTS]


def test_spark_writes_kafka_only_for_dead_letters() -> None:
    """A sink of Spark is `….write.format("kafka")`; a source goes through `readStream`."""
    sinks = [
        path.relative_to(ROOT).as_posix()
        for package in STAGES
        for path, tree in modules(package)
        for call in calls(tree, {"format"})
        if constants_text(call) == {"kafka"} and "write" in ast.unparse(call.func)
    ]
    assert sinks == ["transforms/intake.py"]


PUBLISHING_CALLS = {"publish", "publish_bytes"}


def test_only_a_topics_writer_hands_events_to_the_broker() -> None:
    """Raw events come from ingest and feedback from deploy; `Publisher` is the one door."""
    callers = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path, tree in modules(package)
        for call in calls(tree, PUBLISHING_CALLS)
        if isinstance(call.func, ast.Attribute)
    }
    assert {c for c in callers if not c.startswith("ingest/")} == {"deploy/feedback.py"}


def test_deploy_publishes_feedback_alone() -> None:
    ((_, tree),) = [m for m in modules("deploy") if m[0].name == "feedback.py"]
    named = [constants(call) for call in calls(tree, PUBLISHING_CALLS)]
    assert [names & set(vars(topics)) for names in named] == [{"FEEDBACK"}]
    assert topics.FEEDBACK.writer == "deploy"


def constants_text(call: ast.Call) -> set[str]:
    return {a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}


def test_a_topic_is_named_in_one_place() -> None:
    names = {t.name for t in TOPICS} - {topics.FEEDBACK.name}  # `feedback` is a word as well
    named = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path, tree in modules(package)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in names
    }
    assert named <= {"deskwheel/topics.py"}


@pytest.mark.parametrize("stage", PACKAGES)
def test_help_imports_no_engine(stage: str) -> None:
    module = "deskwheel.cli" if stage == "deskwheel" else stage
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", module, "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "argparse" in loaded, "the report of imports was not read"
    assert not loaded & ENGINES


@pytest.mark.parametrize("package", PACKAGES)
def test_an_import_inside_the_tests_finds_the_stage(package: str) -> None:
    """Folders of tests bear the same names; without their `__init__.py` they would win."""
    found = importlib.import_module(package).__file__
    assert found == str(ROOT / package / "__init__.py")


@pytest.mark.skipif(not is_installed(), reason="deskwheel is not installed; run `make setup`")
@pytest.mark.parametrize("package", PACKAGES)
def test_an_import_from_any_folder_finds_the_stage(package: str, tmp_path: Path) -> None:
    """`configobj`, for one, installs a top-level `validate`."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {package}; print({package}.__file__)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == str(ROOT / package / "__init__.py")


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {p.parent for p in (ROOT / "tests").rglob("*.py")}
    assert [f for f in sorted(folders) if not (f / "__init__.py").exists()] == []


@pytest.mark.parametrize("package", [*PACKAGES, "tests", "benchmarks", "infra"])
def test_a_file_can_be_read_in_one_sitting(package: str) -> None:
    lines = {path.name: len(path.read_text("utf-8").splitlines()) for path, _ in modules(package)}
    assert {name: n for name, n in lines.items() if n > MAX_LINES} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_ray_train_is_imported_as_a_module(package: str) -> None:
    """`from ray import train` would shadow our own stage."""
    bad = [
        f"{path.name}:{node.lineno}"
        for path, tree in modules(package)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "ray"
        and any(alias.name == "train" for alias in node.names)
    ]  # fmt: skip
    assert bad == []
