"""A candidate out of its name: where it is, which revision, its licence, and a fingerprint.

Reads the candidate's folder, or asks the hub. Light: no weights, no model library.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, try_to_load_from_cache
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError: re-exported
    GatedRepoError,
    HFValidationError,
    HTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from deskwheel.errors import SetupError
from deskwheel.ids import digest
from train.bases.licence import Licence, licence_of_card, licence_of_folder
from train.files import base_folder

_HUB_TIMEOUT_S = 20.0
_WHOLE_BYTES = 16 * 2**20
_EDGE_BYTES = 2**20
_WEIGHTS = ".safetensors"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A base model that can be had."""

    name: str
    """As it was asked for."""
    location: str
    """An absolute folder, or an id of the hub."""
    revision: str
    """Commit of the hub; empty for a folder."""
    fingerprint: str
    """Changes with the weights, the tokenizer and the config."""
    licence: Licence
    weights_bytes: int
    """Size of the weights on disk; 0 when the hub does not say."""

    @property
    def is_local(self) -> bool:
        """Whether it is a folder, so that no network is needed."""
        return not self.revision


def find_candidate(name: str, *, revision: str) -> Candidate:
    """The candidate of a name: `demo`, a folder, or `ID[@REVISION]` of the hub.

    Args:
        name: of the candidate.
        revision: for an id that names none.

    Raises:
        SetupError: it cannot be had here; the message says what to do.
    """
    if folder := base_folder(name):
        return _of_folder(name, folder)
    identity, _, asked = name.partition("@")
    if name.startswith((".", os.sep, "~")) or identity.count("/") > 1:
        raise SetupError(f"no folder {name}; name an existing one, or an id of the hub")
    return _of_hub(name, identity, asked or revision)


def folder_fingerprint(folder: Path) -> str:
    """Digest of a model folder: small files whole, large ones by size and both ends.

    Hashing 16 GB of weights would take longer than to measure them; whoever trains on in place
    changes both ends, because safetensors begins with a header and ends with the last tensor.
    """
    parts: list[str | bytes] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        size = path.stat().st_size
        parts += [path.relative_to(folder).as_posix(), str(size)]
        with path.open("rb") as file:
            if size <= _WHOLE_BYTES:
                parts.append(file.read())
            else:
                parts.append(file.read(_EDGE_BYTES))
                file.seek(-_EDGE_BYTES, os.SEEK_END)
                parts.append(file.read())
    return digest(*parts)


def _of_folder(name: str, folder: Path) -> Candidate:
    if not (folder / "config.json").is_file():
        raise SetupError(f"{folder} has no config.json; name the folder of a saved model")
    weights = [p.stat().st_size for p in folder.glob(f"*{_WEIGHTS}")]
    if not weights:
        raise SetupError(
            f"{folder} has no {_WEIGHTS} file, and other formats are not loaded because"
            " they can run code; convert it with `save_pretrained`"
        )
    return Candidate(
        name=name,
        location=str(folder),
        revision="",
        fingerprint=folder_fingerprint(folder),
        licence=licence_of_folder(folder),
        weights_bytes=sum(weights),
    )


def _of_hub(name: str, identity: str, revision: str) -> Candidate:
    api = HfApi()
    try:
        info = api.model_info(
            identity, revision=revision, timeout=_HUB_TIMEOUT_S, files_metadata=True
        )
        api.auth_check(identity)
    except GatedRepoError:
        raise SetupError(
            "gated: accept its licence on the hub, then set HF_TOKEN to a token of yours"
        ) from None
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError):
        raise SetupError(
            f"no folder, and the hub has no such model or revision {revision!r}; check the"
            " spelling, and HF_TOKEN if it is private"
        ) from None
    except (HTTPError, OSError) as error:
        cached = _of_cache(name, identity, revision)
        if cached is not None:
            return cached
        raise SetupError(
            f"no folder, and the hub cannot be reached ({type(error).__name__}); unset"
            " HF_HUB_OFFLINE, go online, or download it elsewhere and name its folder"
        ) from None
    commit = str(info.sha)
    return Candidate(
        name=name,
        location=identity,
        revision=commit,
        fingerprint=digest(identity, commit),
        licence=_card_licence(info),
        weights_bytes=sum(
            file.size or 0 for file in info.siblings or [] if file.rfilename.endswith(_WEIGHTS)
        ),
    )


def _card_licence(info: Any) -> Licence:
    card = info.card_data.to_dict() if info.card_data is not None else {}
    return licence_of_card(card) or licence_of_folder(Path(os.devnull))


def _of_cache(name: str, identity: str, revision: str) -> Candidate | None:
    """What an earlier download has left, without the network."""
    config = try_to_load_from_cache(identity, "config.json", revision=revision)
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    return Candidate(
        name=name,
        location=identity,
        revision=folder.name,
        fingerprint=digest(identity, folder.name),
        licence=licence_of_folder(folder),
        weights_bytes=sum(p.stat().st_size for p in folder.glob(f"*{_WEIGHTS}")),
    )
