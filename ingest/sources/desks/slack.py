"""Slack: the threads of support channels into messages.

Reads the history of the channels named and the replies of each thread. A thread is a conversation.
People of the own workspace are agents, those of others (Slack Connect) are customers, unless
`agents` names who the agents are; apps are bots. Slack states no outcomes.
Source: docs.slack.dev, "conversations.history", "conversations.replies", "users.info",
"auth.test"; endpoints and cursor as in dlt's verified source `slack`
(github.com/dlt-hub/verified-sources).
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deskwheel.settings import bounded, described
from ingest.sources.desks.rest import ADDRESS, Api, DeskOptions, secret
from ingest.sources.desks.tell import Teller
from ingest.sources.desks.walk import BEGINNING, Record, Stream, Told, moment, walk
from ingest.sources.model import Context, Item, Source

PAGE = 200
_LINK = re.compile(r"<(?:[^<>|]*\|)?([^<>|]*)>")
_MENTION = re.compile(r"<[@!#][^<>]*>")
_SPOKEN = frozenset({None, "thread_broadcast", "bot_message", "file_share"})
"""Subtypes of messages that somebody wrote; others tell of joins, topics and the like."""

_FIELDS = {
    "message_id": "channel, ts",
    "conversation_id": "channel, thread_ts",
    "sender": "users.info: team_id and is_bot of user",
    "agent_id": "user",
    "text": "text",
    "sent_at": "ts",
}


@dataclass(frozen=True)
class SlackOptions(DeskOptions):
    """Options of a source file of kind `slack`."""

    channels: tuple[str, ...] = described((), "Ids of the channels, as C012AB3CD.")
    agents: tuple[str, ...] = described(
        (), "Ids of the agents; empty: whoever belongs to the token's own workspace."
    )
    lookback_days: float = bounded(
        14.0, 0.01, 3650, "Replies are found in threads that began no longer ago than this."
    )
    url: str = described("https://slack.com/api", "Address of the Web API.", pattern=ADDRESS)


def read(options: SlackOptions, context: Context) -> Iterator[Item]:
    """Yield messages, channel by channel in the order in which threads grew."""
    api = Api(
        name="slack",
        base_url=options.url,
        auth={"type": "bearer", "token": secret(options)},
        context=context,
        max_wait_s=options.max_wait_s,
        check=_problem,
    )
    teller = Teller(kind="slack", base_url=options.url, tenant=context.tenant, sources=_FIELDS)
    streams = [
        Stream(
            name=channel,
            records=lambda since, channel=channel: _threads(api, options, channel, since),  # type: ignore[misc]
            tell=lambda record, channel=channel: _told(api, options, teller, channel, record),  # type: ignore[misc]
        )
        for channel in options.channels
    ]
    since = moment(options.since) or BEGINNING
    yield from walk(streams, context, since=since, lag_s=options.lag_s, poll_s=options.poll_s)


def _problem(answer: dict[str, Any]) -> str:
    if answer.get("ok") is not False:
        return ""
    return f"Slack says {str(answer.get('error'))[:60]!r}; check token, scopes and `channels`"


def _threads(api: Api, options: SlackOptions, channel: str, since: str) -> Iterator[Record]:
    """The threads of a channel that grew since a moment, by their last reply.

    Slack lists threads by their beginning alone, so that old ones are looked at again.
    """
    oldest = datetime.fromisoformat(since) - (
        timedelta(0) if since == BEGINNING else timedelta(days=options.lookback_days)
    )
    found = api.records(
        "conversations.history",
        select="messages",
        params={"channel": channel, "oldest": f"{oldest.timestamp():.6f}", "limit": PAGE},
        paginator=_cursor(),
    )
    records = []
    for body in found:
        at = moment(body.get("latest_reply") or body.get("ts"))
        if at >= since:
            records.append(Record(id=str(body.get("ts")), at=at, body=body))
    yield from sorted(records, key=lambda r: r.at)


def _told(
    api: Api, options: SlackOptions, teller: Teller, channel: str, record: Record
) -> Iterator[Told]:
    messages = [record.body]
    if record.body.get("reply_count"):
        messages = list(
            api.records(
                "conversations.replies",
                select="messages",
                params={"channel": channel, "ts": record.id, "limit": PAGE},
                paginator=_cursor(),
            )
        )
    known = {str(m.get("ts")): m for m in messages}  # each page begins with the parent again
    opener = record.body.get("user")
    customer = opener if _sender(api, options, record.body) == "customer" else None
    for ts, message in known.items():
        if message.get("subtype") not in _SPOKEN:
            continue
        sender = _sender(api, options, message)
        person = message.get("user")
        yield teller.message(
            id=f"{channel}-{ts}",
            conversation=f"{channel}-{record.id}",
            sender=sender,
            person=person,
            customer=person if sender == "customer" else customer,
            text=_plain(message.get("text")),
            at=ts,
        )


def _sender(api: Api, options: SlackOptions, message: dict[str, Any]) -> str:
    person = message.get("user")
    if message.get("bot_id") or not person:
        return "bot"
    if options.agents:
        return "agent" if person in options.agents else "customer"
    own = api.cache.get("team")
    if own is None:
        (about,) = api.records("auth.test", select="$")
        own = api.cache["team"] = about.get("team_id")
    people: dict[object, Any] = api.cache.setdefault("people", {})
    if person not in people:
        (people[person],) = api.records("users.info", select="user", params={"user": str(person)})
    if people[person].get("is_bot"):
        return "bot"
    return "agent" if people[person].get("team_id") == own else "customer"


def _plain(text: object) -> object:
    """A message without Slack's markup for links and mentions."""
    if not isinstance(text, str):
        return text
    return html.unescape(_LINK.sub(r"\1", _MENTION.sub("", text))).strip()


def _cursor() -> dict[str, Any]:
    return {
        "type": "cursor",
        "cursor_path": "response_metadata.next_cursor",
        "cursor_param": "cursor",
    }


SOURCE = Source(
    channel="chat",
    about="Threads of Slack channels (extra `desks`).",
    options=SlackOptions,
    read=read,
)
