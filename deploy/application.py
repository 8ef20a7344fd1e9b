"""The HTTP application: from a chat request to an answer of the right variant, logged first.

Knows neither Ray nor torch: `deploy.replica` gives it what generates. Reads the split through
`deploy.follow`; writes the topic `feedback` through `deploy.feedback`.
"""

import asyncio
import hmac
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from deploy import protocol
from deploy.feedback import FeedbackLog, RecentTraces, Trace, build_assignment, build_outcome
from deploy.follow import Serving, SplitFollower
from deploy.split import SplitRow, assign
from deskwheel.ids import subject_key
from deskwheel.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A conversation as one variant's model reads it."""

    text: str
    tokens: int
    max_tokens: int
    """Prompt and answer together may have this many: the model's context."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """The next part of an answer; the last one says why it ended."""

    text: str
    tokens: int
    """Answer tokens so far, this piece included."""
    finish_reason: str | None = None
    """`stop` or `length` on the last piece, else None."""


class Voice(Protocol):
    """A loaded variant."""

    def prompt(self, messages: Sequence[protocol.Message]) -> Prompt:
        """The messages as this variant's model reads them."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One answer to be generated."""

    voice: Any
    prompt: Prompt
    max_new_tokens: int
    is_streamed: bool
    """Whether pieces are wanted as they come, instead of one at the end."""


Generate = Callable[[Ask], AsyncIterator[Piece]]


class Meter(Protocol):
    """Where the desk counts."""

    def replied(self, variant: str, seconds: float) -> None:
        """One answer was sent, this long after its request."""

    def unlogged(self, variant: str) -> None:
        """One answer went out without an acknowledged assignment: it is no evidence."""


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What the desk must not print."""

    api_token: str
    subject_key: bytes


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer that may be sent: its assignment is logged, or counted as not logged."""

    trace: Trace
    variant: str
    prompt_tokens: int
    pieces: AsyncIterator[Piece]
    is_logged: bool


class Desk:
    """Answers one replica's customers; everything it holds is used from one event loop."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        *,
        follower: SplitFollower[Any],
        generate: Generate,
        log: FeedbackLog,
        meter: Meter,
        clock: Callable[[], datetime],
    ) -> None:
        """Take the parts; `clock` gives the present time in UTC."""
        self.settings = settings
        self._secrets = secrets
        self._follower = follower
        self._generate = generate
        self._log = log
        self._meter = meter
        self._clock = clock
        self._traces = RecentTraces()
        self._ongoing = 0
        self.started = self.now()

    def now(self) -> int:
        """The present time in seconds since the epoch."""
        return int(self._clock().timestamp())

    def check_token(self, authorization: str | None) -> None:
        """Refuse (401) unless the header carries the bearer token; takes constant time."""
        scheme, _, token = (authorization or "").partition(" ")
        is_right = hmac.compare_digest(token.strip().encode(), self._secrets.api_token.encode())
        if scheme.lower() != "bearer" or not is_right:
            raise protocol.refusal(
                401, "Send Authorization: Bearer <the api_token>.", code="invalid_api_key"
            )

    async def open_reply(self, request: protocol.ChatRequest) -> Reply:
        """The variant's answer, begun, once its assignment is acknowledged or given up on.

        Assignment and generation run at the same time; nothing is sent before both have begun to
        answer. Raises HTTPException 404, 400, 429 or 503 as the API documents.
        """
        self._admit(request)
        serving = self._serving()
        trace, variant = self._assign(request, serving.split)
        ask = self._ask(request, serving.voices[variant])
        self._traces.remember(trace)
        started = time.monotonic()
        assignment = build_assignment(trace, now=self._clock())
        logged = asyncio.create_task(self._log.send(assignment))
        pieces = self._metered(self._generate(ask), variant, started)
        first = await anext(pieces)
        is_logged = await logged
        if not is_logged:
            self._meter.unlogged(variant)
        return Reply(
            trace=trace,
            variant=variant,
            prompt_tokens=ask.prompt.tokens,
            pieces=_chain(first, pieces),
            is_logged=is_logged,
        )

    async def record_outcome(self, request: protocol.FeedbackRequest) -> bool:
        """Whether the broker acknowledged the outcome; a repeated call writes the same id."""
        trace = self._traces.find(request.trace_id, tenant=self.settings.pipeline.tenant)
        outcome = build_outcome(
            trace, csat=request.csat, is_completed=request.is_completed, now=self._clock()
        )
        return await self._log.send(outcome)

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Whether customers are answered and all is well, for everybody to see.

        What is wrong may name a conversation; it stands in `split`, behind the token.
        """
        serving = self._follower.serving
        facts = {
            "status": "ok" if serving else "starting",
            "ongoing": self._ongoing,
            "has_problem": bool(self._follower.problem or self._log.last_error),
        }
        return serving is not None, facts

    def split(self) -> Mapping[str, Any]:
        """The split in force in this replica, and why a newer one is not."""
        serving = self._serving()
        return {
            **serving.split.body(),
            "revision": serving.split.revision,
            "problem": self._follower.problem,
            "feedback_problem": self._log.last_error,
        }

    def _admit(self, request: protocol.ChatRequest) -> None:
        if request.model != self.settings.pipeline.name:
            raise protocol.refusal(
                404,
                f"There is no model {request.model!r}; this is {self.settings.pipeline.name!r}.",
                code="model_not_found",
                param="model",
            )
        if self._ongoing >= self.settings.serve.max_ongoing:
            raise protocol.refusal(
                429, f"{self._ongoing} requests are being answered; try again shortly."
            )

    def _serving(self) -> Serving[Any]:
        serving = self._follower.serving
        if serving is None:
            raise protocol.refusal(503, f"No variant is loaded yet ({self._follower.problem}).")
        return serving

    def _assign(self, request: protocol.ChatRequest, split: SplitRow) -> tuple[Trace, str]:
        tenant = self.settings.pipeline.tenant
        subject = None
        if request.user is not None:
            subject = subject_key(self._secrets.subject_key, tenant, request.user)
        variant = assign(split, tenant=tenant, subject=subject)
        trace = Trace(
            trace_id=f"chatcmpl-{uuid.uuid4().hex}",
            tenant=tenant,
            variant=variant,
            subject_key=subject,
            conversation_id=request.conversation_id(),
        )
        return trace, variant

    def _ask(self, request: protocol.ChatRequest, voice: Voice) -> Ask:
        prompt = voice.prompt(request.plain_messages())
        room = prompt.max_tokens - prompt.tokens
        if room < 1:
            raise protocol.refusal(
                400,
                f"The messages have {prompt.tokens} tokens; the model takes {prompt.max_tokens}"
                " with the answer. Shorten them.",
                code="context_length_exceeded",
                param="messages",
            )
        limit = min(room, request.token_limit(self.settings.serve.max_new_tokens))
        return Ask(voice=voice, prompt=prompt, max_new_tokens=limit, is_streamed=request.stream)

    async def _metered(
        self, pieces: AsyncIterator[Piece], variant: str, started: float
    ) -> AsyncGenerator[Piece, None]:
        """The pieces, counted as one ongoing request until the last is taken or given up."""
        self._ongoing += 1
        try:
            async for piece in pieces:
                yield piece
            self._meter.replied(variant, time.monotonic() - started)
        finally:
            self._ongoing -= 1


async def collect(pieces: AsyncIterator[Piece]) -> Piece:
    """A whole answer as one piece.

    Raises:
        HTTPException: 500, when the answer broke off.
    """
    texts = []
    last = None
    async for last in pieces:
        texts.append(last.text)
    if last is None or last.finish_reason is None:
        raise protocol.refusal(500, "The answer broke off; ask again.")
    return Piece(text="".join(texts), tokens=last.tokens, finish_reason=last.finish_reason)


async def _chain(first: Piece, rest: AsyncGenerator[Piece, None]) -> AsyncIterator[Piece]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece
