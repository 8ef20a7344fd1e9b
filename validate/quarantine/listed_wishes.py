"""Example ids out of a file of wishes, as `annotate labels --for quarantine` writes it.

Reads a file; touches no table or topic.
"""

from pathlib import Path

from deskwheel.errors import ConfigError
from validate.annotation.json_items import read_items

LISTED = ("accept", "reject")
"""What such a file can ask for."""


def read_wishes(path: Path, action: str) -> list[str]:
    """Ids of the lines that ask for an action, each once; those that ask for the other are not.

    Raises:
        ConfigError: a line is no wish, or none asks for the action.
        SetupError: the file cannot be read or is no JSON.
    """
    found: dict[str, None] = {}
    others = 0
    for where, item in read_items(path):
        example, asked = (item or {}).get("example_id"), (item or {}).get("action")
        if not isinstance(example, str) or asked not in LISTED:
            raise ConfigError(
                f"{where}: no object with an example_id and an action of {' or '.join(LISTED)};"
                " `annotate labels --for quarantine --to FILE` writes such a file"
            )
        if asked == action:
            found[example] = None
        else:
            others += 1
    if not found:
        raise ConfigError(
            f"--from {path}: no line asks to {action}, {others} ask for something else"
        )
    return list(found)
