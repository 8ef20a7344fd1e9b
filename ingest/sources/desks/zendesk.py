"""Zendesk: public comments, changes of status and ratings of tickets into events.

Reads two lists of the Support API: the incremental export of ticket events with comments, and the
satisfaction ratings. Whoever has another role than `end-user` is an agent.
Source: developer.zendesk.com, "Incremental Exports" (ticket events, side-load `comment_events`),
"Satisfaction Ratings", "Users: show many"; resources and time cursor as in dlt's verified source
`zendesk` (github.com/dlt-hub/verified-sources).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deskwheel.settings import described
from ingest.sources.desks.rest import ADDRESS, Api, DeskOptions, links_until, secret
from ingest.sources.desks.tell import Teller
from ingest.sources.desks.walk import BEGINNING, Record, Stream, Told, moment, walk
from ingest.sources.model import Context, Item, Source

ENDED = ("solved", "closed")
STATUS = {"new": "open", "open": "open", "pending": "pending", "hold": "pending",
          "solved": "solved", "closed": "closed"}  # fmt: skip
STARS = {"good": 5, "bad": 1}
"""Zendesk knows a thumb up and a thumb down; they count as the ends of our scale."""

_FIELDS = {
    "message_id": "ticket_events[].child_events[].id",
    "conversation_id": "ticket_events[].ticket_id",
    "sender": "users[].role of author_id",
    "agent_id": "child_events[].author_id",
    "text": "child_events[].plain_body, else body",
    "sent_at": "ticket_events[].timestamp",
    "status": "child_events[].status",
    "csat": "satisfaction_ratings[].score",
    "occurred_at": "ticket_events[].timestamp",
}


@dataclass(frozen=True)
class ZendeskOptions(DeskOptions):
    """Options of a source file of kind `zendesk`."""

    url: str = described("", "Address of the account, as https://acme.example.", pattern=ADDRESS)
    email: str = described("", "Account the API token belongs to; empty: it is an OAuth token.")


def read(options: ZendeskOptions, context: Context) -> Iterator[Item]:
    """Yield messages and outcomes in the order in which tickets changed."""
    auth: dict[str, Any] = {"type": "bearer", "token": secret(options)}
    if options.email:
        name = f"{options.email}/token"
        auth = {"type": "http_basic", "username": name, "password": secret(options)}
    api = Api(name="zendesk", base_url=options.url, auth=auth, context=context,
              max_wait_s=options.max_wait_s)  # fmt: skip
    teller = Teller(kind="zendesk", base_url=options.url, tenant=context.tenant, sources=_FIELDS)
    streams = [
        Stream(
            name="ticket_events",
            records=lambda since: _ticket_events(api, since),
            tell=lambda record: _told_of_ticket(api, teller, record),
        ),
        Stream(
            name="ratings",
            records=lambda since: _ratings(api, since),
            tell=lambda record: _told_of_rating(teller, record),
        ),
    ]
    since = moment(options.since) or BEGINNING
    yield from walk(streams, context, since=since, lag_s=options.lag_s, poll_s=options.poll_s)


def _ticket_events(api: Api, since: str) -> Iterator[Record]:
    found = api.records(
        "api/v2/incremental/ticket_events.json",
        select="ticket_events",
        params={"start_time": "{incremental.start_value}", "include": "comment_events"},
        paginator=links_until("next_page", "end_of_stream"),
        incremental={"cursor_path": "timestamp", "initial_value": _seconds(since)},
    )
    for body in found:
        yield Record(id=str(body.get("id")), at=moment(body.get("timestamp")) or since, body=body)


def _told_of_ticket(api: Api, teller: Teller, record: Record) -> Iterator[Told]:
    ticket, at = record.body.get("ticket_id"), record.at
    for child in _children(record):
        place = child.get("id")
        if child.get("event_type") == "Comment" and child.get("public") is not False:
            author = child.get("author_id")
            is_customer = _role(api, author) == "end-user"
            yield teller.message(
                id=place,
                conversation=ticket,
                sender="customer" if is_customer else "agent",
                person=author,
                customer=author if is_customer else None,
                text=child.get("plain_body") or child.get("body"),
                at=at,
            )
        elif isinstance(status := child.get("status"), str):
            before = child.get("previous_value")
            is_reopened = before in ENDED and status not in ENDED
            kind: dict[str, Any] = {"kind": "reopened"}
            if not is_reopened:
                kind = {"kind": "status", "status": STATUS.get(status, status)}
            agent = record.body.get("updater_id")
            yield teller.outcome(id=f"{place}", conversation=ticket, at=at, agent=agent, **kind)


def _children(record: Record) -> Iterator[dict[str, Any]]:
    children = record.body.get("child_events")
    yield from (c for c in (children if isinstance(children, list) else ()) if isinstance(c, dict))


def _role(api: Api, person: object) -> str:
    """The role of a person: end-user, agent or admin; one who was deleted is an end-user."""
    if person is None:
        return "end-user"
    roles: dict[object, str] = api.cache.setdefault("roles", {})
    if person not in roles:
        roles[person] = "end-user"
        users = api.records(
            "api/v2/users/show_many.json", select="users", params={"ids": str(person)}
        )
        for user in users:
            roles[user.get("id")] = str(user.get("role", "end-user"))
    return roles[person]


def _ratings(api: Api, since: str) -> Iterator[Record]:
    found = api.records(
        "api/v2/satisfaction_ratings.json",
        select="satisfaction_ratings",
        params={"start_time": _seconds(since), "page[size]": 100},
        paginator={"type": "json_link", "next_url_path": "links.next"},
    )
    records = [
        Record(id=str(b.get("id")), at=moment(b.get("updated_at")) or since, body=b) for b in found
    ]
    yield from sorted(records, key=lambda r: r.at)


def _told_of_rating(teller: Teller, record: Record) -> Iterator[Told]:
    body = record.body
    stars = STARS.get(str(body.get("score")).partition("_")[0])
    if stars is not None:  # `offered` and `unoffered` are no ratings
        yield teller.outcome(
            id=f"{record.id}-{stars}",
            conversation=body.get("ticket_id"),
            kind="csat",
            csat=stars,
            at=record.at,
            customer=body.get("requester_id"),
            agent=body.get("assignee_id"),
        )


def _seconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp())


SOURCE = Source(
    channel="chat",
    about="Zendesk tickets: comments, changes of status, ratings (extra `desks`).",
    options=ZendeskOptions,
    read=read,
)
