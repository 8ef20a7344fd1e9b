"""Verb `annotate`: plan, export, import, serve, and what comes of the answers.

Reads and writes what the modules that it calls do; prints text, or one JSON value with `--json`.
"""

import socket
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from deskwheel.annotations import AnnotationTask
from deskwheel.errors import ConfigError, SetupError
from deskwheel.settings import Settings
from validate.annotation import argilla, entry, label_studio, report, store
from validate.annotation.annotators import annotator_key, annotator_keys
from validate.annotation.draw import Order, draw_plan
from validate.annotation.intake import Given, take_in
from validate.annotation.server import create_app
from validate.annotation.shown import Shown, shown_examples

_REFUSED = 1


def annotate(settings: Settings, arguments: Namespace) -> int:
    """Do what `action` says and return the exit status."""
    return ACTIONS[arguments.action](settings, arguments)


def plan(settings: Settings, arguments: Namespace) -> int:
    """Draw a plan, and print what it holds."""
    if arguments.size < 1:
        raise ConfigError(f"--size {arguments.size}: a plan asks about 1 example or more")
    order = Order(
        strategy=arguments.strategy,
        purpose=arguments.purpose,
        size=arguments.size,
        annotators=annotator_keys(arguments.annotators, settings.pipeline.secrets_dir),
        seed=arguments.seed,
        near=arguments.near,
    )
    drawn = draw_plan(settings, order, now=_now())
    facts = {"plan_id": drawn.plan_id, "is_new": drawn.is_new, **drawn.counts()}
    if drawn.is_new:
        told = {"strategy": order.strategy, "purpose": order.purpose, **drawn.counts()}
        report.tell(settings, "annotation_planned", drawn.plan_id, told)
    report.say(
        arguments.json,
        {**facts, "left_out": dict(drawn.left_out)},
        f"{drawn.plan_id}{'' if drawn.is_new else ' (stored before)'}: {facts['examples']}"
        f" examples, {facts['doubled']} asked twice, {facts['gold']} hidden gold,"
        f" {facts['tasks']} tasks",
        *(f"left out, {why}: {count}" for why, count in drawn.left_out.items()),
    )
    return 0


def export(settings: Settings, arguments: Namespace) -> int:
    """Write a plan's tasks for a labelling tool."""
    tasks = _tasks(settings, arguments)
    if arguments.annotator:
        key = annotator_key(arguments.annotator, settings.pipeline.secrets_dir)
        tasks = [task for task in tasks if task.annotator_key == key]
        if not tasks:
            raise ConfigError(f"--annotator {arguments.annotator}: has no task in the plan")
    by_annotator = _by_annotator(settings, tasks)
    if arguments.format == "mlflow":
        from validate.annotation import mlflow_queue  # noqa: PLC0415  seconds to import

        names = mlflow_queue.write(
            settings.train.mlflow_uri,
            by_annotator,
            pipeline=settings.pipeline.name,
            plan_id=tasks[0].plan_id,
            categories=settings.validate.annotation_categories,
        )
        report.say(arguments.json, {"queues": names}, *(f"review queue {n!r}" for n in names))
        return 0
    folder = Path(_needed(arguments, "to"))
    folder.mkdir(parents=True, exist_ok=True)
    items = {item.example_id: item for found in by_annotator.values() for item in found}
    write = {"label-studio": label_studio.write, "argilla": argilla.write}[arguments.format]
    paths = write(folder, list(items.values()), categories=settings.validate.annotation_categories)
    files = [str(path) for path in paths]
    facts = {"examples": len(items), "files": files}
    report.say(arguments.json, facts, f"{len(items)} examples", *files)
    return 0


def take(settings: Settings, arguments: Namespace) -> int:
    """Take answers of a labelling tool in; status 1 if any was refused."""
    tasks = _tasks(settings, arguments)
    taken = take_in(
        settings,
        _given(settings, arguments, tasks),
        plan_id=tasks[0].plan_id,
        source=arguments.format,
        now=_now(),
    )
    if taken.stored or taken.refused:
        counts = {"stored": taken.stored, "known": taken.known, "refused": len(taken.refused)}
        told = {"source": arguments.format, **counts}
        report.tell(settings, "annotations_taken", tasks[0].plan_id, told)
    report.say(
        arguments.json,
        asdict(taken),
        *taken.refused,
        *taken.notes,
        f"{taken.stored} stored, {taken.known} known already, {len(taken.refused)} refused",
    )
    return _REFUSED if taken.refused else 0


def token(settings: Settings, arguments: Namespace) -> int:
    """Print the token with which an annotator enters the page."""
    secrets_dir = settings.pipeline.secrets_dir
    key = annotator_key(_needed(arguments, "annotator"), secrets_dir)
    made = entry.token_of(entry.annotation_secret(secrets_dir), key)
    report.say(arguments.json, {"annotator": key, "token": made}, made)
    return 0


def serve(settings: Settings, arguments: Namespace) -> int:
    """Serve the page on 127.0.0.1 until a signal."""
    app = create_app(settings)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", arguments.port))
        except (OSError, OverflowError) as error:
            raise SetupError(
                f"port {arguments.port} of 127.0.0.1: {error}; give another --port"
            ) from error
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        report.say(arguments.json, {"url": url}, url)
        config = uvicorn.Config(app, log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _tasks(settings: Settings, arguments: Namespace) -> list[AnnotationTask]:
    """Tasks of the plan."""
    plan_id = _needed(arguments, "plan")
    tasks = store.read_tasks(settings.pipeline.lake, plan_id)
    if not tasks:
        plans = sorted({t.plan_id for t in store.read_tasks(settings.pipeline.lake)})
        raise ConfigError(f"--plan {plan_id}: no such plan; known are {', '.join(plans) or 'none'}")
    return tasks


def _by_annotator(settings: Settings, tasks: list[AnnotationTask]) -> dict[str, list[Shown]]:
    shown = shown_examples(settings.pipeline.lake, {t.example_id for t in tasks})
    found: dict[str, list[Shown]] = {}
    for task in tasks:
        if task.example_id in shown:
            found.setdefault(task.annotator_key, []).append(shown[task.example_id])
    return found


def _given(
    settings: Settings, arguments: Namespace, tasks: list[AnnotationTask]
) -> Iterator[Given | str]:
    if arguments.format == "mlflow":
        from validate.annotation import mlflow_queue  # noqa: PLC0415  seconds to import

        return mlflow_queue.read(
            settings.train.mlflow_uri,
            pipeline=settings.pipeline.name,
            plan_id=tasks[0].plan_id,
            annotators=sorted({t.annotator_key for t in tasks}),
        )
    read = {"label-studio": label_studio.read, "argilla": argilla.read}[arguments.format]
    return read(Path(_needed(arguments, "file")), annotator=arguments.annotator)


def _needed(arguments: Namespace, name: str) -> str:
    value = getattr(arguments, name)
    if not value:
        flag = "FILE" if name == "file" else f"--{name}"
        raise ConfigError(f"annotate {arguments.action}: {flag} is missing")
    return str(value)


def _now() -> datetime:
    return datetime.now(UTC)


ACTIONS: Mapping[str, Callable[[Settings, Namespace], int]] = {
    "plan": plan,
    "export": export,
    "import": take,
    "token": token,
    "serve": serve,
    "progress": report.progress,
    "agreement": report.agree,
    "adjudicate": report.adjudicate,
    "labels": report.labels,
}
"""Word on the command line → what it does."""
