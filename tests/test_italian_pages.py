"""An Italian reader finds Italian on every page of the admin: no list's name as programs write it, no wrong gender."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from sync.coordinator import sessions
from sync.coordinator.queue import request_sync
from sync.models import SyncRun, SyncSchedule
from tests.factories import SyncRunFactory, UserFactory

ITALIAN = {"Accept-Language": "it"}
MOST_PAGES = 150  # that are looked at; what differs in its numbers alone is one page
READ = ("aria-label", "title", "placeholder", "alt")  # attributes that are seen or heard
ENGLISH = re.compile(
    r"\b(orders|customers|prices|products|invoices|runs?|succeeded|failed|quarantined|queued|cancelled|select|search"
    r"|filter|view|change|changed|added|deleted|pagination|responding|interrupted|expired|silent|alive|schedule|worker|full|incremental|was|were)\b",
    re.IGNORECASE,
)
OTHERS = (  # what no translation of ours is to blame for: programs' own words, and Django's names of permissions
    r"manage\.py [\w ]+",
    r"[\w.]*\.(pdf|py)\b",
    r"Can \w+ [\w %]+",
    r"\b\w+_ListView\w*",
    r"django-q2 \| [\w ]+",
    r"\A *Search *\Z",  # what Django's magnifying glass is called, in every language
)


class Reader(HTMLParser):
    """What a page says, and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []
        self.unread = 0

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.unread += tag in ("script", "style")
        self.texts += [given[name] for name in READ if given.get(name)]
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])

    def handle_endtag(self, tag):
        self.unread -= tag in ("script", "style")

    def handle_data(self, data):
        if not self.unread:
            self.texts.append(data.strip())


def read(html):
    reader = Reader()
    reader.feed(html)
    return reader


@pytest.fixture
def boss(mirrored):
    client = Client(headers=ITALIAN)
    client.force_login(UserFactory(username="capo", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def history(mirrored):
    """A run of each end, an open form, a queue."""
    for status in (SyncRun.Status.FAILED, SyncRun.Status.CANCELLED, SyncRun.Status.QUARANTINED):
        SyncRunFactory(sync_type="prices", status=status)
    sessions.open_session(UserFactory(username="agente"))
    request_sync("products", trigger=SyncRun.Trigger.API)


def shape(path):
    """Pages that differ in their numbers alone are one."""
    return re.sub(r"\d+|/[0-9A-Z_]+(?=/change/)", "#", urlsplit(path).path)


def pages(client, start="/admin/"):
    """All pages of the admin that links lead to, one of each shape: address and what it says."""
    waiting, seen = [start], {shape(start)}
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.pop(0)
        answer = client.get(path, follow=True)
        if answer.status_code != 200 or "html" not in answer["Content-Type"]:
            continue
        found = read(answer.content.decode())
        yield path, found
        for link in found.links:
            address = urljoin(path, link)
            is_page = urlsplit(address).path.startswith("/admin/") and "logout" not in address
            if is_page and shape(address) not in seen and not urlsplit(address).netloc:
                seen.add(shape(address))
                waiting.append(address)


def test_no_page_of_the_admin_says_an_english_word(boss, history):
    said, count = {}, 0
    for path, found in pages(boss):
        count += 1
        lines = [re.sub("|".join(OTHERS), " ", text) for text in found.texts]
        if words := sorted({f"{each[0]} in {line.strip()[:80]!r}" for line in lines if (each := ENGLISH.search(line))}):
            said[path] = words
    assert count > 40
    assert said == {}


def test_messages_and_history_have_no_gender(boss):
    schedule = SyncSchedule.objects.get(sync_type="orders")
    address = reverse("admin:sync_syncschedule_change", args=[schedule.pk])
    form = boss.get(address).context["adminform"].form
    given = {
        name: value for name in form.fields if (value := form.initial.get(name)) is not None and value is not False
    }
    answer = boss.post(address, given | {"every": "45"}, follow=True)
    assert "Modifica riuscita: pianificazione “<a" in answer.content.decode()
    assert ">ordini</a>”." in answer.content.decode()
    history = boss.get(reverse("admin:sync_syncschedule_history", args=[schedule.pk])).content.decode()
    assert "Modifica: " in history


def test_a_page_that_is_not_there_is_told_without_a_gender(boss):
    answer = boss.get(reverse("admin:sync_syncschedule_change", args=[999_999]), follow=True)
    assert "Non c’è, forse per una cancellazione: pianificazione con ID “999999”." in answer.content.decode()
