"""The OpenAPI document: it is whole, and the API is what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command

from sync.api.schema import SchemaGenerator
from tests.api_server import signed_in
from tests.factories import UserFactory
from tests.site import MirroredDemo

EXAMPLES = 10  # for each operation and kind of test
LONGEST = 600  # seconds; the machine may be busy

DESIGN = """
POST /api/token
POST /api/token/refresh
POST /api/sync/{sync_type}
POST /api/sync/{sync_type}/full
POST /api/sync/full
GET /api/sync/status
GET /api/sync/schedule
PATCH /api/sync/schedule/{sync_type}
GET /api/sync/runs
GET /api/sync/runs/{run_id}
POST /api/sync/runs/{run_id}/retry
POST /api/sync/runs/{run_id}/cancel
POST /api/sync/runs/{run_id}/accept
GET /api/sync/events
POST /api/customers/smart-sync
POST /api/customers/resume-syncs
GET /api/customers
GET /api/customers/{customer_id}/overview
GET /api/customers/{customer_id}/usual-products
GET /api/products
POST /api/products/lookup
GET /api/prices
GET /api/prices/lookup
GET /api/orders
GET /api/ddt
GET /api/invoices
GET /api/drafts
POST /api/drafts
GET /api/drafts/{draft_id}
PUT /api/drafts/{draft_id}
DELETE /api/drafts/{draft_id}
GET /readyz
"""


@pytest.fixture(scope="module")
def document():
    written = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=written)
    return yaml.safe_load(written.getvalue())


def operations(document):
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_call_of_the_design_is_documented(document):
    assert set(DESIGN.split("\n")[1:-1]) <= {name for name, _operation in operations(document)}


def test_every_operation_says_what_it_does_and_how_it_may_fail(document):
    for name, operation in operations(document):
        assert operation.get("summary") or operation.get("description"), name
        assert "4XX" in operation["responses"], name


def test_every_name_is_in_camel_case(document):
    names = {name for schema in document["components"]["schemas"].values() for name in schema.get("properties", {})} | {
        parameter["name"]
        for _name, operation in operations(document)
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query"
    }
    assert names
    assert not [name for name in names if not re.fullmatch(r"[a-z][a-zA-Z]*", name)]


@pytest.mark.django_db
def test_everybody_may_read_the_documentation_and_no_other_host_is_asked(client):
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page.content.decode())
    assert client.get("/api/schema").status_code == 200
    assert client.options("/api/docs").status_code == 200


@pytest.mark.django_db
def test_the_document_is_made_once_for_each_language(client, monkeypatch):
    asked = ["it", "en", "it", "en"]
    monkeypatch.setattr(SchemaGenerator, "documents", {})
    assert "(zz)" not in client.get("/api/schema?version=zz").text
    documents = [client.get("/api/schema", headers={"accept-language": language}).content for language in asked]
    assert (documents[:2], list(SchemaGenerator.documents)) == (documents[2:], ["it", "en"])
    client.get("/api/schema?lang=xx&version=zz")
    assert list(SchemaGenerator.documents) == ["it", "en"]
    monkeypatch.setattr(SchemaGenerator, "parse", None)
    assert client.get("/api/schema", headers={"accept-language": "en"}).content == documents[1]


@pytest.mark.fuzzing
def test_schemathesis_finds_nothing_wrong(mirrored: MirroredDemo, tmp_path: Path) -> None:
    [(name, value)] = signed_in(UserFactory(is_staff=True, is_superuser=True)).items()
    ended = subprocess.run(
        [
            Path(sys.executable).with_name("st"),
            f"--config-file={Path(__file__).with_name('schemathesis.toml')}",
            "run",
            f"{mirrored.api_server.url}/api/schema",
            f"--header={name}: {value}",
            "--exclude-path=/api/sync/events",  # a stream does not end
            f"--max-examples={EXAMPLES}",
            "--seed=1",
            "--workers=4",  # each waits more than it works
            "--no-color",
        ],
        env=os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "hypothesis")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )
    assert ended.returncode == 0, ended.stdout
    assert re.search(r"Selected: \d+/\d+", ended.stdout)
