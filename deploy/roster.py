"""Who may answer customers: the split row and the variant documents of the state database.

Reads and writes the documents `split` and `variant`; no engine is imported.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlparse

from deploy.split import SplitRow, from_document
from deskwheel.errors import StateError
from deskwheel.records import Variant
from deskwheel.settings import Settings
from deskwheel.state import State

PROMPT_BOT = "prompt-bot"
"""The first champion: the base model with the prompt of the old bot."""

_ATTEMPTS = 5


def ensure_first_variant(state: State, settings: Settings, now: datetime) -> SplitRow:
    """The stored split, after the prompt bot was made champion if nobody was; idempotent."""
    bot = Variant(
        name=PROMPT_BOT,
        pipeline=settings.pipeline.name,
        kind="prompt",
        base_model=settings.train.base_model,
        adapter_uri=None,
        run_id=None,
        role="champion",
        share=1.0,
        since=now,
    )
    split = SplitRow(
        salt=settings.ab.salt, champion=PROMPT_BOT, challenger=None, share=0.0, revision=0
    )
    _put_if_absent(state, "variant", PROMPT_BOT, asdict(bot))
    _put_if_absent(state, "split", settings.pipeline.name, split.body())
    return read_split(state, settings.pipeline.name)


def read_split(state: State, pipeline: str) -> SplitRow:
    """The split as it is stored now.

    Raises:
        StateError: none is stored yet, or it cannot be read.
    """
    found = state.get("split", pipeline)
    if found is None:
        raise StateError(
            f"pipeline {pipeline!r} has no traffic split yet; start `python -m deploy serve` first"
        )
    return from_document(*found)


def change_split(
    state: State, pipeline: str, change: Callable[[SplitRow], SplitRow | None]
) -> SplitRow | None:
    """The new split after a compare-and-set, or None if `change` wants none.

    `change` is called again on what is stored when another process was faster.

    Raises:
        StateError: others were faster five times in a row.
    """
    for _ in range(_ATTEMPTS):
        current = read_split(state, pipeline)
        wanted = change(current)
        if wanted is None:
            return None
        try:
            revision = state.put("split", pipeline, wanted.body(), expect=current.revision)
        except StateError:
            continue
        return replace(wanted, revision=revision)
    raise StateError(
        f"the split of {pipeline!r} was changed by others {_ATTEMPTS} times in a row; try again"
    )


def read_variant(state: State, name: str) -> Variant:
    """A variant by name.

    Raises:
        StateError: there is no such variant.
    """
    found = state.get("variant", name)
    if found is None:
        raise StateError(f"variant {name!r} is in the split but not described; roll back")
    body: dict[str, Any] = dict(found[0])
    body["since"] = datetime.fromisoformat(str(body["since"]))
    return Variant(**body)


def variant_of_run(state: State, run_id: str) -> Variant | None:
    """The variant that serves a run's adapter, if there is one already."""
    for name, body in state.documents("variant").items():
        if body.get("run_id") == run_id:
            return read_variant(state, name)
    return None


def adapter_folder(uri: str) -> Path:
    """Folder behind an adapter's address, a path or `file://`.

    Raises:
        ValueError: it is an address that is not a folder here.
    """
    parsed = urlparse(uri)
    if not uri or parsed.scheme not in ("", "file"):
        raise ValueError(f"adapter {uri!r} is no path or file:// address on a shared disk")
    return Path(unquote(parsed.path))


def write_variant(state: State, variant: Variant) -> None:
    """Store a variant, over what was stored under its name."""
    state.put("variant", variant.name, asdict(variant))


def set_role(
    state: State, name: str, role: Literal["champion", "challenger", "retired"], share: float
) -> None:
    """Note a variant's present role and share; a variant that is not stored is left out."""
    if state.get("variant", name) is not None:
        write_variant(state, replace(read_variant(state, name), role=role, share=share))


def _put_if_absent(state: State, kind: str, id: str, body: dict[str, Any]) -> None:
    if state.get(kind, id) is not None:
        return
    try:
        state.put(kind, id, body, expect=0)
    except StateError:
        return
