"""The annotation page's web application, on 127.0.0.1 only; without a session only its entry.

Serves `validate.annotation.page` over `validate.annotation.desk`, which writes `annotations`.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.middleware.trustedhost import TrustedHostMiddleware

from deskwheel.annotations import AnnotationTask
from deskwheel.console.annotated import annotation_counts
from deskwheel.errors import DeskwheelError
from deskwheel.settings import Settings
from validate.annotation import entry
from validate.annotation.annotators import annotator_key
from validate.annotation.desk import Desk
from validate.annotation.page import entry_page, progress_page, task_page

COOKIE = "deskwheel_annotator"
ALLOWED_HOSTS = ("127.0.0.1", "localhost")
MAX_BODY_BYTES = 65_536
_MAX_FIELDS = 40
_SEE_OTHER = 303


class Refusal(Exception):
    """A request that is turned away, with a status and a sentence."""

    def __init__(self, status: int, why: str) -> None:
        """Say what to answer."""
        super().__init__(why)
        self.status, self.why = status, why


class Door:
    """Sessions of annotators: who asks, and whether a form is theirs."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        """Read the secret, making it on first use."""
        self._secrets_dir = settings.pipeline.secrets_dir
        self._secret = entry.annotation_secret(self._secrets_dir)
        self._clock = clock

    def enter(self, form: Mapping[str, str]) -> str | None:
        """The cookie of a new session; None where name and token do not belong together."""
        try:
            key = annotator_key(form.get("annotator", ""), self._secrets_dir)
        except DeskwheelError:
            return None
        if not entry.is_token(self._secret, key, form.get("token", "")):
            return None
        return entry.open_session(self._secret, key, now_s=int(self._clock()))

    def annotator(self, request: Request) -> str | None:
        """The annotator of a request, or None."""
        cookie = request.cookies.get(COOKIE)
        return entry.read_session(self._secret, cookie, now_s=int(self._clock()))

    def mark(self, request: Request) -> str:
        """What the forms of this session carry."""
        return entry.form_mark(self._secret, request.cookies.get(COOKIE, ""))

    def check_form(self, request: Request, form: Mapping[str, str]) -> str:
        """The annotator, once the form is known to be of their own page.

        Raises:
            Refusal: 401 without a session, 403 for a form of another page.
        """
        key = self.annotator(request)
        if key is None:
            raise Refusal(401, "The session has ended; enter again.")
        cookie = request.cookies.get(COOKIE, "")
        if not entry.is_form_mark(self._secret, cookie, form.get("mark", "")):
            raise Refusal(403, "The form is not of this session; load the page again.")
        return key


def create_app(settings: Settings, *, clock: Callable[[], float] = time.time) -> FastAPI:
    """The application over a pipeline's tables.

    Raises:
        SetupError: the secret can be neither read nor made.
    """
    app = FastAPI(title="deskwheel annotation", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(ALLOWED_HOSTS))
    door, desk = Door(settings, clock), Desk(settings)
    app.middleware("http")(_protect)
    app.exception_handler(Refusal)(_turn_away)
    _add_entry(app, door)
    _add_tasks(app, door, desk, clock)

    @app.get("/healthz")
    def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/progress")
    def progress(request: Request) -> Response:
        if door.annotator(request) is None:
            return RedirectResponse("/enter", _SEE_OTHER)
        return progress_page(annotation_counts(settings.pipeline.lake))

    return app


def _add_entry(app: FastAPI, door: Door) -> None:
    @app.get("/enter")
    def entrance() -> Response:
        return entry_page()

    @app.post("/enter")
    async def enter(request: Request) -> Response:
        cookie = door.enter(await _form(request))
        if cookie is None:
            raise Refusal(401, "Name and token do not belong together.")
        response = RedirectResponse("/", _SEE_OTHER)
        response.set_cookie(
            COOKIE, cookie, max_age=entry.SESSION_S, httponly=True, samesite="strict"
        )
        return response

    @app.post("/leave")
    async def leave(request: Request) -> Response:
        door.check_form(request, await _form(request))
        response = RedirectResponse("/enter", _SEE_OTHER)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response


def _add_tasks(app: FastAPI, door: Door, desk: Desk, clock: Callable[[], float]) -> None:
    @app.get("/")
    def work(request: Request) -> Response:
        key = door.annotator(request)
        if key is None:
            return RedirectResponse("/enter", _SEE_OTHER)
        return task_page(desk, key, desk.next_task(key), mark=door.mark(request))

    @app.get("/tasks/{task_id}")
    def again(request: Request, task_id: str) -> Response:
        key = door.annotator(request)
        if key is None:
            return RedirectResponse("/enter", _SEE_OTHER)
        return task_page(desk, key, _own(desk, key, task_id), mark=door.mark(request))

    @app.post("/tasks/{task_id}")
    async def answer(request: Request, task_id: str) -> Response:
        form = await _form(request)
        key = door.check_form(request, form)
        return await run_in_threadpool(_take, request, form, key, task_id)

    def _take(request: Request, form: dict[str, str], key: str, task_id: str) -> Response:
        task = _own(desk, key, task_id)
        now = datetime.fromtimestamp(clock(), UTC)
        problems = desk.answer(task, form, is_skipped="skip" in form, now=now)
        if problems:
            mark = door.mark(request)
            return task_page(desk, key, task, mark=mark, form=form, problems=problems)
        return RedirectResponse("/", _SEE_OTHER)


def _own(desk: Desk, key: str, task_id: str) -> AnnotationTask:
    task = desk.task(key, task_id)
    if task is None:
        raise Refusal(404, "No such task of yours.")
    return task


async def _protect(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    if request.method == "POST" and not _is_own_origin(request):
        response: Response = PlainTextResponse("The form is of another site.\n", 403)
    else:
        response = await answer(request)
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'")
    response.headers["X-Content-Type-Options"] = "nosniff"
    # With `no-referrer` a browser sends `Origin: null` with our own forms.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


async def _turn_away(_request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return entry_page(refusal.why, status=refusal.status)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form, the last of each name; of at most `MAX_BODY_BYTES`.

    Raises:
        Refusal: 413 or 400.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise Refusal(413, "The form is too large.")
    try:
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise Refusal(400, "The form cannot be read.") from None
    return {name: values[-1] for name, values in fields.items()}


def _is_own_origin(request: Request) -> bool:
    """Whether a form came from this page, where the browser says where it came from."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
