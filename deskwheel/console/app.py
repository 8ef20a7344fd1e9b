"""The console's web application: the page, its facts as JSON, and metrics; it changes nothing.

Reads what `deskwheel.console.facts` reads. Whoever reaches 127.0.0.1 may look, so a request that
names another host is refused: a page of the web could else point its own name at this address.
Source: OWASP, "DNS rebinding".
"""

import argparse
import secrets
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.middleware.trustedhost import TrustedHostMiddleware

from deskwheel import config
from deskwheel.console.facts import Facts, digest_of, snapshot_of
from deskwheel.console.page import render_page
from deskwheel.errors import DeskwheelError
from deskwheel.metrics import exposition
from deskwheel.services import choose_ports
from deskwheel.settings import Settings
from deskwheel.stack import read_ports

ALLOWED_HOSTS = ("127.0.0.1", "localhost")
_FRESH_S = 1.0


def create_app(settings: Settings, home: Path | None = None) -> FastAPI:
    """The application over a pipeline's tables and state."""
    app = FastAPI(title="deskwheel", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(ALLOWED_HOSTS))
    facts = _remembered(lambda: snapshot_of(settings, home))

    @app.middleware("http")
    async def _protect(
        request: Request, answer: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await answer(request)
        response.headers.setdefault("Content-Security-Policy", "default-src 'none'")
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/")
    def page() -> HTMLResponse:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline';"
            " connect-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
        )
        return HTMLResponse(
            render_page(facts(), nonce=nonce), headers={"Content-Security-Policy": policy}
        )

    @app.get("/api/snapshot")
    def snapshot() -> JSONResponse:
        return JSONResponse({**facts(), "digest": digest_of(facts())})

    @app.get("/healthz")
    def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(exposition(facts()), media_type="text/plain; version=0.0.4")

    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the console on 127.0.0.1 until a signal, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deskwheel.console", description=__doc__)
    parser.add_argument("--config", type=Path, help="TOML file with the settings")
    parser.add_argument("--set", action="append", default=[], help="override one setting")
    parser.add_argument("--port", type=int, help="port; by default that of the embedded stack")
    parser.add_argument("--home", type=Path, help="state folder; by default that of the secrets")
    chosen = parser.parse_args(argv)
    try:
        settings = config.load(chosen.config, chosen.set)
        home = (chosen.home or Path(settings.pipeline.secrets_dir).parent).resolve()
        port = chosen.port or read_ports(home).get("console") or choose_ports({}, home)["console"]
    except DeskwheelError as error:
        print(f"console: {error}", file=sys.stderr)
        return 1
    app = create_app(settings, home)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
    return 0


def _remembered(make: Callable[[], Facts]) -> Callable[[], Facts]:
    """The same facts for a second, however many look; one caller at a time makes new ones."""
    lock = threading.Lock()
    last: list[tuple[float, Facts]] = []

    def facts() -> Facts:
        with lock:
            if not last or time.monotonic() - last[0][0] > _FRESH_S:
                last[:] = [(time.monotonic(), make())]
            return last[0][1]

    return facts
