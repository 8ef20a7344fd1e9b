"""The Ray Serve deployment around the desk: one replica holds base, adapters and the batch queue.

Reads the split and adapters; writes the topic `feedback` and Ray's metrics `deskwheel_*`.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from ray import serve
from ray.serve import metrics

from deploy.application import Ask, Desk, Piece, Secrets
from deploy.feedback import FeedbackLog, KafkaLine
from deploy.follow import SplitFollower
from deploy.http import build_api
from deskwheel.errors import SetupError
from deskwheel.settings import Settings
from deskwheel.state import State

if TYPE_CHECKING:
    from deploy.answering import Job

_BOUNDARIES_S = [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0]
_SPARE_REQUESTS = 16
"""Beyond `serve.max_ongoing`, so that the replica itself says 429 and its health is still seen."""


class RayMeter:
    """Counters and a histogram of Ray Serve, labelled by variant."""

    def __init__(self) -> None:
        """Register the metrics; only possible inside a replica."""
        by_variant = ("variant",)
        self._replies = metrics.Counter(
            "deskwheel_replies", description="Answers sent.", tag_keys=by_variant
        )
        self._latency = metrics.Histogram(
            "deskwheel_reply_seconds",
            description="Time from request to last token.",
            boundaries=_BOUNDARIES_S,
            tag_keys=by_variant,
        )
        self._unlogged = metrics.Counter(
            "deskwheel_unlogged_answers",
            description="Answers without an acknowledged assignment; they are no evidence.",
            tag_keys=by_variant,
        )

    def replied(self, variant: str, seconds: float) -> None:
        """One answer was sent, this long after its request."""
        self._replies.inc(tags={"variant": variant})
        self._latency.observe(seconds, tags={"variant": variant})

    def unlogged(self, variant: str) -> None:
        """One answer went out without an acknowledged assignment."""
        self._unlogged.inc(tags={"variant": variant})


@serve.ingress()
class Replica:
    """A desk with real models behind it; started by Ray Serve, never by hand."""

    def __init__(self, settings: Settings, root: str) -> None:
        """Load the base and the variants of the present split, then follow the split.

        Args:
            settings: of the pipeline; relative paths in them count from `root`.
            root: working directory of whoever started the application.
        """
        # Here and not above: the process that only deploys this class would load Torch for
        # nothing, 300 MB and several seconds of it.
        from deploy.answering import Answerer, Job  # noqa: PLC0415

        os.chdir(root)
        self._answerer = Answerer(settings)
        self._job = Job
        self._batched.set_max_batch_size(settings.serve.max_batch)
        self._batched.set_batch_wait_timeout_s(settings.serve.batch_wait_s)
        self._state = State(settings.pipeline.state_url)
        self._log = FeedbackLog(
            lambda: KafkaLine(settings.kafka), ack_wait_s=settings.serve.ack_wait_s
        )
        self._follower = SplitFollower(
            self._state,
            settings.pipeline.name,
            load=self._answerer.load,
            poll_s=settings.serve.poll_s,
        )
        self._desk = Desk(
            settings,
            read_secrets(settings),
            follower=self._follower,
            generate=self._pieces,
            log=self._log,
            meter=RayMeter(),
            clock=lambda: datetime.now(UTC),
        )
        self._follower.start()

    def __serve_build_asgi_app__(self) -> FastAPI:
        """The HTTP application, built here because it cannot be sent between processes."""
        return build_api(self._desk)

    def __del__(self) -> None:
        """Stop following and logging when Ray Serve takes the replica away."""
        if hasattr(self, "_follower"):
            self._follower.stop()
            self._log.close()
            self._state.close()

    @serve.batch(max_batch_size=8, batch_wait_timeout_s=0.05)
    async def _batched(self, jobs: "Sequence[Job]") -> list[None]:
        await asyncio.to_thread(self._answerer.generate, jobs)
        return [None] * len(jobs)

    async def _pieces(self, ask: Ask) -> AsyncIterator[Piece]:
        """Pieces of one answer while its batch is generated.

        Raises whatever the batch raised, when that comes before the answer's end.
        """
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[Piece | None] = asyncio.Queue()

        def emit(piece: Piece) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        def end(done: "asyncio.Future[Any]") -> None:
            done.exception()  # marks it as seen; it is raised below if anybody still listens
            pieces.put_nowait(None)

        batch = asyncio.ensure_future(self._batched(self._job(ask=ask, emit=emit)))
        batch.add_done_callback(end)
        while (piece := await pieces.get()) is not None:
            yield piece
            if piece.finish_reason is not None:
                return
        await batch


def application(settings: Settings, root: Path) -> serve.Application:
    """What `serve.run` takes: one replica with the settings' resources."""
    options: dict[str, Any] = {"num_cpus": settings.serve.num_cpus}
    if settings.train.use_gpu:
        options["num_gpus"] = settings.serve.num_gpus
    limit = settings.serve.max_ongoing + _SPARE_REQUESTS
    deployment = serve.deployment(
        Replica, name="desk", ray_actor_options=options, max_ongoing_requests=limit
    )
    return deployment.bind(settings, str(root))


def read_secrets(settings: Settings) -> Secrets:
    """The bearer token and the key for customers' ids, from `pipeline.secrets_dir`.

    Raises:
        SetupError: a file is missing or empty.
    """
    folder = Path(settings.pipeline.secrets_dir)
    found = {}
    for name in ("api_token", "subject_key"):
        try:
            found[name] = (folder / name).read_bytes().strip()
        except OSError as error:
            raise SetupError(
                f"{folder / name} cannot be read ({error.strerror}); `deskwheel up` makes it, or"
                " write 32 random bytes in hex to it"
            ) from error
        if not found[name]:
            raise SetupError(f"{folder / name} is empty; write 32 random bytes in hex to it")
    return Secrets(api_token=found["api_token"].decode(), subject_key=found["subject_key"])
