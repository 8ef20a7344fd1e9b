"""Keys of annotators: aliases as they are, anything else hashed, so that no name is stored.

Reads the file of the HMAC key; touches no table or topic.
"""

import re
from pathlib import Path

from deskwheel.errors import ConfigError, SetupError
from deskwheel.ids import subject_key

_ALIAS = re.compile(r"[a-z]{2,12}-[0-9]{1,4}")
_KEY_DIGITS = 20


def annotator_key(name: str, secrets_dir: str | Path) -> str:
    """The key of an annotator: the alias itself (`rater-1`), else `h-` and the HMAC of the name.

    Names of people, mail addresses and user numbers of a labelling tool become keys that nobody
    can turn back without the secret. The same name gives the same key.

    Raises:
        ConfigError: the name is empty.
        SetupError: the name is no alias and there is no secret to hash it with.
    """
    name = name.strip()
    if not name:
        raise ConfigError("an annotator has no name; give an alias such as rater-1")
    if _ALIAS.fullmatch(name):
        return name
    path = Path(secrets_dir) / "subject_key"
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise SetupError(
            f"{path}: cannot be read ({error}), and a name is stored only as its HMAC; run"
            " `deskwheel up` once, or give aliases such as rater-1"
        ) from error
    return f"h-{subject_key(secret, 'annotators', name)[:_KEY_DIGITS]}"


def annotator_keys(names: str, secrets_dir: str | Path) -> tuple[str, ...]:
    """Keys of names that stand in one text, separated by commas; the order is kept.

    Raises:
        ConfigError: there is none, or one twice.
    """
    keys = tuple(annotator_key(n, secrets_dir) for n in names.split(",") if n.strip())
    if not keys or len(set(keys)) != len(keys):
        raise ConfigError(f"--annotators {names!r}: name each annotator once, as rater-1,rater-2")
    return keys
