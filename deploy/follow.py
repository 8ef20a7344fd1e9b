"""The split a replica answers by: follows the stored row, and swaps only when models are loaded.

Reads the documents `split` and `variant`; writes the timeline entry `served`.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from deploy.roster import read_split, read_variant
from deploy.split import SplitRow
from deskwheel.records import Variant
from deskwheel.state import State

Voice = TypeVar("Voice")

_RETRY_LOOKS = 40
"""Looks between two attempts at a variant that would not load: 10 s at the default poll."""


@dataclass(frozen=True)
class Serving(Generic[Voice]):
    """One split and the loaded variants it names; replaced as a whole, never changed."""

    split: SplitRow
    voices: Mapping[str, Voice]


class SplitFollower(Generic[Voice]):
    """Keeps `serving` in step with the stored split.

    Until every variant of a new split is loaded the old one stays in force, whole. Only a replica
    that has no old split yet may start with the champion alone. Loading happens in the polling
    thread, so requests go on; whoever holds the old `Serving` may finish with it.
    """

    def __init__(
        self, state: State, pipeline: str, *, load: Callable[[Variant], Voice], poll_s: float
    ) -> None:
        """Take where the split is stored and what turns a variant into something that answers."""
        self._state = state
        self._pipeline = pipeline
        self._load = load
        self._poll_s = poll_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._retry_in: dict[str, int] = {}
        self.serving: Serving[Voice] | None = None
        self.problem: str | None = None
        """Why the newest split is not in force; None when it is."""

    def start(self) -> None:
        """Look once now, then every `poll_s` in a thread of its own."""
        self.look()
        self._thread = threading.Thread(target=self._run, name="split-follower", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what is being loaded is waited for at most 10 s."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10.0)

    def look(self) -> None:
        """Bring `serving` in step with the stored split, loading what is missing; never raises.

        A failure leaves `serving` as it is and is told in `problem`.
        """
        try:
            self._follow()
        except Exception as error:  # keep answering whatever goes wrong with the new split
            self.problem = f"{type(error).__name__}: {error}"

    def _run(self) -> None:
        while not self._stop.wait(self._poll_s):
            self.look()

    def _follow(self) -> None:
        wanted = read_split(self._state, self._pipeline)
        known = {} if self.serving is None else dict(self.serving.voices)
        while True:
            if self.serving is not None and self.serving.split == wanted:
                self.problem = None
                return
            self._load_missing(wanted, known)
            newest = read_split(self._state, self._pipeline)
            if newest == wanted:
                break
            wanted = newest  # it was rolled back, or changed again, while a variant was loading
        in_force = self._possible(wanted, known)
        if in_force is not None:
            self._swap(Serving(in_force, {name: known[name] for name in in_force.names()}))

    def _load_missing(self, wanted: SplitRow, known: dict[str, Voice]) -> None:
        for name in wanted.names():
            if name not in known:
                voice = self._try_load(name)
                if voice is not None:
                    known[name] = voice

    def _possible(self, wanted: SplitRow, known: Mapping[str, Voice]) -> SplitRow | None:
        """The split that can be in force now, or None to stay with the present one."""
        if all(name in known for name in wanted.names()):
            self.problem = None
            return wanted
        is_first = self.serving is None and wanted.champion in known
        return wanted.without_challenger() if is_first else None

    def _try_load(self, name: str) -> Voice | None:
        if self._retry_in.get(name, 0) > 0:
            self._retry_in[name] -= 1
            return None
        try:
            voice = self._load(read_variant(self._state, name))
        except Exception as error:  # a broken adapter must not stop the others
            self._retry_in[name] = _RETRY_LOOKS
            self.problem = f"variant {name}: {type(error).__name__}: {error}"
            return None
        self._retry_in.pop(name, None)
        return voice

    def _swap(self, serving: Serving[Voice]) -> None:
        before = () if self.serving is None else self.serving.split.names()
        self.serving = serving
        for name in serving.split.names():
            # A challenger's evidence starts anew with every share, so its every split is told.
            if name not in before or name == serving.split.challenger:
                self._record_served(name, serving.split)

    def _record_served(self, name: str, split: SplitRow) -> None:
        detail = {"split_revision": split.revision, "share": split.share}
        told = self._state.timeline(self._pipeline, kind="served")
        if not any(e["subject"] == name and e["detail"] == detail for e in told):
            self._state.record(self._pipeline, "served", name, detail)
