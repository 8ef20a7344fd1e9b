"""Verbs `card` and `lineage`: what a run is, and what an adapter comes from.

Reads runs, evaluations, windows, variants, adapters' folders, `snapshots` and
`validated_examples`; writes nothing. Loads no model library.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from deskwheel.errors import ConfigError, StateError
from deskwheel.marks import Shift
from deskwheel.records import Evaluation, Run
from deskwheel.settings import Settings
from deskwheel.state import State
from train.card.facts import card_facts
from train.card.lineage import (
    Traced,
    ancestry,
    describe_run,
    examples_of,
    find_traced,
    known_runs,
    trace_back,
    trace_members,
)
from train.card.page import FACTS, render_card

_SHOWN = 20
"""Members that people see; `--json` gives all."""


def show_card(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `card`: the card of a run, as it was written, or out of its record if it never was.

    Raises:
        StateError: there is no such run.
    """
    state = State(settings.pipeline.state_url)
    try:
        facts = find_facts(settings, state, arguments.run)
    finally:
        state.close()
    print(json.dumps(facts, default=str) if arguments.json else render_card(facts))
    return 0


def find_facts(settings: Settings, state: State, name: str) -> dict[str, Any]:
    """The facts of a run's card, by its id, its window's start or its adapter's folder.

    Raises:
        StateError: there is no such run.
    """
    windows = state.windows(settings.pipeline.name)
    run_id = next((w["run_id"] for w in windows if str(w["from_version"]) == name), None) or name
    found = state.get("run", run_id)
    folders = [Path(name), Path(settings.train.runs_dir) / run_id / "adapter"]
    if found is not None:
        folders.append(Path(unquote(urlparse(found[0]["adapter_uri"]).path)))
    for folder in folders:
        if (folder / FACTS).is_file():
            facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            return facts
    if found is None:
        raise StateError(
            f"no run {name!r} has ended with an adapter here, nor is it a folder with a {FACTS};"
            " `python -m train runs` lists runs"
        )
    return _facts_of_records(settings, state, found[0])


def show_lineage(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `lineage`: from an adapter to its conversations, or back from one of them.

    Raises:
        ConfigError: not exactly one thing is asked about.
        StateError: there is no such run.
        SnapshotError: its snapshot is not in the table.
    """
    asked = [a for a in (arguments.run, arguments.example, arguments.conversation) if a]
    if len(asked) != 1:
        raise ConfigError("name one: a run or an adapter's folder, --example ID, --conversation ID")
    state = State(settings.pipeline.state_url)
    try:
        if arguments.run:
            runs = known_runs(settings, state)
            run = find_traced(runs, arguments.run)
            chain = ancestry(runs, run)
            about = describe_run(settings, state, run)
            _tell_members(settings, about, chain, is_json=arguments.json)
            return 0
        ids = {arguments.example} if arguments.example else None
        ids = ids or examples_of(settings.pipeline.lake, arguments.conversation)
        found = trace_back(settings, state, ids)
    finally:
        state.close()
    print(json.dumps(found) if arguments.json else "\n".join(_back_lines(found)))
    return 0


def _facts_of_records(settings: Settings, state: State, body: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a run of an older release; environment and packing are not known any more."""
    times = {k: datetime.fromisoformat(str(body[k])) for k in ("started_at", "finished_at")}
    run = Run(**{**body, **times})
    evaluations = state.documents("evaluation").values()
    judged = next((e for e in evaluations if e["run_id"] == run.run_id), None)
    curve = state.get("loss_curve", run.run_id)
    points = [] if curve is None else curve[0]["points"]
    return card_facts(
        settings,
        run,
        None if judged is None else _evaluation(judged),
        history=[{"step": step, "loss": loss} for step, loss in points],
        told={},
    )


def _evaluation(body: Mapping[str, Any]) -> Evaluation:
    evaluated_at = datetime.fromisoformat(str(body["evaluated_at"]))
    shifts = [Shift(**shift) for shift in body.get("shifts", ())]
    return Evaluation(**{**body, "evaluated_at": evaluated_at, "shifts": shifts})


def _tell_members(
    settings: Settings, about: Mapping[str, Any], chain: list[Traced], *, is_json: bool
) -> None:
    """Print a run's lineage while it is read: no list of all members is ever in memory."""
    steps = [{"run_id": r.run_id, "snapshot_id": r.snapshot_id} for r in chain]
    members = trace_members(settings.pipeline.lake, chain[0].snapshot_id)
    if is_json:
        head = json.dumps({**about, "chain": steps})
        sys.stdout.write(head[:-1] + ', "members": [')
        for number, member in enumerate(members):
            sys.stdout.write(("" if number == 0 else ", ") + json.dumps(member))
        print("]}")
        return
    print(f"{about['run_id']}  {about['adapter_uri']}  {_served(about)}")
    for step in steps:
        print(f"  run {step['run_id']}  snapshot {step['snapshot_id']}")
    count = 0
    for count, member in enumerate(members, start=1):  # noqa: B007  counted beyond those shown
        if count <= _SHOWN:
            print(
                f"    {member['split']}  example {member['example_id']}"
                f"  conversation {member['conversation_id'] or 'not known'}"
            )
    print(f"{count} examples; all of them with --json")


def _back_lines(found: Mapping[str, Any]) -> list[str]:
    lines = [f"{len(found['examples'])} examples, in {len(found['snapshots'])} snapshots"]
    for snapshot in found["snapshots"]:
        lines.append(f"  snapshot {snapshot['snapshot_id']}: {', '.join(snapshot['examples'])}")
    for run in found["runs"]:
        through = [r for r in run["through"] if r != run["run_id"]]
        note = f"  through {', '.join(through)}" if through else ""
        lines.append(f"  run {run['run_id']}  {_served(run)}  {run['adapter_uri']}{note}")
    return lines


def _served(about: Mapping[str, Any]) -> str:
    roles = [f"{v['role']} {v['name']}" for v in about["variants"]]
    version = f"version {about['model_version']}" if about["model_version"] else "no version"
    return ", ".join([version, *roles])
