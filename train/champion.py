"""The adapter that answers customers now. Light: loads neither MLflow nor a model library.

Reads the traffic split and its variants; writes nothing.
"""

from pathlib import Path
from urllib.parse import unquote, urlparse

from deskwheel.settings import Settings
from deskwheel.state import State


def champion_folder(settings: Settings, state: State) -> Path | None:
    """The adapter that answers customers now; None while that is the prompt-engineered bot.

    The traffic split decides; before there is one, nobody but the bot can answer.
    """
    split = state.get("split", settings.pipeline.name)
    if split is None:
        return None
    variant = state.get("variant", split[0]["champion"])
    uri = None if variant is None else variant[0]["adapter_uri"]
    return None if uri is None else Path(unquote(urlparse(uri).path))
