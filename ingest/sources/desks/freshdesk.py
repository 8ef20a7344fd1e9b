"""Freshdesk: descriptions, replies, changes of status and ratings of tickets into events.

Reads the tickets in order of their change with their conversations, and the satisfaction ratings.
What is `incoming` was written by the customer; private notes are left out.
Source: developers.freshdesk.com, "List all tickets" (`updated_since`, `order_by`, `include`),
"List all conversations of a ticket", "List all satisfaction ratings"; key and resources as in
dlt's verified source `freshdesk` (github.com/dlt-hub/verified-sources).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from deskwheel.settings import described
from ingest.sources.desks.rest import ADDRESS, Api, DeskOptions, secret
from ingest.sources.desks.tell import Teller
from ingest.sources.desks.walk import BEGINNING, Record, Stream, Told, moment, walk
from ingest.sources.model import Context, Item, Source

PAGE = 100
OUTBOUND = 10
"""`source` of a ticket that an agent opened by writing to the customer."""

STARS = {103: 5, 102: 5, 101: 4, 100: 3, -101: 2, -102: 1, -103: 1}
"""Seven faces on our five stars, the neutral one in the middle."""

_FIELDS = {
    "message_id": "id",
    "conversation_id": "ticket_id",
    "customer_id": "tickets[].requester_id",
    "sender": "incoming (customer) or not (agent)",
    "agent_id": "user_id",
    "text": "body_text; of the first message description_text",
    "sent_at": "created_at",
    "status": "tickets[].stats",
    "csat": "ratings.default_question",
    "occurred_at": "stats.resolved_at, closed_at, reopened_at",
}


@dataclass(frozen=True)
class FreshdeskOptions(DeskOptions):
    """Options of a source file of kind `freshdesk`."""

    url: str = described("", "Address of the account, as https://acme.example.", pattern=ADDRESS)


def read(options: FreshdeskOptions, context: Context) -> Iterator[Item]:
    """Yield messages and outcomes in the order in which tickets changed."""
    api = Api(
        name="freshdesk",
        base_url=options.url,
        auth={"type": "http_basic", "username": secret(options), "password": "X"},
        context=context,
        max_wait_s=options.max_wait_s,
    )
    teller = Teller(kind="freshdesk", base_url=options.url, tenant=context.tenant, sources=_FIELDS)
    streams = [
        Stream(
            name="tickets",
            records=lambda since: _tickets(api, since),
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


def _tickets(api: Api, since: str) -> Iterator[Record]:
    """Tickets by their change, asked for from the last one's on and not by page numbers.

    A ticket that changes moves to the end of the list: counted pages would then skip another one.
    """
    page, cursor = 1, since
    while True:
        params = {
            "updated_since": "{incremental.start_value}", "order_by": "updated_at",
            "order_type": "asc", "per_page": PAGE, "page": page,
            "include": "requester,stats,description",
        }  # fmt: skip
        found = list(
            api.records(
                "api/v2/tickets",
                select="$",
                params=params,
                incremental={"cursor_path": "updated_at", "initial_value": _seconds_text(cursor)},
            )
        )
        for body in found:
            at = moment(body.get("updated_at")) or cursor
            yield Record(id=str(body.get("id")), at=at, body=body)
        if len(found) < PAGE:
            return
        last = moment(found[-1].get("updated_at")) or cursor
        # More tickets of one second than a page holds can only be told apart by page.
        page, cursor = (page + 1, cursor) if last <= cursor else (1, last)


def _told_of_ticket(api: Api, teller: Teller, record: Record) -> Iterator[Told]:
    ticket = record.body
    customer = ticket.get("requester_id")
    is_outbound = ticket.get("source") == OUTBOUND
    yield teller.message(
        id=f"{record.id}-0",
        conversation=record.id,
        sender="agent" if is_outbound else "customer",
        person=ticket.get("responder_id") if is_outbound else customer,
        customer=customer,
        text=ticket.get("description_text"),
        at=ticket.get("created_at"),
    )
    replies = api.records(
        f"api/v2/tickets/{record.id}/conversations",
        select="$",
        params={"per_page": PAGE},
        paginator={"type": "page_number", "base_page": 1, "page_param": "page",
                   "total_path": None, "stop_after_empty_page": True},
    )  # fmt: skip
    for reply in replies:
        if reply.get("private"):
            continue
        yield teller.message(
            id=reply.get("id"),
            conversation=record.id,
            sender="customer" if reply.get("incoming") else "agent",
            person=reply.get("user_id"),
            customer=customer,
            text=reply.get("body_text"),
            at=reply.get("created_at"),
        )
    yield from _statuses(teller, record)


def _statuses(teller: Teller, record: Record) -> Iterator[Told]:
    stats = record.body.get("stats")
    for name, what in (
        ("resolved_at", {"kind": "status", "status": "solved"}),
        ("closed_at", {"kind": "status", "status": "closed"}),
        ("reopened_at", {"kind": "reopened"}),
    ):
        at = stats.get(name) if isinstance(stats, dict) else None
        if at:
            yield teller.outcome(
                id=f"{record.id}-{name}-{at}",
                conversation=record.id,
                at=at,
                customer=record.body.get("requester_id"),
                agent=record.body.get("responder_id"),
                **what,
            )


def _ratings(api: Api, since: str) -> Iterator[Record]:
    found = api.records(
        "api/v2/surveys/satisfaction_ratings",
        select="$",
        params={"created_since": _seconds_text(since), "per_page": PAGE},
        paginator={"type": "page_number", "base_page": 1, "page_param": "page",
                   "total_path": None, "stop_after_empty_page": True},
    )  # fmt: skip
    records = [
        Record(id=str(b.get("id")), at=moment(b.get("created_at")) or since, body=b) for b in found
    ]
    yield from sorted(records, key=lambda r: r.at)


def _told_of_rating(teller: Teller, record: Record) -> Iterator[Told]:
    given = record.body.get("ratings")
    face = given.get("default_question") if isinstance(given, dict) else None
    stars = STARS.get(face) if isinstance(face, int) else None
    if stars is not None:
        yield teller.outcome(
            id=record.id,
            conversation=record.body.get("ticket_id"),
            kind="csat",
            csat=stars,
            at=record.at,
            customer=record.body.get("user_id"),
            agent=record.body.get("agent_id"),
        )


def _seconds_text(at: str) -> str:
    """A moment as Freshdesk writes it, so that cursors compare with its own."""
    return f"{at[:19]}Z"


SOURCE = Source(
    channel="chat",
    about="Freshdesk tickets: messages, changes of status, ratings (extra `desks`).",
    options=FreshdeskOptions,
    read=read,
)
