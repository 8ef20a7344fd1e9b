"""The OpenAI-compatible wire format: what a request may say, and bodies of answers and errors.

Pure; reads and writes nothing. Source: OpenAI API reference, "Create chat completion", and its
error object {"error": {"message", "type", "param", "code"}}.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field, model_validator

Message = dict[str, str]

_CONVERSATION_ID = re.compile(r"[\x21-\x7e]{1,250}")
"""It becomes a Kafka key and a header, so no control character may be in it."""

_TYPES = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}
_FIRST_SERVER_ERROR = HTTPStatus.INTERNAL_SERVER_ERROR


class TextPart(BaseModel):
    """One part of a message whose content is a list; only text is understood."""

    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    """One message of the conversation so far."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]

    def plain(self) -> Message:
        """Role and text as a chat template takes them (`developer` is today's `system`)."""
        role = "system" if self.role == "developer" else self.role
        if isinstance(self.content, str):
            return {"role": role, "content": self.content}
        return {"role": role, "content": "".join(part.text for part in self.content)}


class ChatRequest(BaseModel):
    """A request for one answer.

    Answers are greedy: temperature, top_p, seed and the like are accepted and have no effect.
    What would change the shape of the answer (n, tools, response_format, logprobs) is refused.
    """

    model_config = ConfigDict(extra="ignore")

    model: str
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=256)]
    user: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """The customer's id: keeps the customer in one arm and never leaves the replica unhashed."""
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    metadata: dict[str, str] | None = None
    n: Literal[1] | None = None
    tools: Annotated[list[Any], Field(max_length=0)] | None = None
    response_format: Literal[None] = None
    logprobs: Literal[False] | None = None

    @model_validator(mode="after")
    def _is_answerable(self) -> "ChatRequest":
        if not _CONVERSATION_ID.fullmatch(self.conversation_id() or "-"):
            raise ValueError("metadata.conversation_id must be 1 to 250 visible ASCII characters")
        if self.messages[-1].role != "user" or not self.messages[-1].plain()["content"].strip():
            raise ValueError("the last message must be the user's and must not be empty")
        return self

    def plain_messages(self) -> list[Message]:
        """The messages as a chat template takes them."""
        return [message.plain() for message in self.messages]

    def token_limit(self, default: int) -> int:
        """Tokens the answer may have; never more than `default`, the operator's limit."""
        asked = self.max_completion_tokens or self.max_tokens or default
        return min(asked, default)

    def conversation_id(self) -> str | None:
        """`metadata.conversation_id`, if the caller named one."""
        return (self.metadata or {}).get("conversation_id") or None

    def wants_usage_chunk(self) -> bool:
        """Whether the stream ends with a chunk that holds the token counts."""
        return bool((self.stream_options or {}).get("include_usage"))


class FeedbackRequest(BaseModel):
    """What came of an answer; at least one of the two outcomes must be there."""

    model_config = ConfigDict(extra="forbid")

    trace_id: Annotated[str, Field(pattern=r"^chatcmpl-[0-9a-f]{32}$")]
    csat: Annotated[int, Field(ge=1, le=5, strict=True)] | None = None
    is_completed: Annotated[bool, Field(strict=True)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "FeedbackRequest":
        if self.csat is None and self.is_completed is None:
            raise ValueError("give csat (1 to 5), is_completed, or both")
        return self


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the head of every answer body says."""

    trace_id: str
    model: str
    created: int
    """Seconds since the epoch."""


def refusal(
    status: int, message: str, *, code: str | None = None, param: str | None = None
) -> HTTPException:
    """The exception that makes the application answer with an error body."""
    kind = "server_error" if status >= _FIRST_SERVER_ERROR else "invalid_request_error"
    kind = _TYPES.get(HTTPStatus(status), kind)
    detail = {"message": message, "type": kind, "param": param, "code": code}
    is_busy = status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
    headers = {"Retry-After": "1"} if is_busy else {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return HTTPException(status_code=status, detail=detail, headers=headers)


def usage(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    """Token counts of one answer."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def completion_body(
    answer: Answer, text: str, *, finish_reason: str, counts: Mapping[str, int]
) -> dict[str, Any]:
    """The body of an answer that is sent whole."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}
    return {**_head(answer, "chat.completion"), "choices": [choice], "usage": dict(counts)}


def chunk_body(
    answer: Answer, delta: Mapping[str, str], finish_reason: str | None = None
) -> dict[str, Any]:
    """The body of one chunk of a streamed answer."""
    choice = {"index": 0, "delta": dict(delta), "finish_reason": finish_reason}
    return {**_head(answer, "chat.completion.chunk"), "choices": [choice]}


def usage_chunk(answer: Answer, counts: Mapping[str, int]) -> dict[str, Any]:
    """The last chunk of a stream whose caller asked for the token counts."""
    return {**_head(answer, "chat.completion.chunk"), "choices": [], "usage": dict(counts)}


def server_sent(body: Mapping[str, Any] | str) -> str:
    """One server-sent event; text such as `[DONE]` is sent as it is."""
    data = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return f"data: {data}\n\n"


def models_body(names: Sequence[str], created: int) -> dict[str, Any]:
    """The list of models that a request may name."""
    head = {"object": "model", "created": created, "owned_by": "deskwheel"}
    data = [{"id": name, **head} for name in names]
    return {"object": "list", "data": data}


def _head(answer: Answer, kind: str) -> dict[str, Any]:
    return {
        "id": answer.trace_id,
        "object": kind,
        "created": answer.created,
        "model": answer.model,
    }
