"""Secrets out of the environment or of files; settings hold only where they are.

Reads and writes no table or topic. No secret ever stands in an error message.
"""

import os
from pathlib import Path

from deskwheel.errors import ConfigError


def read_secret(reference: str, *, setting: str) -> str:
    """The secret at `env:NAME` or `file:PATH`; white space around a file's text is cut.

    Args:
        reference: where it is.
        setting: the setting that names the place, for the error message.

    Raises:
        ConfigError: the reference has another form, or there is no secret at that place.
    """
    kind, _, place = reference.partition(":")
    if kind == "env" and place:
        secret = os.environ.get(place, "")
    elif kind == "file" and place:
        secret = _file(Path(place), setting)
    else:
        raise ConfigError(
            f"{setting} must say where the secret is, env:NAME or file:PATH, not the secret itself"
        )
    if not secret:
        what = "variable is not set" if kind == "env" else "file is empty"
        raise ConfigError(f"{setting}: {reference}: the {what}; put the secret there")
    return secret


def _file(path: Path, setting: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{setting}: file:{path}: cannot be read ({error})") from error
