"""Events as they go over the wire, and which of them a listener wants."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from django.utils import timezone

from sync.camel_case import convert_names
from sync.models import SyncEvent
from sync.translations import hide_private_facts

AT_ONCE = 200  # events in one piece of a stream


@dataclass(frozen=True)
class Choice:
    """The types and kinds that a listener wants; all of them if none is named."""

    types: Collection[str]
    kinds: Collection[str]

    def includes(self, event: Told) -> bool:
        return (not self.types or event.sync_type in self.types) and (not self.kinds or event.kind in self.kinds)

    def find_stored(self, *, after: int, until: int) -> list[Told]:
        """The first of those that the database has."""
        events = SyncEvent.objects.filter(pk__gt=after, pk__lte=until).order_by("pk")
        if self.types:
            events = events.filter(sync_type__in=self.types)
        if self.kinds:
            events = events.filter(kind__in=self.kinds)
        return [Told.of(event) for event in events[:AT_ONCE]]


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it is sent, to staff and to agents."""

    number: int
    kind: str
    sync_type: str
    text: bytes
    text_for_agents: bytes

    @classmethod
    def of(cls, event: SyncEvent) -> Self:
        texts = (format_event(event, facts) for facts in (event.facts, select_facts_for_agents(event)))
        return cls(event.pk, event.kind, event.sync_type, *texts)


def format_event(event: SyncEvent, facts: dict[str, Any]) -> bytes:
    data = {
        "id": event.pk,
        "kind": event.kind,
        "type": event.sync_type or None,
        "at": timezone.localtime(event.at).isoformat(),
        "runId": event.run_id,
        "facts": convert_names(facts),
    }
    return f"id: {event.pk}\nevent: {event.kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def select_facts_for_agents(event: SyncEvent) -> dict[str, Any]:
    """What agents may know: no machine and process, no user of the ERP, not what a mail server answers."""
    hidden = {"from_holder", "error"} if event.kind == SyncEvent.Kind.ALERT_GIVEN_UP else {"from_holder"}
    facts = {name: fact for name, fact in event.facts.items() if name not in hidden}
    if "error" in facts:
        facts["error"] = hide_private_facts(facts["error"])
    return facts
