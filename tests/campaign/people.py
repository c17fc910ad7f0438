"""Agents who write orders, administrators who want syncs, and the ERP's own users: all by HTTP."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from random import Random
from threading import Event, Thread
from time import time
from typing import Any

from tests.campaign.event_log import EventLog
from tests.lists import TYPES

PATIENCE = 40  # seconds for one answer
PASSWORD = "in the campaign"


@dataclass(frozen=True)
class Answer:
    status: int  # 0: none came
    body: dict[str, Any]


@dataclass
class Sent:
    """A draft that an agent wants saved, and what became of it."""

    user: str
    key: str
    body: dict[str, Any]
    began: float = field(default_factory=time)
    draft_id: int | None = None  # once it was acknowledged
    refused: bool = False
    version: int = 0
    change: dict[str, Any] | None = None  # that was sent, and not answered yet: it may be saved or not


class Client:
    """A user of the API, who signs in again when the token is no longer good."""

    def __init__(self, user: str, port: int, event_log: EventLog) -> None:
        self.user = user
        self.port = port
        self.event_log = event_log
        self.token = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        if not self.token:
            signed_in = self.send("POST", "/api/token", {"username": self.user, "password": PASSWORD})
            if signed_in.status != 200:
                return signed_in
            self.token = signed_in.body["access"]
        answer = self.send(method, path, body, Authorization=f"Bearer {self.token}", **headers)
        if answer.status == 401:
            self.token = ""
        return answer

    def send(self, method: str, path: str, body: Any, **headers: str) -> Answer:
        began = time()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"} | headers)
            response = connection.getresponse()
            answer = Answer(response.status, read(response.read()))
        except (OSError, HTTPException) as error:
            answer = Answer(0, {"error": f"{type(error).__name__}: {error}"})
        finally:
            connection.close()
        self.judge(answer, f"{method} {path}", began)
        return answer

    def judge(self, answer: Answer, asked: str, began: float) -> None:
        """Nobody is answered with 5xx, or not at all, but where a fault explains it."""
        self.event_log.count(f"answers {answer.status}" if answer.status else "no answer")
        if 0 < answer.status < 500:
            return
        affected = {"web", "database"} | ({"erp", "volume", "worker"} if "smart-sync" in asked else set())
        is_remembered = answer.body.get("code") == "ErpLoginRejected"  # until a person asks for another attempt
        since = 0 if is_remembered else began - 20
        explained = [each for each in self.event_log.find_faults(since, time()) if each.affects & affected]
        said = f"{asked} of {self.user}: {answer.status} {answer.body} after {time() - began:.1f} s"
        if answer.status or not explained:
            self.event_log.note("answer", f"{said}{', explained' if explained else ''}")
        if not explained:
            shown = asked.rstrip("0123456789")
            self.event_log.add_violation("web", f"{answer.status or 'no answer'} to {shown}", said=said)


def read(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {"text": body[:300].decode(errors="replace")}
    return found if isinstance(found, dict) else {"list": found}


class Person(Thread):
    """Does one thing after the other until told to stop, with random of its own."""

    def __init__(self, name: str, client: Client, random: Random) -> None:
        super().__init__(name=name, daemon=True)
        self.client = client
        self.random = random
        self.stopping = Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            self.act()

    def rest(self, at_least: float, at_most: float) -> None:
        self.stopping.wait(self.random.uniform(at_least, at_most))

    def act(self) -> None:
        raise NotImplementedError


class Agent(Person):
    """Opens the order form, saves drafts, leaves; now and then just closes the lid."""

    def __init__(self, name: str, client: Client, random: Random) -> None:
        super().__init__(name, client, random)
        self.sent: list[Sent] = []
        self.customers: list[int] = []
        self.lines: list[dict[str, str]] = []

    def act(self) -> None:
        session = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        self.client.ask("POST", "/api/customers/smart-sync", {"sessionId": session})
        for _ in range(self.random.randrange(1, 4)):
            self.rest(0.2, 2)
            self.save(session)
        if self.random.random() < 0.85 or self.stopping.is_set():
            self.client.ask("POST", "/api/customers/resume-syncs", {"sessionId": session})
        self.rest(3, 12)

    def save(self, session: str) -> None:
        """With one key, until it is answered: as the order form does."""
        lines = self.random.sample(self.lines, self.random.randrange(1, 4))
        key = f"{self.name}-{len(self.sent)}"
        body = {"customer": self.random.choice(self.customers), "lines": lines, "notes": key, "sessionId": session}
        sent = Sent(self.client.user, key, body)
        self.sent.append(sent)
        while not self.send(sent) and not self.stopping.is_set():
            self.stopping.wait(0.5)
        if sent.draft_id and self.random.random() < 0.3:
            sent.change = body | {"notes": f"{key}, changed", "lines": lines[:1]}
            while not self.send_change(sent) and not self.stopping.is_set():
                self.stopping.wait(0.5)

    def send(self, sent: Sent) -> bool:
        """Whether it was answered for good. Now and then the answer is lost, and the client asks again."""
        answer = self.client.ask("POST", "/api/drafts", sent.body, Idempotency_Key=sent.key)
        if answer.status in (200, 201):
            draft_id = answer.body["draft"]["id"]
            if sent.draft_id not in (None, draft_id):
                self.client.event_log.add_violation(
                    "drafts", "one key, two drafts", key=sent.key, ids=[sent.draft_id, draft_id]
                )
            sent.draft_id, sent.version = draft_id, answer.body["draft"]["version"]
            return self.random.random() > 0.1
        if answer.status in (400, 409):
            sent.refused = True
            self.client.event_log.note("draft", f"{sent.key} refused: {answer.status} {answer.body}")
            return True
        return False

    def send_change(self, sent: Sent) -> bool:
        """Whether it was answered for good; 409 may be the answer to a change whose first answer was lost."""
        assert sent.change
        answer = self.client.ask("PUT", f"/api/drafts/{sent.draft_id}", sent.change | {"version": sent.version})
        if answer.status in (200, 409):
            draft = answer.body["draft"] if answer.status == 200 else answer.body["detail"]["draft"]
            if draft["notes"] != sent.change["notes"]:
                self.client.event_log.add_violation(
                    "drafts", "a draft was changed by somebody else", key=sent.key, draft=draft
                )
            sent.body, sent.version, sent.change = sent.change, draft["version"], None
            return True
        return answer.status == 400

    def send_what_is_left(self) -> None:
        """Now that there are no more faults, everything can be saved."""
        for sent in self.sent:
            if sent.draft_id is None and not sent.refused and not any(self.send(sent) for _ in range(3)):
                self.client.event_log.add_violation(
                    "drafts", "a draft cannot be saved although all is well", key=sent.key
                )


class Administrator(Person):
    """Asks for syncs, cancels them, tries failed ones again, decides on quarantined ones."""

    def __init__(self, name: str, client: Client, random: Random) -> None:
        super().__init__(name, client, random)
        self.requested: set[int] = set()

    def act(self) -> None:
        does = [self.request, self.cancel, self.retry, self.decide, self.request_all, self.look]
        self.random.choices(does, [10, 2, 2, 4, 1, 2])[0]()
        self.rest(1, 5)

    def request(self) -> None:
        mode = self.random.choice(("auto", "auto", "full", "incremental"))
        self.keep(self.client.ask("POST", f"/api/sync/{self.random.choice(TYPES)}", {"mode": mode}))

    def request_all(self) -> None:
        self.keep(self.client.ask("POST", "/api/sync/full"))

    def request_full(self, sync_type: str) -> None:
        self.keep(self.client.ask("POST", f"/api/sync/{sync_type}/full", {}))

    def cancel(self) -> None:
        if run := self.one_of("queued", "running"):
            self.client.ask("POST", f"/api/sync/runs/{run}/cancel")

    def retry(self) -> None:
        if run := self.one_of("failed", "cancelled"):
            self.keep(self.client.ask("POST", f"/api/sync/runs/{run}/retry"))

    def decide(self) -> None:
        """Half of the quarantined exports are accepted, in spite of what they lack."""
        if (run := self.one_of("quarantined")) and self.random.random() < 0.5:
            self.keep(self.client.ask("POST", f"/api/sync/runs/{run}/accept"))

    def look(self) -> None:
        self.client.ask("GET", "/api/sync/status")

    def one_of(self, *statuses: str) -> int | None:
        """One of the latest runs with such a status."""
        answer = self.client.ask("GET", f"/api/sync/runs?pageSize=20&status={'&status='.join(statuses)}")
        found = [run["runId"] for run in answer.body.get("results", [])]
        return self.random.choice(found) if answer.status == 200 and found else None

    def keep(self, answer: Answer) -> None:
        if answer.status == 202:
            runs = answer.body.get("runs") or [answer.body["run"]]
            self.requested.update(run["runId"] for run in runs)


class Life(Person):
    """What happens in the ERP by itself."""

    def act(self) -> None:
        self.rest(1, 2.5)
        connection = HTTPConnection("127.0.0.1", self.client.port, timeout=PATIENCE)
        try:
            connection.request("POST", "/demo/life")
            connection.getresponse().read()
        except (OSError, HTTPException) as error:  # it has a fault
            self.client.event_log.count(f"ERP at rest: {type(error).__name__}")
        finally:
            connection.close()
