"""Telling people, or another service, that the state of a sync type has changed."""

from __future__ import annotations

from typing import Any

import requests
from django.conf import settings
from django.core.mail import send_mail
from django.utils import timezone

from sync.models import SyncEvent

POST_TIMEOUT = 10  # seconds


def post(event: SyncEvent, **_: Any) -> None:
    """Post to settings.ALERT_URL. What fails is logged by the signal's sender, and stops nothing else."""
    if settings.ALERT_URL and event.kind == SyncEvent.Kind.HEALTH_CHANGED:
        before, after = event.facts["before"], event.facts["after"]
        said = {"type": event.sync_type, "before": before, "after": after, "at": event.at.isoformat()}
        requests.post(settings.ALERT_URL, json=said, timeout=POST_TIMEOUT).raise_for_status()


def mail(event: SyncEvent, **_: Any) -> None:
    """Mail settings.ALERT_EMAILS. What fails is logged by the signal's sender, and stops nothing else."""
    if settings.ALERT_EMAILS and event.kind == SyncEvent.Kind.HEALTH_CHANGED:
        before, after = event.facts["before"], event.facts["after"]
        at = f"{timezone.localtime(event.at):%d/%m/%Y %H:%M}"
        text = f"{event.sync_type} was {before}, and is {after} since {at}.\n\nmanage.py syncstatus says more."
        send_mail(f"Archibald sync: {event.sync_type} is {after}", text, None, settings.ALERT_EMAILS)
