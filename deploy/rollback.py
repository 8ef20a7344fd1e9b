"""Takes the challenger out: from the next poll on the champion answers everybody.

Writes the split, the variants' roles and the timeline.
"""

import argparse
import json

from deploy.roster import change_split, read_split, set_role
from deskwheel.settings import Settings
from deskwheel.state import State


def rollback(settings: Settings, arguments: argparse.Namespace) -> int:
    """Exit status 0 with the challenger out, also when there was none."""
    state = State(settings.pipeline.state_url)
    try:
        name = take_out(state, settings.pipeline.name, arguments.reason)
    finally:
        state.close()
    if arguments.json:
        print(json.dumps({"rolled_back": name, "reason": arguments.reason}))
    elif name is None:
        print("No challenger is under test: nothing to roll back.")
    else:
        print(f"{name} is out: {arguments.reason}. The champion answers everybody.")
    return 0


def take_out(state: State, pipeline: str, reason: str) -> str | None:
    """The challenger that was taken out of the split, or None if there was none.

    Raises:
        StateError: there is no split, or it was changed by others again and again.
    """
    name = read_split(state, pipeline).challenger
    if name is None:
        return None
    # Role first: `deploy.promote` never brings a retired variant back, whenever this stops.
    set_role(state, name, "retired", 0.0)
    changed = change_split(
        state, pipeline, lambda now: now.without_challenger() if now.challenger == name else None
    )
    if changed is None:
        return None
    set_role(state, changed.champion, "champion", 1.0)
    state.record(
        pipeline, "rolled_back", name, {"reason": reason, "split_revision": changed.revision}
    )
    return name
