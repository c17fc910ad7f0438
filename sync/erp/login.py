"""Whether the ERP accepts our login: a rejected one is tried once, then not again until a person acts.

Every further attempt could lock the account, or have the ERP's operators block this server. What needs no login, a
given file and an export that somebody accepts, runs as ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils.crypto import salted_hmac

from sync.database import clock
from sync.exceptions import ErpLoginRejected
from sync.models import RejectedLogin, SyncRun

NEEDS_LOGIN = Q(given_file="", accepts=None)


def find_rejected_login() -> RejectedLogin | None:
    """What is known of the login of our settings, if the ERP rejected it and nothing has changed since."""
    return RejectedLogin.objects.filter(pk=fingerprint_login()).select_related("run", "attempt").first()


def fingerprint_login() -> str:
    """A fingerprint of address, name and password, of which nobody gets them without SECRET_KEY."""
    login = "\0".join((settings.ERP_URL, settings.ERP_USERNAME, settings.ERP_PASSWORD))
    return salted_hmac("sync.erp_login", login, algorithm="sha256").hexdigest()


@contextmanager
def note_outcome() -> Iterator[None]:
    """Remember what an operation of the ERP's client tells of the login, whoever asked for it."""
    try:
        yield
    except ErpLoginRejected:
        note_rejected()
        raise
    note_accepted()


def note_rejected(run: SyncRun | None = None) -> None:
    """Remember that the login was rejected: by a run, in the transaction that fails it, or by what is no run."""
    found = {"username": settings.ERP_USERNAME, "at": clock.now(), "run": run, "attempt": None}
    RejectedLogin.objects.update_or_create(pk=fingerprint_login(), defaults=found)


def note_accepted() -> None:
    RejectedLogin.objects.filter(pk=fingerprint_login()).delete()


def allow_attempt(run: SyncRun) -> None:
    """Let this run, for which a person asked, try the login again; unless another one is to do so already."""
    unfinished = [SyncRun.Status.QUEUED, SyncRun.Status.RUNNING]
    if not run.given_file:
        rejected = RejectedLogin.objects.filter(pk=fingerprint_login())
        rejected.exclude(attempt__status__in=unfinished).update(attempt=run)


def waits_for_login() -> Q:
    """The runs that a rejected login keeps waiting."""
    rejected = RejectedLogin.objects.filter(pk=fingerprint_login()).exclude(attempt=OuterRef("pk"))
    return NEEDS_LOGIN & Q(Exists(rejected))
