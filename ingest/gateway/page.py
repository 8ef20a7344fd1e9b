"""The gateway's interface as an OpenAPI document, and that document as a page.

The page is rendered here: it loads nothing from any host and runs no script. Reads no topic.
Source: OpenAPI 3.1.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from markupsafe import Markup, escape

from deskwheel import __version__, reasons
from ingest.gateway.arrivals import BATCH, MEDIA, NDJSON, STRUCTURED

STATUSES: dict[int, str] = {
    200: "The webhook's delivery was accepted before; nothing was published.",
    202: "Accepted: the brokers have acknowledged every event.",
    207: "Part of the batch was accepted (`partial=true`); each event has its own status.",
    401: "No token of a tenant, or a wrong or old signature.",
    404: "There is nothing at this address.",
    408: "The body did not arrive in time.",
    413: "The body, an event or the batch is too large, packed or unpacked.",
    415: "The Content-Type or Content-Encoding is not taken here.",
    422: "An event is not what its schema says; nothing was published.",
    429: "Too many events a second; Retry-After says when to go on.",
    503: "The brokers did not acknowledge in time, or too much is pending; send it again.",
}
"""What each status means, for the document and for docs/ingest.md."""

PAGE_HEADERS = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}"
    "code{background:#eee;padding:0 .2em}table{border-collapse:collapse}"
    "td,th{border:1px solid #bbb;padding:.2em .6em;text-align:left;vertical-align:top}"
)
_REFUSED = (401, 408, 413, 415, 422, 429, 503)


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    events = sorted({media for types in MEDIA.values() for media in types} | {STRUCTURED})
    channel = _parameter("channel", "path", {"enum": list(MEDIA)}, "What kind of event it is.")
    partial = _parameter("partial", "query", {"type": "boolean"}, "Take the good events only.")
    name = _parameter("name", "path", {"type": "string"}, "Name of a source file of kind webhook.")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "deskwheel gateway",
            "version": __version__,
            "description": "Takes events in over HTTP. Accepted means acknowledged by the brokers."
            " Sending an event again is safe: its id makes it a duplicate.",
        },
        "paths": {
            "/v1/events/{channel}": _post(
                "One event, plain or as a CloudEvent in binary or structured mode.",
                events, [channel], (202, *_REFUSED), "Accepted",
            ),
            "/v1/batch": _post(
                "Many events, all or none.",
                [BATCH, NDJSON[0]], [partial], (202, 207, *_REFUSED), "Batch",
            ),
            "/v1/webhooks/{name}": {
                "post": {
                    **_post(
                        "A signed delivery of another service.",
                        ["application/json"], [name], (200, 202, 404, *_REFUSED), "Accepted",
                    )["post"],
                    "security": [],
                }
            },
            "/healthz": _get("Whether the process answers."),
            "/readyz": _get("Whether events are taken now.", _described((503,))),
            "/metrics": _get("Counters as Prometheus text."),
        },
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }  # fmt: skip


def page() -> str:
    """The document for people, as HTML."""
    whole = document()
    parts = [Markup("<h1>{}</h1><p>{}</p>").format(*(whole["info"][k] for k in
             ("title", "description")))]  # fmt: skip
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            parts += _operation(path, method, operation)
    parts.append(Markup("<h2>Reason codes of refusals</h2>"))
    parts.append(_table(("reason", "meaning"), reasons.MEANING.items()))
    head = Markup(
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        "<title>deskwheel gateway</title><style>{}</style>"
    ).format(Markup(_STYLE))  # noqa: S704  our own constant
    return str(head + Markup("").join(parts))


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[Markup]:
    yield Markup("<h2><code>{} {}</code></h2><p>{}</p>").format(
        method.upper(), path, operation["summary"]
    )
    takes = operation.get("requestBody", {}).get("content", {})
    if takes:
        listed = Markup(", ").join(Markup("<code>{}</code>").format(media) for media in takes)
        yield Markup("<p>Takes {}.</p>").format(listed)
    asked = [(p["name"], f"{p['in']}: {p['description']}") for p in operation.get("parameters", ())]
    if asked:
        yield _table(("parameter", "meaning"), asked)
    answers = operation["responses"].items()
    yield _table(("status", "meaning"), [(status, a["description"]) for status, a in answers])


def _table(head: tuple[str, str], rows: Any) -> Markup:
    cells = Markup("").join(Markup("<tr><td>{}<td>{}").format(*map(escape, row)) for row in rows)
    return Markup("<table><tr><th>{}<th>{}{}</table>").format(*head, cells)


def _post(
    summary: str, media: list[str], parameters: list[Any], statuses: tuple[int, ...], accepted: str
) -> dict[str, Any]:
    body = {"required": True, "content": {name: {} for name in media}}
    responses = _described(statuses)
    for status in responses:
        schema = accepted if int(status) < HTTPStatus.BAD_REQUEST else "Refusal"
        content = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
        responses[status]["content"] = {"application/json": content}
    return {
        "post": {
            "summary": summary,
            "parameters": parameters,
            "requestBody": body,
            "responses": responses,
        }
    }


def _get(summary: str, otherwise: Mapping[str, Any] | None = None) -> dict[str, Any]:
    responses = {"200": {"description": "Yes."}, **(otherwise or {})}
    return {"get": {"summary": summary, "security": [], "responses": responses}}


def _described(statuses: tuple[int, ...]) -> dict[str, Any]:
    return {str(status): {"description": STATUSES[status]} for status in statuses}


def _parameter(name: str, place: str, schema: Any, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "schema": schema,
        "description": description,
    }


def _schemas() -> dict[str, Any]:
    text, number = {"type": "string"}, {"type": "integer"}
    error = {
        "type": "object",
        "required": ["status", "reason", "message", "field"],
        "properties": {
            "status": number,
            "reason": {"enum": sorted(reasons.MEANING)},
            "message": text,
            "field": {"type": ["string", "null"]},
        },
    }
    accepted = {
        "type": "object",
        "properties": {"id": text, "topic": text, "partition": number, "offset": number},
    }
    batch = {
        "type": "object",
        "required": ["accepted", "events"],
        "properties": {"accepted": number, "events": {"type": "array"}},
    }
    refusal = {"type": "object", "required": ["error"], "properties": {"error": error}}
    return {"Accepted": accepted, "Batch": batch, "Refusal": refusal}
