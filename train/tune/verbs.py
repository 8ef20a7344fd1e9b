"""Verb `tune`: search for the settings of a fine-tune, or show what an earlier search has found."""

import argparse
import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from deskwheel.settings import Settings
from deskwheel.stage import EXIT_RETRY
from deskwheel.state import State
from train.tune.kept import Search, best_trial, read_search, to_plain, tuned_values, write_search
from train.tune.plot import losses_picture
from train.tune.table import print_search
from train.tune.wanted import Wanted, wanted_search

_WIDTH = 160
"""Of a table that is read by no terminal."""


def tune(settings: Settings, arguments: argparse.Namespace) -> int:
    """`python -m train tune`; status 1 when no trial came to its end, 75 when it was broken off."""
    wanted = wanted_search(
        settings,
        snapshot_id=arguments.snapshot,
        data_file=None if arguments.data is None else Path(arguments.data),
        trials=arguments.trials,
        grid=arguments.grid,
    )
    state = State(settings.pipeline.state_url)
    try:
        search = None if arguments.force else read_search(state, wanted.empty.key)
        if search is not None and _is_answered(search, wanted):
            _say(f"known from {search.snapshot_id}; --force searches anew")
        else:
            # Loads Ray, which what is known already does not need.
            run = importlib.import_module("train.tune.run")
            search = run.search_settings(settings, wanted, search)
        _show(search, arguments)
        if search.is_done and not search.mlflow_run:
            track = importlib.import_module("train.tune.track")
            write_search(state, replace(search, mlflow_run=track.log_search(settings, search)))
    finally:
        state.close()
    if not search.is_done:
        _say("broken off: the same command goes on with the trials that are missing")
        return EXIT_RETRY
    return int(best_trial(search) is None)


def _is_answered(search: Search, wanted: Wanted) -> bool:
    is_enough = len(search.trials) >= len(wanted.proposals)
    return search.is_done and is_enough and best_trial(search) is not None


def _show(search: Search, arguments: argparse.Namespace) -> None:
    if arguments.plot:
        arguments.plot.parent.mkdir(parents=True, exist_ok=True)
        arguments.plot.write_text(losses_picture(search), encoding="utf-8")
    if arguments.json:
        best = best_trial(search)
        found = None if best is None else {"number": best.proposal.number, **tuned_values(best)}
        print(json.dumps({**to_plain(search), "best": found}))
        return
    # A table that is cut off at 80 columns would lose numbers where nobody looks at them.
    print_search(search, Console(width=None if sys.stdout.isatty() else _WIDTH))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
