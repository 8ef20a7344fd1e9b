"""The routes of the application, on FastAPI: what comes in over HTTP and what goes out.

`POST /v1/chat/completions`, `GET /v1/models`, `POST /v1/feedback`, `GET /v1/split` take a bearer
token; `GET /healthz` does not.
"""

import logging
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException

from deploy import protocol
from deploy.application import Desk, Reply, collect

VARIANT_HEADER = "x-deskwheel-variant"
LOGGED_HEADER = "x-deskwheel-logged"
"""`true` when the assignment was acknowledged before the answer was sent."""

_log = logging.getLogger(__name__)
_Body = TypeVar("_Body", bound=BaseModel)


def build_api(desk: Desk) -> FastAPI:
    """The application around a desk, without documentation pages (they would need no token)."""
    api = FastAPI(title="deskwheel", docs_url=None, redoc_url=None, openapi_url=None)
    api.add_exception_handler(StarletteHTTPException, _refuse)
    api.add_exception_handler(Exception, _fail)
    _add_answering(api, desk)
    _add_feedback(api, desk)
    _add_views(api, desk)
    return api


def _add_answering(api: FastAPI, desk: Desk) -> None:
    @api.post("/v1/chat/completions")
    async def complete(http: Request) -> Response:
        """One answer, whole or as server-sent events."""
        desk.check_token(http.headers.get("authorization"))
        request = await _read(http, protocol.ChatRequest, desk.settings.serve.max_body_bytes)
        reply = await desk.open_reply(request)
        answer = protocol.Answer(
            trace_id=reply.trace.trace_id, model=request.model, created=desk.now()
        )
        headers = {
            VARIANT_HEADER: reply.variant,
            LOGGED_HEADER: "true" if reply.is_logged else "false",
        }
        if request.stream:
            events = _events(answer, reply, has_usage=request.wants_usage_chunk())
            headers["cache-control"] = "no-cache"
            return StreamingResponse(events, media_type="text/event-stream", headers=headers)
        whole = await collect(reply.pieces)
        counts = protocol.usage(reply.prompt_tokens, whole.tokens)
        body = protocol.completion_body(
            answer, whole.text, finish_reason=str(whole.finish_reason), counts=counts
        )
        return JSONResponse(body, headers=headers)


def _add_feedback(api: FastAPI, desk: Desk) -> None:
    @api.post("/v1/feedback", status_code=202)
    async def feedback(http: Request) -> Response:
        """202 when the broker has the outcome; 503 asks the caller to send it again."""
        desk.check_token(http.headers.get("authorization"))
        request = await _read(http, protocol.FeedbackRequest, desk.settings.serve.max_body_bytes)
        if not await desk.record_outcome(request):
            raise protocol.refusal(503, "The broker did not acknowledge; send it again.")
        return JSONResponse({"trace_id": request.trace_id, "status": "accepted"}, 202)


def _add_views(api: FastAPI, desk: Desk) -> None:
    @api.get("/v1/models")
    async def models(http: Request) -> dict[str, Any]:
        """The one model a request may name; which variant answers is the split's business."""
        desk.check_token(http.headers.get("authorization"))
        return protocol.models_body([desk.settings.pipeline.name], desk.started)

    @api.get("/v1/split")
    async def split(http: Request) -> dict[str, Any]:
        """The split in force in this replica."""
        desk.check_token(http.headers.get("authorization"))
        return dict(desk.split())

    @api.get("/healthz")
    async def health() -> Response:
        """200 when customers are answered, else 503."""
        is_well, facts = desk.health()
        return JSONResponse(facts, 200 if is_well else 503)


async def _read(http: Request, kind: type[_Body], limit: int) -> _Body:
    """The body as a request record; 413, 400 or 422 when it is none."""
    raw = bytearray()
    async for chunk in http.stream():
        raw += chunk
        if len(raw) > limit:
            raise protocol.refusal(413, f"The request is larger than {limit} bytes.")
    try:
        return kind.model_validate_json(bytes(raw))
    except ValidationError as error:
        # `input` is left out of the message: it may be a customer's text
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or None
        status = 400 if first["type"] == "json_invalid" else 422
        raise protocol.refusal(status, str(first["msg"]), param=place) from None


async def _events(answer: protocol.Answer, reply: Reply, *, has_usage: bool) -> AsyncIterator[str]:
    """Server-sent events of one answer; one with an error ends it when the model fails."""
    yield protocol.server_sent(protocol.chunk_body(answer, {"role": "assistant", "content": ""}))
    tokens = 0
    try:
        async for piece in reply.pieces:
            tokens = piece.tokens
            if piece.text:
                yield protocol.server_sent(protocol.chunk_body(answer, {"content": piece.text}))
            if piece.finish_reason:
                yield protocol.server_sent(protocol.chunk_body(answer, {}, piece.finish_reason))
    except Exception:
        _log.exception("answer %s broke off", answer.trace_id)
        refused = protocol.refusal(500, "The answer broke off; ask again.")
        yield protocol.server_sent({"error": refused.detail})
        return
    if has_usage:
        counts = protocol.usage(reply.prompt_tokens, tokens)
        yield protocol.server_sent(protocol.usage_chunk(answer, counts))
    yield protocol.server_sent("[DONE]")


async def _refuse(_request: Request, error: Exception) -> Response:
    if not isinstance(error, StarletteHTTPException):
        return await _fail(_request, error)
    detail: Any = error.detail
    if not isinstance(detail, dict):
        detail = protocol.refusal(error.status_code, str(detail)).detail
    return JSONResponse({"error": detail}, error.status_code, headers=dict(error.headers or {}))


async def _fail(_request: Request, error: Exception) -> Response:
    _log.error("request failed: %s", type(error).__name__, exc_info=error)
    refused: HTTPException = protocol.refusal(500, "The server failed; ask again.")
    return JSONResponse({"error": refused.detail}, 500)
