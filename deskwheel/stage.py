"""One command line for every stage: `python -m STAGE VERB --config FILE [--set a.b=c] [--json]`.

Verbs name their function as text, so that `--help` imports no engine and answers at once.
"""

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deskwheel import config
from deskwheel.errors import DeskwheelError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_RETRY = 75
"""EX_TEMPFAIL of sysexits.h: the same command may succeed later."""


@dataclass(frozen=True)
class Option:
    """One argument of a verb, as `ArgumentParser.add_argument` takes it."""

    flags: tuple[str, ...]
    keywords: Mapping[str, Any] = field(default_factory=dict)


def option(*flags: str, **keywords: Any) -> Option:
    """An argument of a verb."""
    return Option(flags, keywords)


@dataclass(frozen=True)
class Verb:
    """What a stage can do: a sentence, `module:function`, and further arguments.

    The function is called as `function(settings, arguments)` and returns an exit status.
    """

    help: str
    target: str
    options: tuple[Option, ...] = ()


def run_stage(
    stage: str, summary: str, verbs: Mapping[str, Verb], argv: Sequence[str] | None = None
) -> int:
    """Parse the command line, load the settings, run the verb, and return the exit status.

    A DeskwheelError becomes one line on standard error and status 1 (75 if retriable), a wrong
    setting status 2.
    """
    arguments = _parser(stage, summary, verbs).parse_args(argv)
    try:
        settings = config.load(arguments.config, arguments.set)
    except DeskwheelError as error:
        print(f"{stage}: {error}", file=sys.stderr)
        return EXIT_USAGE
    module, _, function = verbs[arguments.verb].target.partition(":")
    try:
        return int(getattr(importlib.import_module(module), function)(settings, arguments))
    except DeskwheelError as error:
        print(f"{stage} {arguments.verb}: {error}", file=sys.stderr)
        return EXIT_RETRY if error.retriable else EXIT_FAILED
    except KeyboardInterrupt:
        return 130


def _parser(stage: str, summary: str, verbs: Mapping[str, Verb]) -> argparse.ArgumentParser:
    prog = stage if stage == "deskwheel" else f"python -m {stage}"
    parser = argparse.ArgumentParser(prog=prog, description=summary)
    commands = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, verb in verbs.items():
        command = commands.add_parser(name, help=verb.help, description=verb.help)
        command.add_argument("--config", type=Path, help="TOML file with the settings")
        command.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="SECTION.KEY=VALUE",
            help="override one setting; may be repeated",
        )
        command.add_argument("--json", action="store_true", help="print one JSON value instead")
        for extra in verb.options:
            command.add_argument(*extra.flags, **extra.keywords)
    return parser
