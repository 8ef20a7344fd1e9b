"""The adapter that answers customers now. Light: loads neither MLflow nor a model library.

Reads the traffic split and its variants; writes nothing.
"""

from pathlib import Path
from urllib.parse import unquote, urlparse

from deskwheel.settings import Settings
from deskwheel.state import Row, State


def champion_folder(settings: Settings, state: State) -> Path | None:
    """The adapter that answers customers now; None while that is the prompt-engineered bot.

    The traffic split decides; before there is one, nobody but the bot can answer.
    """
    variant = _champion(settings, state)
    uri = None if variant is None else variant["adapter_uri"]
    return None if uri is None else Path(unquote(urlparse(uri).path))


def champion_run(settings: Settings, state: State) -> str | None:
    """The run that made that adapter; None where there is none."""
    variant = _champion(settings, state)
    return None if variant is None else variant["run_id"]


def _champion(settings: Settings, state: State) -> Row | None:
    split = state.get("split", settings.pipeline.name)
    variant = None if split is None else state.get("variant", split[0]["champion"])
    return None if variant is None else variant[0]
