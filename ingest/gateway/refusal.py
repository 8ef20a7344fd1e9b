"""Why a request is turned away: status, reason code and a sentence, as the one JSON error body.

No text of a customer ever stands in it: it says what is wrong and where, never what was sent.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from deskwheel import reasons
from deskwheel.errors import DeskwheelError


class Refusal(DeskwheelError):
    """A request, or one event of it, that is not taken."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        field: str | None = None,
        retry_after_s: float | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Say what is wrong.

        Args:
            status: HTTP status.
            reason: code of `deskwheel.reasons`.
            message: what is wrong, where, and the remedy, without customers' text.
            field: header or field of the payload that is meant.
            retry_after_s: when to try again.
            more: further members of the body beside `error`.
        """
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.field = field
        self.retry_after_s = retry_after_s
        self.more = more or {}
        self.retriable = status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}

    def error(self) -> dict[str, Any]:
        """The refusal as the member `error` of a body."""
        return {
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "field": self.field,
        }

    def body(self) -> dict[str, Any]:
        """The whole body of the answer."""
        return {"error": self.error(), **self.more}

    def headers(self) -> dict[str, str]:
        """The headers that belong to the answer."""
        if self.retry_after_s is not None:
            return {"retry-after": str(max(1, round(self.retry_after_s)))}
        if self.status == HTTPStatus.UNAUTHORIZED and self.reason == reasons.TOKEN_INVALID:
            return {"www-authenticate": "Bearer"}
        if self.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            # The rest of the body is not worth reading.
            return {"connection": "close"}
        return {}


def broker_away(message: str, *, more: Mapping[str, Any] | None = None) -> Refusal:
    """503: the brokers have not acknowledged; sending all again is safe."""
    return Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        reasons.BROKER_AWAY,
        f"{message}; send it again, repeats are recognised by their event ids",
        retry_after_s=1,
        more=more,
    )


def overloaded(message: str) -> Refusal:
    """503: the gateway holds as much as it may."""
    return Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        reasons.OVERLOADED,
        f"{message}; send it again in a moment",
        retry_after_s=1,
    )


def too_large(message: str, *, reason: str = reasons.TOO_LARGE) -> Refusal:
    """413: a body or event beyond its limit."""
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason, message)


def unknown_media(message: str, field: str) -> Refusal:
    """415: a content type or encoding that is not taken here."""
    return Refusal(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, reasons.MEDIA_TYPE_UNKNOWN, message, field=field
    )


def unacceptable(reason: str, message: str, *, field: str | None = None) -> Refusal:
    """422: the event itself is wrong."""
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, reason, message, field=field)
