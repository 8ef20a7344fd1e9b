"""The routes of the gateway, on FastAPI. Writes the raw topics through `intake`.

`POST /v1/events/{channel}` and `/v1/batch` take a bearer token, `POST /v1/webhooks/{name}` a
signature; `/healthz`, `/readyz`, `/metrics`, `/openapi.json` and `/docs` take neither.
"""

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskwheel import reasons
from deskwheel.settings import GatewaySettings
from ingest.gateway import page
from ingest.gateway.arrivals import batch, media_type, single
from ingest.gateway.body import Allowance, body_of
from ingest.gateway.intake import LARGE_BYTES, Intake, accepted_body
from ingest.gateway.metrics import Counts
from ingest.gateway.outlet import Outlet
from ingest.gateway.refusal import Refusal
from ingest.gateway.tenants import Tenants
from ingest.gateway.webhooks import Webhooks
from ingest.sources import CHANNELS

_log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Gateway:
    """The parts of one gateway."""

    settings: GatewaySettings
    tenants: Tenants
    outlet: Outlet
    intake: Intake
    webhooks: Webhooks
    counts: Counts
    allowance: Allowance
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    is_draining: bool = field(default=False)
    """Requests under way are answered, `/readyz` says no, connections end after their answer."""


def build_api(gateway: Gateway) -> FastAPI:
    """The application around a gateway."""
    api = FastAPI(title="deskwheel gateway", docs_url=None, redoc_url=None, openapi_url=None)
    api.add_exception_handler(HTTPException, _unknown_address)

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        channel = str(request.path_params.get("channel", ""))
        tenant = getattr(request.state, "tenant", "")
        gateway.counts.reject(tenant, channel if channel in CHANNELS else "", error.reason)
        return JSONResponse(error.body(), error.status, headers=error.headers())

    api.add_exception_handler(Refusal, refuse)
    _add_events(api, gateway)
    _add_webhooks(api, gateway)
    _add_views(api, gateway)
    api.add_middleware(_Measured, gateway=gateway)
    return api


def _add_events(api: FastAPI, gateway: Gateway) -> None:
    settings = gateway.settings

    @api.post("/v1/events/{channel}")
    async def take(channel: str, http: Request) -> Response:
        """202 when the brokers have the event."""
        tenant = _tenant(gateway, http)
        if channel not in CHANNELS:
            raise _no_address(f"there is no channel of this name; {', '.join(CHANNELS)} exist")
        async with body_of(http, settings.max_body_bytes, gateway.allowance) as body:
            event = single(channel, http.headers, body, tenant=tenant, now=gateway.now())
            place = await gateway.intake.take(event)
        return JSONResponse(accepted_body(event, place), HTTPStatus.ACCEPTED)

    @api.post("/v1/batch")
    async def take_batch(http: Request) -> Response:
        """202 when the brokers have every event, 207 when some with `partial=true`."""
        tenant = _tenant(gateway, http)
        is_partial = http.query_params.get("partial", "").lower() in {"1", "true", "yes"}
        async with body_of(http, settings.max_batch_bytes, gateway.allowance) as body:
            rows = batch(
                media_type(http.headers.get("content-type", "")),
                body,
                tenant=tenant,
                now=gateway.now(),
                max_events=settings.max_batch_events,
            )
            answer = await gateway.intake.take_batch(
                tenant, rows, is_partial=is_partial, is_large=len(body) > LARGE_BYTES
            )
        return JSONResponse(answer.body, answer.status)


def _add_webhooks(api: FastAPI, gateway: Gateway) -> None:
    @api.post("/v1/webhooks/{name}")
    async def deliver(name: str, http: Request) -> Response:
        """202 when the brokers have the delivery, 200 when they had it before."""
        hook = gateway.webhooks.find(name)
        if hook is None:
            raise _no_address("there is no webhook of this name; see gateway.sources_dir")
        http.state.tenant = hook.tenant
        async with body_of(http, gateway.settings.max_body_bytes, gateway.allowance) as body:
            claimed = gateway.webhooks.verify(hook, http.headers, body, now=gateway.now())
            challenge = gateway.webhooks.challenge_of(hook, body)
            if challenge is not None:
                return JSONResponse({"challenge": challenge})
            event = gateway.webhooks.event_of(hook, claimed, body, now=gateway.now())
            if gateway.webhooks.is_seen(hook, event):
                gateway.counts.reject(hook.tenant, event.channel, reasons.WEBHOOK_REPLAYED)
                return JSONResponse({"status": "duplicate", "reason": reasons.WEBHOOK_REPLAYED})
            place = await gateway.intake.take(event, is_strict=False)
            gateway.webhooks.remember(hook, event)
        return JSONResponse(accepted_body(event, place), HTTPStatus.ACCEPTED)


def _add_views(api: FastAPI, gateway: Gateway) -> None:
    document, text = page.document(), page.page()

    @api.get("/healthz")
    async def healthy() -> Response:
        """200 while the process answers."""
        return JSONResponse({"status": "ok"})

    @api.get("/readyz")
    async def ready() -> Response:
        """200 while events are taken."""
        state = gateway.outlet.circuit.state
        is_ready = state != "away" and not gateway.is_draining
        facts = {"ready": is_ready, "broker": state, "draining": gateway.is_draining}
        return JSONResponse(facts, HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)

    @api.get("/metrics")
    async def metrics() -> Response:
        """Counters as Prometheus text."""
        return Response(gateway.counts.exposition(), media_type="text/plain; version=0.0.4")

    @api.get("/openapi.json")
    async def openapi() -> Response:
        """The interface for programs."""
        return JSONResponse(document)

    @api.get("/docs")
    async def docs() -> Response:
        """The interface for people."""
        return HTMLResponse(text, headers=page.PAGE_HEADERS)


def _tenant(gateway: Gateway, http: Request) -> str:
    tenant = gateway.tenants.tenant_of(http.headers.get("authorization"))
    http.state.tenant = tenant
    return tenant


def _no_address(message: str) -> Refusal:
    return Refusal(HTTPStatus.NOT_FOUND, reasons.ADDRESS_UNKNOWN, message)


async def _unknown_address(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    message = "there is nothing here by this address and method; see /docs"
    return JSONResponse(Refusal(status, reasons.ADDRESS_UNKNOWN, message).body(), status)


def _failure(error: Exception) -> Response:
    """500, and in the log where it happened; an exception's message may hold a customer's text."""
    places = "".join(traceback.format_tb(error.__traceback__))
    _log.error("request failed: %s\n%s", type(error).__name__, places)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    message = "the gateway failed; send it again, repeats are recognised by their event ids"
    return JSONResponse(Refusal(status, reasons.GATEWAY_FAILED, message).body(), status)


class _Measured:
    """Times each answer, answers where the application fails, and ends connections in a drain."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        has_begun = False

        async def answer(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                if self._gateway.is_draining:
                    MutableHeaders(scope=message)["connection"] = "close"
                seconds = time.perf_counter() - begun
                self._gateway.counts.answer(_address(scope["path"]), message["status"], seconds)
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as error:
            response = _failure(error)
            if not has_begun:
                await response(scope, receive, answer)


def _address(path: str) -> str:
    """A path without its variable part; `other` for whatever else is asked for."""
    known = ("/v1/events", "/v1/batch", "/v1/webhooks", "/healthz", "/readyz", "/metrics")
    return next((name for name in known if path == name or path.startswith(f"{name}/")), "other")
