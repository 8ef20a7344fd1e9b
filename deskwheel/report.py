"""A report: the console's page as one file that needs nothing else, to keep or to send.

Reads what `deskwheel.console.facts` reads; writes no table or topic.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deskwheel.console.facts import snapshot_of
from deskwheel.console.page import render_page
from deskwheel.process import write_whole
from deskwheel.settings import Settings

__all__ = ["run", "snapshot_of", "write_report"]


def write_report(path: Path, facts: Mapping[str, Any]) -> Path:
    """Write the facts of a moment as a page of HTML and return its path; overwrites.

    Args:
        path: file to write; its folder is created.
        facts: what `snapshot_of` returned.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, render_page(facts))
    return path


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `report`: write the page and print where it is, or print its facts as JSON."""
    facts = snapshot_of(settings)
    if arguments.json:
        print(json.dumps(facts, default=str))
        return 0
    print(write_report(arguments.out, facts))
    return 0
