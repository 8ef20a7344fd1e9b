"""Raw material of each kind into events. A new source is one file and one line here.

`CHANNELS` turns one piece of raw material into an event and never fails on what it is given.
`SOURCES` are the places that such material comes from; each is configured by a TOML file
(`ingest.sources.config`) and read by `python -m ingest source run FILE`.
"""

from collections.abc import Callable

from deskwheel.records import Event
from ingest.envelope import Arrival
from ingest.sources import call, chat, email, genesys, imap, maildir, mbox, outcomes, topic, twilio
from ingest.sources.desks import freshdesk, hubspot, slack, zendesk
from ingest.sources.model import Source

CHANNELS: dict[str, Callable[[Arrival], Event]] = {
    "email": email.to_event,
    "chat": chat.to_event,
    "call": call.to_event,
    "outcome": outcomes.to_event,
}
"""Channel → how its raw material becomes an event."""

SOURCES: dict[str, Source] = {
    "email": email.SOURCE,
    "mbox": mbox.SOURCE,
    "maildir": maildir.SOURCE,
    "imap": imap.SOURCE,
    "chat": chat.SOURCE,
    "call": call.SOURCE,
    "twilio": twilio.SOURCE,
    "genesys": genesys.SOURCE,
    "outcomes": outcomes.SOURCE,
    "topic": topic.SOURCE,
    "zendesk": zendesk.SOURCE,
    "freshdesk": freshdesk.SOURCE,
    "slack": slack.SOURCE,
    "hubspot": hubspot.SOURCE,
}
"""Every kind of source by the name that a source file gives as `kind`."""
