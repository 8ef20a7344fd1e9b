"""What is said and what came of it at a desk, as our events. Writes `raw.chat`, `raw.outcome`.

A ticket is a conversation of the channel chat: its comments are messages of chat.v1, its changes
of status and its ratings are outcomes of outcome.v1. Ids carry the desk's name, so that two desks
of one tenant never share one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from ingest.envelope import Arrival
from ingest.sources import chat, outcomes
from ingest.sources.desks.walk import Told, moment
from ingest.sources.model import FieldMap


@dataclass(frozen=True, kw_only=True)
class Teller:
    """Makes the events of one desk."""

    kind: str
    base_url: str
    tenant: str
    sources: Mapping[str, str]
    """Field of a message of ours → where the desk has it, for whoever looks at the mapping."""

    def id(self, *parts: object) -> str:
        """An id of ours out of ids of the desk."""
        host = (urlsplit(self.base_url).hostname or "").partition(".")[0]
        return "-".join([self.kind, host, *(str(p) for p in parts)])

    def message(
        self,
        *,
        id: object,
        conversation: object,
        sender: str,
        person: object,
        customer: object,
        text: object,
        at: object,
    ) -> Told:
        """A message; what the desk did not give is left to the stream to reject.

        Args:
            id: of the message at the desk.
            conversation: of the ticket or thread.
            sender: customer, agent, bot or system.
            person: who wrote it.
            customer: whose ticket it is.
            text: what was written.
            at: when.
        """
        body = {
            "message_id": self.id("m", id),
            "conversation_id": self.id(conversation),
            "customer_id": None if customer is None else str(customer),
            "sender": sender,
            "agent_id": str(person) if sender == "agent" and person is not None else None,
            "text": text,
            "sent_at": moment(at) or at,
        }
        return self._told(chat.to_event, body, moment(at))

    def outcome(
        self,
        *,
        id: str,
        conversation: object,
        kind: str,
        at: object,
        customer: object = None,
        agent: object = None,
        **more: object,
    ) -> Told:
        """An outcome: `kind` status, csat or reopened, and what belongs to it."""
        body = {
            "outcome_id": self.id("o", id),
            "kind": kind,
            "channel": "chat",
            "conversation_id": self.id(conversation),
            "ticket_id": str(conversation),
            "customer_id": None if customer is None else str(customer),
            "agent_id": None if agent is None else str(agent),
            "occurred_at": moment(at) or at,
            **more,
        }
        return self._told(outcomes.to_event, body, moment(at))

    def _told(self, to_event: Any, body: dict[str, Any], at: str) -> Told:
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        received = datetime.fromisoformat(at) if at else datetime.fromisoformat("1970-01-01T00:00Z")
        arrival = Arrival(
            data=data,
            received_at=received,
            headers={"producer": self.id("desk")},
            tenant=self.tenant,
        )
        fields = tuple(
            FieldMap(
                canonical=name,
                source=self.sources.get(name),
                value=value,
                problem="the desk has no such field" if value in (None, "") and name in NEEDED
                else None,
            )
            for name, value in body.items()
        )  # fmt: skip
        return Told(at=at, event=to_event(arrival), fields=fields)


NEEDED = frozenset({"text", "sent_at", "occurred_at", "sender"})
"""Fields without which the stream rejects an event."""
