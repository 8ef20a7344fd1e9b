"""HubSpot: the threads of the conversations inbox into messages and changes of status.

Reads the threads by their latest message and each thread's messages. An actor's id says who
somebody is: A- is an agent, B- a bot, V- and E- a visitor. Comments among agents are left out.
Source: developers.hubspot.com, "Conversations inbox & messages API" (threads, messages, actors);
token and paging as in dlt's verified source `hubspot` (github.com/dlt-hub/verified-sources).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deskwheel.settings import bounded, described
from ingest.sources.desks.rest import ADDRESS, Api, DeskOptions, secret
from ingest.sources.desks.tell import Teller
from ingest.sources.desks.walk import BEGINNING, Record, Stream, Told, moment, text_of, walk
from ingest.sources.model import Context, Item, Source

PAGE = 100
ROLES = {"A": "agent", "B": "bot", "V": "customer", "E": "customer"}

_FIELDS = {
    "message_id": "messages[].id",
    "conversation_id": "threads[].id",
    "customer_id": "threads[].associatedContactId",
    "sender": "first letter of messages[].senders[].actorId, or direction",
    "agent_id": "messages[].senders[].actorId",
    "text": "messages[].text",
    "sent_at": "messages[].createdAt",
    "status": "messages[].newStatus",
    "occurred_at": "messages[].createdAt",
}


@dataclass(frozen=True)
class HubspotOptions(DeskOptions):
    """Options of a source file of kind `hubspot`."""

    url: str = described("https://api.hubapi.com", "Address of the API.", pattern=ADDRESS)
    lookback_days: float = bounded(
        14.0,
        0.01,
        3650,
        "A thread that is closed without a message is found for this long after its last one.",
    )


def read(options: HubspotOptions, context: Context) -> Iterator[Item]:
    """Yield messages and changes of status in the order in which threads changed."""
    api = Api(
        name="hubspot",
        base_url=options.url,
        auth={"type": "bearer", "token": secret(options)},
        context=context,
        max_wait_s=options.max_wait_s,
    )
    teller = Teller(kind="hubspot", base_url=options.url, tenant=context.tenant, sources=_FIELDS)
    threads = Stream(
        name="threads",
        records=lambda since: _threads(api, options, since),
        tell=lambda record: _told(api, teller, record),
    )
    since = moment(options.since) or BEGINNING
    yield from walk([threads], context, since=since, lag_s=options.lag_s, poll_s=options.poll_s)


def _threads(api: Api, options: HubspotOptions, since: str) -> Iterator[Record]:
    """The threads that may have changed since a moment.

    HubSpot moves a thread by its messages alone: one that was only closed is looked for among
    those of the last days, and counts as changed when it was closed.
    """
    first = since
    if since != BEGINNING:
        first = text_of(datetime.fromisoformat(since) - timedelta(days=options.lookback_days))
    found = api.records(
        "conversations/v3/conversations/threads",
        select="results",
        params={
            "sort": "latestMessageTimestamp",
            "latestMessageTimestampAfter": "{incremental.start_value}",
            "limit": PAGE,
        },
        paginator=_cursor(),
        incremental={"cursor_path": "latestMessageTimestamp", "initial_value": first},
    )
    records = []
    for body in found:
        at = max(moment(body.get("latestMessageTimestamp")), moment(body.get("closedAt")))
        if at >= since:
            records.append(Record(id=str(body.get("id")), at=at, body=body))
    yield from sorted(records, key=lambda r: r.at)


def _told(api: Api, teller: Teller, record: Record) -> Iterator[Told]:
    messages = api.records(
        f"conversations/v3/conversations/threads/{record.id}/messages",
        select="results",
        params={"sort": "createdAt", "limit": PAGE},
        paginator=_cursor(),
    )
    contact = record.body.get("associatedContactId")
    for message in messages:
        at, place = message.get("createdAt"), message.get("id")
        if message.get("type") in ("MESSAGE", "WELCOME_MESSAGE"):
            person = _actor(message)
            yield teller.message(
                id=place,
                conversation=record.id,
                sender=_sender(message, person),
                person=person,
                customer=contact,
                text=message.get("text"),
                at=at,
            )
        elif message.get("type") == "THREAD_STATUS_CHANGE":
            is_closed = message.get("newStatus") == "CLOSED"
            what = {"kind": "status", "status": "closed"} if is_closed else {"kind": "reopened"}
            yield teller.outcome(
                id=str(place), conversation=record.id, at=at, customer=contact, **what
            )


def _actor(message: dict[str, Any]) -> str | None:
    senders = message.get("senders")
    first = senders[0] if isinstance(senders, list) and senders else None
    found = first.get("actorId") if isinstance(first, dict) else message.get("createdBy")
    return found if isinstance(found, str) else None


def _sender(message: dict[str, Any], person: str | None) -> str:
    known = ROLES.get((person or "").partition("-")[0])
    is_incoming = message.get("direction") == "INCOMING"
    return known or ("customer" if is_incoming else "system")


def _cursor() -> dict[str, Any]:
    return {"type": "cursor", "cursor_path": "paging.next.after", "cursor_param": "after"}


SOURCE = Source(
    channel="chat",
    about="HubSpot's conversations inbox: messages, changes of status (extra `desks`).",
    options=HubspotOptions,
    read=read,
)
