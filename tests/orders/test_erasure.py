"""Erasing a removed customer: where the data goes from, what stays, and who is refused."""

import gzip
import json
import re
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.db.models.functions import Now

from customers.models import Customer
from orders import erasure, order_lines
from orders.management.commands import erasecustomer
from orders.models import Draft, Invoice, LookedAtCustomer, Order, OrderLine, OrderLinesFetch, Price, Product
from sync.coordinator import queue, runner
from sync.database import clock
from sync.database.search import compact
from sync.erasure.leftovers import compact_database
from sync.messages import Message
from sync.models import RecordChange, SyncEvent, SyncLock, SyncRun
from sync.service import get_service, list_services
from tests.campaign.checks import find_disagreement
from tests.factories import (
    AlertFactory,
    CustomerFactory,
    DraftFactory,
    DraftLineFactory,
    InvoiceFactory,
    OrderFactory,
    PriceFactory,
    RecordChangeFactory,
    SyncEventFactory,
    SyncRunFactory,
    UserFactory,
)
from tests.lists import MODELS
from tests.sync.demo import mirrored_fields
from tests.sync.drawing import draw_list

ID, ACCOUNT = 77, "1002345"
FORMER = {"erp_id": "77", "account_number": ACCOUNT, "name": "Ambulatorio Quarenghi", "phone": "0163 998877"}
PERSON = {
    **FORMER,
    "name": "Studio Dentistico Beltràmi",
    "vat_number": "01234567897",
    "certified_email": "posta@quarenghi.example",
    "sdi_code": "KRRH6B9",
    "tax_code": "BLTMRA70A01F205X",
    "delivery_mode": "corriere Zoppas",
    "street": "Via dell'Olmo 71",
    "postcode": "2889 QZ",
    "city": "Borgosesia",
    "phone": "0163 445566",
    "mobile": "+39 333 4455667",
    "website": "www.olmo71.example",
    "attention_to": "Dott. Tranquillini",
    "description": "cliente di Vercelloni",
    "customer_type": "gruppo Passalacqua",
    "external_account_number": "EXT90817",
    "our_account_number": "OUR71829",
}
DOCUMENT = {
    "erp_id": "501",
    "account_number": ACCOUNT,
    "customer_name": "Studio Dentistico Beltràmi",
    "delivery_name": "Studio Beltràmi presso Casalegno",
    "delivery_address": "Via dell'Olmo 71 2889 QZ Borgosesia",
    "description": "per Tranquillini, urgente",
    "customer_reference": "Rif. Vercelloni",
    "total_amount": "122,00 €",
}
DDT = DOCUMENT | {
    "number": "DDT/26000001",
    "attention_to": "Dott. Tranquillini",
    "delivery_city": "posta@quarenghi.example",
    "tracking": "fedex 7712345678",
}
INVOICE = {
    "number": "CF1/26000001",
    "account_number": ACCOUNT,
    "customer_name": "Studio Dentistico Beltràmi",
    "purchase_order": "ordine Casalegno",
    "customer_reference": "Rif. Vercelloni",
    "total_amount": "122,00 €",
}
PRICE = {
    "erp_id": "9001",
    "account_code": "Table",
    "account": ACCOUNT,
    "account_description": "Studio Dentistico Beltràmi",
    "product_erp_id": "001627K2",
    "unit_price": "10,00",
    "currency": "EUR",
}
SECRETS = (  # letters and digits of what must be found nowhere; digits alone only as long as no time of day has them
    *("quarenghi", "beltrami", "01234567897", "krrh6b9", "bltmra70a01f205x", "zoppas", "dellolmo", "olmo71", "2889qz"),
    *("borgosesia", "0163998877", "0163445566", "393334455667", "tranquillini", "vercelloni", "passalacqua"),
    *("ext90817", "our71829", "1002345", "casalegno", "7712345678"),
)

# Columns that hold nothing of a customer's. Whoever adds one says here that it does not, or has it erased.
NOT_PERSONAL = {
    "orders_product": "*",
    "sync_columndrift": "*",
    "sync_mirroredcolumn": "*",
    "sync_rejectedlogin": "*",
    "sync_signin": "*",
    "sync_passwordguess": "*",
    "sync_syncschedule": "*",
    "sync_synclock": "*",
    "sync_syncworker": "*",
    "customers_customer": "",
    "orders_order": "number sales_status order_type document_status sales_origin transfer_status",
    "orders_ddt": "number order_number delivery_terms delivery_mode",
    "orders_invoice": "number order_number payment_terms last_payment_number",
    "orders_price": "account_code currency product_erp_id product_name",
    "orders_draft": "currency request_sha256 handed_over_how",
    "orders_draftline": "price_audience",
    "orders_orderlinesfetch": "error_class",
    "sync_seenlist": "*",
    "sync_searchword": "table_name",
    "sync_syncrun": "sync_type mode trigger status stage export_sha256 error_class control_totals coverage"
    " found read_from"
    # Paths: of our own, and of files that people gave and keep.
    " export_path given_file",
    "sync_recordchange": "sync_type key kind",
    "sync_syncevent": "kind sync_type",
    "sync_alert": "channel",
}


def erase(*options, account=ACCOUNT):
    """What the command prints."""
    printed = StringIO()
    call_command("erasecustomer", account, "--yes", *options, stdout=printed, stderr=printed)
    return printed.getvalue()


def refusal(*options, account=ACCOUNT):
    with pytest.raises(CommandError) as error:
        erase(*options, account=account)
    return str(error.value)


@pytest.fixture(autouse=True)
def exports(settings, tmp_path):
    settings.EXPORT_DIR = tmp_path / "exports"
    settings.EXPORT_DIR.mkdir()
    settings.PAGE_TABLES_DIR = tmp_path / "page-tables"
    return settings.EXPORT_DIR


@pytest.fixture
def no_compaction(monkeypatch):
    """Nothing is compacted: that cannot be in a test's transaction."""
    monkeypatch.setattr(erasecustomer, "compact_database", lambda: "")


@pytest.fixture
def removed(db, no_compaction):
    return CustomerFactory(erp_id=ID, account_number=ACCOUNT, name="Studio Beltràmi", removed_at="2026-01-21T12:00Z")


@pytest.fixture
def sync_list(tmp_path):
    """Runs a full sync of a list from an export of these rows."""

    def sync(sync_type, *rows):
        path = draw_list(tmp_path / "given.pdf", get_service(sync_type), rows)
        run = queue.request_sync(sync_type, mode="full", trigger=SyncRun.Trigger.MANUAL, given_file=path)
        runner.wait_for(run)
        path.unlink()
        return run

    return sync


def test_nothing_of_the_customer_is_left_in_notes_of_cross_checks(transactional_db, sync_list):
    """Neither what tells who he is, nor what was written of him and is not looked for."""
    sync_list("customers", PERSON, other("customers"))
    sync_list("orders", DOCUMENT | {"number": "ORD/1"}, other("orders"))
    ddt = DDT | {"order_number": "ORD/1", "description": "per Passalacqua", "customer_reference": "Rif. Casalegno"}
    noted = [
        sync_list("ddt", ddt, other("ddt")),
        sync_list("invoices", INVOICE | {"order_number": "ORD/1"}, other("invoices")),
    ]
    for sync_type in ["customers", "orders", "ddt", "invoices"]:
        sync_list(sync_type, other(sync_type))
        sync_list(sync_type, other(sync_type))
    erase()
    for run in noted:
        run.refresh_from_db()
        assert any("not true for 1 of 1 new or changed records" in note for note in run.notes)
    assert ("sync_syncrun", "notes") not in places_of_secrets()


def other(sync_type):
    """A record of somebody else's."""
    return {get_service(sync_type).layout.key: "4", **({"name": "Studio Altro"} if sync_type == "customers" else {})}


def history_disagrees():
    """What does not fit between the mirror and its history, by list and key."""
    wrong = {}
    for service in list_services():
        for row in service.model.objects.values(*mirrored_fields(service.model), "missing_since", "removed_at"):
            key = str(row[service.layout.key])
            changes = list(RecordChange.objects.filter(sync_type=service.sync_type, key=key).order_by("pk"))
            if why := find_disagreement(service, row, changes):
                wrong[service.sync_type, key] = why
    return wrong


# Everywhere


def has_secret(value):
    text = json.dumps(value, ensure_ascii=False, default=str) if not isinstance(value, str) else value
    return any(secret in compact(text) for secret in SECRETS)


def places_of_secrets():
    """Every column of every table of the database in which one of them stands."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            for row in cursor:
                found |= {
                    (table, name) for name, value in zip(columns, map(loaded, row), strict=True) if has_secret(value)
                }
    return found


def loaded(value):
    """A cell; what JSON writes with escapes as the text that it is."""
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def files_with_secrets(folder):
    """The database's files, if it is one, and all of a folder, in which one of them stands as it is or as an escape."""
    name = str(connection.settings_dict["NAME"])
    database = [Path(name + end) for end in ("", "-wal")] if connection.vendor == "sqlite" else []
    spelled = [*(each.encode() for each in SECRETS), "Beltràmi".encode(), rb"Beltr\u00e0mi", b"dell'Olmo", b"4455667"]
    return {
        path.name
        for path in [*database, *(path for path in folder.rglob("*") if path.is_file())]
        if path.exists() and any(each.lower() in unpacked(path.read_bytes()).lower() for each in spelled)
    }


def unpacked(data):
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def text_columns():
    kinds = (models.CharField, models.TextField, models.JSONField)
    return {
        (model._meta.db_table, field.column)
        for model in MODELS
        for field in model._meta.concrete_fields
        if isinstance(field, kinds)
    }


def declared_not_personal(columns):
    tables = {table: names.split() for table, names in NOT_PERSONAL.items()}
    return {(table, name) for table, name in columns if tables.get(table) == ["*"] or name in tables.get(table, ())}


@pytest.fixture
def known_everywhere(transactional_db, sync_list, exports, settings):
    """A customer of whom every place of the service holds something, and who is removed from the ERP by now."""
    documents = {"orders": DOCUMENT, "ddt": DDT, "invoices": INVOICE, "prices": PRICE}
    sync_list("products", {"erp_id": "001627K2", "name": "9801.314.016"})
    sync_list("customers", FORMER, other("customers"))
    sync_list("customers", PERSON, other("customers"))
    tables = settings.PAGE_TABLES_DIR / "customers"
    known = tables.read_bytes()
    for sync_type, row in documents.items():
        first = {name: value for name, value in row.items() if not name.endswith(("address", "description"))}
        sync_list(sync_type, {name: first.get(name, "") for name in row}, other(sync_type))
        sync_list(sync_type, row, other(sync_type))
    customer = Customer.objects.get(erp_id=ID)
    draft = DraftFactory(
        customer=customer,
        notes="chiamare Tranquillini",
        delivery_address="Studio Beltràmi, Via dell'Olmo 71",
        customer_reference="Rif. Vercelloni",
        idempotency_key="bozza Beltràmi",
    )
    DraftLineFactory(draft=draft, product=Product.objects.get())
    order = Order.objects.get(account_number=PERSON["account_number"])
    OrderLine.objects.create(
        order=order, position=1, article="per Beltràmi", name="fresa per Tranquillini", quantity=1, amount=2
    )
    problem = Message("The lines of {order} come to nothing.", order="Studio Dentistico Beltràmi")
    OrderLinesFetch.objects.create(
        order=order, order_changed_at=clock.now(), tried_at=clock.now(), error_text=problem, error_class="LinesDisagree"
    )
    order_lines.note_customer_looked_at(customer)
    unreadable = sync_list("customers", PERSON | {"orders_this_year": "chiedere a Casalegno"}, other("customers"))
    assert unreadable.error_class == "UnreadableValue"
    assert Path(unreadable.export_path).is_file()
    run = SyncRunFactory(
        notes=["Odd: “Studio Dentistico Beltràmi”."],
        ended_attempts=[{"outcome": "failed", "error": "ErpUnavailable", "text": "0163 445566 does not answer"}],
        search="studio dentistico beltràmi",
    )
    AlertFactory(event=SyncEventFactory(run=run), error="the mail server answered 550 posta@quarenghi.example")
    for sync_type in ["customers", *documents]:
        sync_list(sync_type, other(sync_type))
        sync_list(sync_type, other(sync_type))
        path = draw_list(exports / f"{sync_type}-990.pdf", get_service(sync_type), [documents.get(sync_type, PERSON)])
        SyncRunFactory(sync_type=sync_type, status=SyncRun.Status.QUARANTINED, export_path=path)
    draw_list(exports / "customers-991-7.pdf", get_service("customers"), [PERSON])  # of a process that was killed
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = OFF")  # as SQLite is by default, but not as all build it
    tables.write_bytes(known)  # as after an export that names the customer and was not applied
    old = RecordChangeFactory.create_batch(50, run=run, key="4", fields={"name": ["", "Beltràmi " * 100]})
    RecordChange.objects.filter(pk__in=[change.pk for change in old]).delete()  # whose pages are free now


def test_nothing_of_the_customer_is_left_in_any_table_or_file(known_everywhere, exports):
    columns, before = text_columns(), places_of_secrets()
    assert columns - before == declared_not_personal(columns), "a text column that this test leaves empty"
    assert len(list(exports.iterdir())) == 7
    in_files = {"customers", *([Path(connection.settings_dict["NAME"]).name] if connection.vendor == "sqlite" else [])}
    assert files_with_secrets(exports.parent) >= in_files
    said = erase()
    assert places_of_secrets() == set()
    assert re.findall(r"^  (\w+): 1 record$", said, re.MULTILINE) == [
        "customers",
        "orders",
        "ddt",
        "invoices",
        "prices",
    ]
    assert not any(model.objects.exists() for model in (OrderLine, OrderLinesFetch, LookedAtCustomer))
    assert list(exports.iterdir()) == []
    assert files_with_secrets(exports.parent) == set()
    assert not history_disagrees()
    assert "is still in these places" not in said
    assert "Other records" not in said
    assert not any(secret in compact(line) for line in said.splitlines() for secret in SECRETS)
    again = erase("--id", account=str(ID))
    assert again.startswith("There is nothing left to erase.")


# What is erased, and what is not


def test_documents_that_the_erp_still_shows_stay_and_lose_only_what_they_were_before(db, no_compaction, sync_list):
    sync_list("customers", PERSON, other("customers"))
    sync_list("orders", DOCUMENT | {"delivery_name": "Ambulatorio Quarenghi"})
    sync_list("orders", DOCUMENT)
    for _ in range(2):
        sync_list("customers", other("customers"))
    said = erase()
    order = Order.objects.get()
    assert (order.delivery_name, order.account_number) == (DOCUMENT["delivery_name"], ACCOUNT)
    assert "Still shown by the ERP" in said
    assert "orders: 1 record" in said.partition("Still shown by the ERP")[2]
    assert "Quarenghi" not in str(
        list(RecordChange.objects.filter(sync_type="orders").values_list("fields", flat=True))
    )
    assert not history_disagrees()


def test_documents_that_go_later_are_erased_by_their_account_number(removed):
    OrderFactory(account_number=ACCOUNT, customer_name="Studio Beltràmi")
    erase()
    Order.objects.update(removed_at=Now())
    assert "orders: 1 record" in erase()
    assert (Order.objects.get().customer_name, Order.objects.get().account_number) == ("", "")
    assert erase("--id", account=str(ID)).startswith("There is nothing left to erase.")


def test_an_account_that_another_customer_has_now_leaves_its_documents_alone(removed):
    CustomerFactory(account_number=ACCOUNT, erp_id=78)
    OrderFactory(account_number=ACCOUNT, customer_name="Studio Nuovo", removed_at=removed.removed_at)
    erase("--id", account=str(ID))
    assert Customer.objects.get(erp_id=ID).name == ""
    assert Order.objects.get().customer_name == "Studio Nuovo"


def test_amounts_and_days_of_documents_stay(removed):
    InvoiceFactory(account_number=ACCOUNT, customer_name="Studio Beltràmi", removed_at=removed.removed_at)
    before = Invoice.objects.values("number", "invoice_date", "total_amount", "remaining_amount").get()
    erase()
    assert Invoice.objects.values(*before).get() == before
    assert Invoice.objects.get().customer_name == ""


def test_a_price_group_with_the_same_number_is_no_customer(removed):
    PriceFactory(account_code="Group", account=ACCOUNT, account_description="DETTAGLIO", removed_at=removed.removed_at)
    erase()
    assert Price.objects.get().account_description == "DETTAGLIO"


def test_a_document_that_was_once_the_customer_s_forgets_it(removed):
    run = SyncRunFactory(sync_type="orders")
    order = OrderFactory(account_number="1009999", customer_name="Studio Altro")
    first = {"account_number": [None, ACCOUNT], "customer_name": [None, "Studio Beltràmi"], "number": [None, ""]}
    then = {"account_number": [ACCOUNT, "1009999"], "customer_name": ["Studio Beltràmi", "Studio Altro"]}
    for kind, fields in ((RecordChange.Kind.CREATED, first), (RecordChange.Kind.UPDATED, then)):
        RecordChangeFactory(run=run, key=str(order.erp_id), kind=kind, fields=fields)
    erase()
    told = list(RecordChange.objects.order_by("pk").values_list("fields", flat=True))
    assert told == [
        {"account_number": [None, "1009999"], "customer_name": [None, "Studio Altro"], "number": [None, ""]},
        {},
    ]


def test_a_history_whose_beginning_was_deleted_tells_nothing_either(removed):
    change = RecordChangeFactory(key=str(ID), fields={"name": ["Studio Quarenghi", "Studio Beltràmi"]})
    erase()
    change.refresh_from_db()
    assert change.fields == {}


def test_a_draft_keeps_its_lines_and_a_form_that_is_open_elsewhere_is_told(removed):
    draft = DraftFactory(customer=removed, notes="chiamare la sera", idempotency_key="k1")
    DraftLineFactory(draft=draft)
    assert "drafts: 1 draft" in erase()
    after = Draft.objects.get()
    assert (after.notes, after.idempotency_key, after.version, after.lines.count()) == ("", "", draft.version + 1, 1)
    assert after.changed_at == draft.changed_at


def test_what_only_a_person_can_judge_is_named(removed):
    draft = DraftFactory(notes="come per lo studio beltràmi")
    said = erase()
    assert f"\n  draft {draft.pk} (notes)\n" in said.partition("is still in these places")[2]
    draft.refresh_from_db()
    assert draft.notes == "come per lo studio beltràmi"


def test_a_row_that_a_person_has_to_look_at_is_named_with_its_page_and_without_the_text(removed, admin_client):
    user = UserFactory(last_name="Studio Beltràmi")
    said = erase().partition("is still in these places")[2]
    [path] = re.findall(rf"^  user {user.pk} \(last name\): (/admin/\S+)$", said, re.MULTILINE)
    assert admin_client.get(path).status_code == 200
    assert "beltrami" not in compact(said)


def test_of_many_rows_the_first_five_are_named(removed):
    DraftFactory.create_batch(7, notes="come per lo studio beltràmi")
    said = erase()
    assert len(re.findall(r"^  draft \d+ \(notes\)$", said, re.MULTILINE)) == 5
    assert "\n  ... and 2 more of these\n" in said


def test_records_of_others_are_told_apart_as_they_cannot_be_changed_here(removed):
    other = CustomerFactory(erp_id=78, description="già Studio Beltràmi")
    change = RecordChangeFactory(key="78", fields={"description": ["", other.description]})
    said = erase()
    assert "is still in these places" not in said
    lines = said.partition("cannot be changed here.")[2]
    assert "correct it in the ERP" in lines
    assert f"\n  customer {other.pk} (description): /admin/customers/customer/{other.pk}/change/\n" in lines
    assert f"\n  change {change.pk} (fields): /admin/sync/recordchange/{change.pk}/change/\n" in lines
    assert Customer.objects.get(erp_id=78).description == other.description


@pytest.mark.parametrize("removed_at", [None, "2026-01-20T12:00Z"])
def test_a_name_that_another_customer_has_too_is_left_in_texts(removed, removed_at):
    CustomerFactory(name=removed.name, removed_at=removed_at)
    run = SyncRunFactory(notes=[f"Odd: {removed.name}"])
    said = erase()
    assert "is still in these places" not in said
    assert "Other records" not in said
    run.refresh_from_db()
    assert run.notes == [f"Odd: {removed.name}"]


# Exports


def test_an_export_goes_if_it_names_the_customer_or_cannot_be_read(
    removed, exports, django_capture_on_commit_callbacks
):
    paths = {
        "his": draw_list(exports / "customers-1-1.pdf", get_service("customers"), [PERSON, other("customers")]),
        "another's": draw_list(exports / "customers-2-1.pdf", get_service("customers"), [other("customers")]),
        "of products": draw_list(exports / "products-3-1.pdf", get_service("products"), [other("products")]),
        "damaged": exports / "orders-4-1.pdf",
    }
    paths["damaged"].write_bytes(b"%PDF-1.4 and nothing more")
    failed = {"status": SyncRun.Status.FAILED}
    runs = {
        name: SyncRunFactory(sync_type=path.name.partition("-")[0], export_path=path, **failed)
        for name, path in paths.items()
    }
    with django_capture_on_commit_callbacks(execute=True):
        said = erase()
    assert {name for name, path in paths.items() if path.exists()} == {"another's", "of products"}
    assert set(SyncRun.objects.filter(export_path="")) == {runs["his"], runs["damaged"]}
    assert f"export of run {runs['his'].pk} (customers, failed): contains the customer" in said
    assert f"export of run {runs['damaged'].pk} (orders, failed): cannot be read" in said


def test_an_acceptance_that_waits_is_cancelled_with_its_export(removed, exports):
    path = draw_list(exports / "customers-1-1.pdf", get_service("customers"), [PERSON])
    quarantined = SyncRunFactory(status=SyncRun.Status.QUARANTINED, export_path=path)
    acceptance = queue.accept(quarantined)
    erase()
    acceptance.refresh_from_db()
    assert acceptance.status == SyncRun.Status.CANCELLED


# Who, and when


def test_who_is_shown_by_the_erp_is_refused(removed):
    Customer.objects.update(removed_at=None)
    assert "is still shown by the ERP" in refusal()
    Customer.objects.update(missing_since=Now())
    assert "is absent from one full export only" in refusal()
    assert Customer.objects.get().name == removed.name


def test_who_is_not_known_is_refused_and_those_of_a_like_name_are_listed(removed):
    assert "No customer has the account number or the ID '123456'" in refusal(account="123456")
    assert f"ID {ID}, account {ACCOUNT}: Studio Beltràmi, removed on 21/01/2026" in refusal(account="beltrami")


def test_a_number_that_several_have_is_refused(removed):
    CustomerFactory(account_number=str(ID), name="Studio Altro", erp_id=78)
    said = refusal(account=str(ID))
    assert all(line in said for line in (f"\n  ID {ID}, ", "\n  ID 78, "))
    erase("--id", account=str(ID))
    assert list(Customer.objects.filter(erased_at__isnull=False)) == [removed]


def test_a_dry_run_tells_the_same_and_writes_nothing(removed):
    DraftFactory(customer=removed, notes="chiamare la sera")
    said = erase("--dry-run")
    assert said.splitlines()[1] == "Would be erased:"
    assert not SyncEvent.objects.exists()
    assert said.splitlines()[2:4] == erase().splitlines()[1:3] == ["  customers: 1 record", "  drafts: 1 draft"]


def test_before_anything_is_erased_the_customer_is_named(removed, monkeypatch, caplog):
    Customer.objects.update(city="Borgosesia")
    who = f"ID {ID}, account {ACCOUNT}: Studio Beltràmi, Borgosesia, removed on 21/01/2026"
    assert erase("--dry-run").splitlines()[0] == f"Customer: {who}."
    questions = []

    def answer(question):
        questions.append(question)
        return "yes"

    monkeypatch.setattr("builtins.input", answer)
    printed = StringIO()
    call_command("erasecustomer", ACCOUNT, stdout=printed)
    assert questions == [f"Erase {who}? It cannot be undone. Type yes: "]
    assert not has_secret([printed.getvalue(), caplog.text, *SyncEvent.objects.values_list("facts", flat=True)])


def test_an_account_that_no_customer_has_any_more_is_named_as_such(db, no_compaction):
    OrderFactory(account_number=ACCOUNT, removed_at="2026-01-21T12:00Z")
    assert erase("--dry-run").splitlines()[0] == (
        f"Customer: account {ACCOUNT}, which documents or prices have, and no customer."
    )


@pytest.mark.parametrize("answer", ["", "y", "no"])
def test_nothing_happens_without_a_yes(removed, monkeypatch, answer):
    monkeypatch.setattr("builtins.input", lambda question: answer)
    with pytest.raises(CommandError, match="Nothing was erased"):
        call_command("erasecustomer", ACCOUNT, stdout=StringIO())
    assert Customer.objects.get().name == removed.name


def test_an_event_says_what_was_erased_and_not_whose(removed):
    erase()
    event = SyncEvent.objects.get()
    assert (event.kind, event.sync_type) == ("customer_erased", "customers")
    assert event.facts == {"customer": ID}
    erase("--id", account=str(ID))
    assert SyncEvent.objects.count() == 1


def test_it_waits_for_a_sync_that_goes_on(removed, monkeypatch):
    SyncLock.objects.update(holder="another", leased_until=Now() + timedelta(minutes=1))
    monkeypatch.setattr("time.sleep", lambda seconds: SyncLock.objects.update(holder="", leased_until=None))
    assert "Waiting for the sync in progress to end." in erase()
    assert Customer.objects.get().name == ""


def test_who_comes_back_meanwhile_is_refused(removed, monkeypatch):
    SyncLock.objects.update(holder="another", leased_until=Now() + timedelta(minutes=1))

    def end(seconds):
        Customer.objects.update(removed_at=None)
        SyncLock.objects.update(holder="", leased_until=None)

    monkeypatch.setattr("time.sleep", end)
    assert "is still shown by the ERP" in refusal()
    assert Customer.objects.get().name == removed.name


def test_who_loses_the_lock_erases_nothing(removed, monkeypatch):
    monkeypatch.setattr(erasure, "find_subject", losing_the_lock(erasure.find_subject))
    assert "Another process took the lock" in refusal()
    assert Customer.objects.get().name == removed.name


def losing_the_lock(function):
    def called(*args):
        SyncLock.objects.filter(leased_until__isnull=False).update(holder="another", token=99)
        return function(*args)

    return called


def test_who_is_shown_again_comes_back_as_the_same_record_with_a_history_that_fits(db, no_compaction, sync_list):
    sync_list("customers", PERSON, other("customers"))
    for _ in range(2):
        sync_list("customers", other("customers"))
    before = Customer.objects.get(erp_id=ID)
    erase()
    sync_list("customers", PERSON, other("customers"))
    back = Customer.objects.get(erp_id=ID)
    assert (back.pk, back.name, back.erased_at, back.removed_at) == (before.pk, PERSON["name"], None, None)
    assert "beltrami" in back.search_text
    assert RecordChange.objects.filter(key=str(ID))[0].kind == RecordChange.Kind.RESTORED
    assert not history_disagrees()


def test_what_cannot_be_compacted_is_told(removed, monkeypatch):
    monkeypatch.setattr(erasecustomer, "compact_database", compact_database)
    if connection.vendor == "sqlite":  # in a transaction no database can be compacted
        assert "still holds what was erased" in refusal()
    else:
        erase()


# What is seen of an erased customer


def test_an_agent_sees_that_the_customer_was_erased(removed, client):
    user = UserFactory()
    DraftFactory(customer=removed, user=user)
    erase()
    client.force_login(user)
    for language, words in (("it", "Cliente cancellato (ID 77)"), ("en", "Erased customer (ID 77)")):
        page = client.get("/drafts", headers={"accept-language": language}).content.decode()
        assert words in page
        [draft] = client.get("/api/drafts", headers={"accept-language": language}).json()["results"]
        assert draft["customer"]["name"] == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "manage.py erasecustomer 77 --id"),
        ({"removed_at": None}, "The data can be erased once the ERP no longer shows the customer."),
        ({"erased_at": "2026-01-22T09:30:00Z"}, "Erased on 22/01/2026 10:30."),
    ],
)
def test_the_admin_says_how_the_data_is_erased(removed, admin_client, changes, words):
    Customer.objects.update(**changes)
    page = admin_client.get(f"/admin/customers/customer/{removed.pk}/change/", headers={"accept-language": "en"})
    assert words in page.content.decode()


def test_the_admin_s_list_says_that_the_customer_was_erased(removed, admin_client):
    erase()
    page = admin_client.get("/admin/customers/customer/?presence=removed", headers={"accept-language": "en"})
    assert "Erased customer (ID 77)" in page.content.decode()
