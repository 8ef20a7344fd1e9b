"""A desk's HTTP API, read through dlt's declarative REST source. Reads and writes no topic.

dlt brings authentication, pagination, the incremental cursor and retries; it is loaded when a
desk is read, because it comes with the extra `desks` alone. It reports nothing to its makers and
writes nothing into the user's home folder.
"""

import importlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from threading import Event as StopEvent
from typing import Any

from deskwheel.errors import DeskwheelError, ServiceError, SetupError
from deskwheel.secret import read_secret
from deskwheel.settings import bounded, described
from ingest.sources.model import Context

ADDRESS = (
    r"https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._/-]*)?"
    r"|http://(127\.0\.0\.1|localhost)(:[0-9]+)?(/[A-Za-z0-9._/-]*)?"
)
REQUEST_TIMEOUT_S = 60.0
ATTEMPTS = 8
"""Of one request that meets 429, 5xx or a broken connection."""

_PRIVATE = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    # Where dlt would look for its own settings and keep its data; nothing is ever put there.
    "DLT_DATA_DIR": str(Path(tempfile.gettempdir()) / "deskwheel-dlt"),
}


@dataclass(frozen=True)
class DeskOptions:
    """What every desk is set up with."""

    token: str = described(
        "",
        "Where the API token is: `env:NAME` or `file:PATH`.",
        pattern=r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+",
    )
    since: str = described(
        "", "Time (ISO 8601) from which a first run reads; empty: everything the desk has."
    )
    lag_s: float = bounded(
        120.0, 0, 86_400, "What is younger is left for the next look; clocks may differ by this."
    )
    poll_s: float = bounded(60.0, 1, 86_400, "Time between two looks while following.")
    max_wait_s: float = bounded(
        900.0, 1, 86_400, "Longest wait before a request is sent again, whatever the desk asks for."
    )


class _StoppedError(Exception):
    """Somebody wants the source to end while it waits."""


@dataclass(frozen=True, kw_only=True)
class Api:
    """One desk's API: where it is, how to log in, and how long to wait for it."""

    name: str
    base_url: str
    auth: Mapping[str, Any]
    """As dlt's REST source takes it: `{"type": "bearer", "token": …}`, …"""
    context: Context
    max_wait_s: float = 900.0
    check: Callable[[dict[str, Any]], str] | None = None
    """Says what is wrong with an answer of status 200; empty where nothing is."""
    cache: dict[str, Any] = field(default_factory=dict)
    """What a desk remembers while it is read, as the roles of its people."""

    def records(
        self,
        path: str,
        *,
        select: str,
        params: Mapping[str, Any] | None = None,
        paginator: Any = "single_page",
        incremental: Mapping[str, Any] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the records of an endpoint, page after page; ends early when the source stops.

        Args:
            path: below the base address.
            select: JSONPath of the records in an answer.
            params: of the query; `{incremental.start_value}` is the cursor.
            paginator: as dlt's REST source takes it.
            incremental: cursor and its first value, as dlt's REST source takes it.

        Raises:
            SetupError: dlt is missing, or the desk refuses the token or the path.
            ServiceError: the desk does not answer, or wants longer pauses than are allowed.
        """
        rest = _dlt("dlt.sources.rest_api")
        endpoint: dict[str, Any] = {
            "path": path,
            "params": dict(params or {}),
            "data_selector": select,
            "paginator": paginator,
            # A function and no method: dlt copies what it is given, and would copy this whole Api.
            "response_actions": [lambda response, *_, **__: self._judge(response)],
        }
        if incremental:
            endpoint["incremental"] = {"on_cursor_value_missing": "include", **incremental}
        config = {
            "client": {
                "base_url": self.base_url.rstrip("/") + "/",
                "auth": dict(self.auth),
                "session": self._session(),
            },
            "resources": [{"name": "records", "endpoint": endpoint}],
        }
        (resource,) = rest.rest_api_resources(config)
        try:
            yield from resource
        except Exception as error:  # noqa: BLE001  dlt wraps whatever happens in its own
            found = self._explained(error, path)
            if found is not None:
                raise found from error

    def _session(self) -> Any:
        if "session" in self.cache:
            return self.cache["session"]
        client = _dlt("dlt.sources.helpers.requests").Client(
            raise_for_status=False,
            request_timeout=REQUEST_TIMEOUT_S,
            request_max_attempts=ATTEMPTS,
            request_max_retry_delay=self.max_wait_s,
            respect_retry_after_header=True,
        )
        session = client.session
        # Its own sleep would keep a source that is asked to stop waiting for minutes.
        # A function and no method, as above.
        session.send.retry.sleep = partial(_pause, self.context.stop)
        self.cache["session"] = session
        return session

    def _judge(self, response: Any) -> None:
        """Refuse an answer for good; what may pass (429, 5xx) is left to dlt's retries."""
        status = int(response.status_code)
        where = self._place(response)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise SetupError(
                f"{where} answers {status}: the desk refuses the token; check `token` and what it"
                " is allowed to read"
            )
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return
        if status >= HTTPStatus.BAD_REQUEST:
            raise SetupError(f"{where} answers {status}; check the options of the source")
        if self.check is None:
            return
        try:
            body = response.json()
        except ValueError as error:
            raise ServiceError(f"{where} does not answer with JSON") from error
        problem = self.check(body) if isinstance(body, dict) else ""
        if problem:
            raise SetupError(f"{where}: {problem}")

    def _place(self, response: Any) -> str:
        """An answer's address without its query."""
        return f"{self.name} {self.base_url}: {response.request.path_url.partition('?')[0]}"

    def _explained(self, error: BaseException, path: str) -> DeskwheelError | None:
        """What a failure comes to for the caller; None where the source was asked to stop."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, _StoppedError):
                return None
            if isinstance(cause, DeskwheelError):
                return cause
            response = getattr(cause, "response", None)
            if response is not None:
                return ServiceError(
                    f"{self._place(response)} answers {response.status_code} after {ATTEMPTS}"
                    " attempts; try later"
                )
            last, cause = cause, cause.__cause__ or cause.__context__
        return ServiceError(
            f"{self.name} {self.base_url}: {path}: {type(last).__name__}; try later"
        )


def _pause(stop: StopEvent, seconds: float) -> None:
    if stop.wait(seconds):
        raise _StoppedError


def links_until(next_path: str, end: str) -> Any:
    """A paginator for lists that name a next page even at their end, which a flag states.

    Args:
        next_path: JSONPath of the next page's address.
        end: name of the flag; a page without it is the last one.
    """

    class LinksUntil(_dlt("dlt.sources.helpers.rest_client.paginators").JSONLinkPaginator):  # type: ignore[misc]
        def update_state(self, response: Any, data: Any = None) -> None:
            super().update_state(response, data)
            if response.json().get(end) is not False:
                self._next_reference = None

    return LinksUntil(next_path)


def secret(options: DeskOptions) -> str:
    """The API token of a desk.

    Raises:
        ConfigError: it is not where the option says.
    """
    return read_secret(options.token, setting="options.token")


def _dlt(module: str) -> Any:
    os.environ.update({name: os.environ.get(name, value) for name, value in _PRIVATE.items()})
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SetupError(
            f"desks are read through dlt, which is missing ({error}); install the extra `desks`:"
            " `uv pip install 'dlt>=1.31,<2'` into this environment"
        ) from error
