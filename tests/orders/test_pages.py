"""The agents' pages, as a browser gets them: who may see what, what is shown, what is said when something is wrong."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders import drafts, outcome, pages
from orders.models import Draft, Order, Product
from orders.pages import DRAFTS_ON_A_PAGE
from sync.service import get_service
from tests.api.conftest import agent, colleague
from tests.factories import (
    PASSWORD,
    CustomerFactory,
    DraftFactory,
    DraftLineFactory,
    MirroredColumnFactory,
    OrderFactory,
    PriceFactory,
    ProductFactory,
    UserFactory,
)

__all__ = ["agent", "colleague"]

pytestmark = pytest.mark.django_db

ENGLISH, ITALIAN = ({"accept-language": language} for language in ("en", "it"))


@pytest.fixture(autouse=True)
def nobody_is_throttled_by_another_test():
    cache.clear()


@pytest.fixture
def customer(db):
    return CustomerFactory(
        erp_id=80,
        name="Rossi Anna",
        account_number="1002239",
        street="Via Roma 5",
        postcode="20121",
        city="Milano",
        vat_number="01234567890",
        sdi_code="ABC1234",
    )


@pytest.fixture
def saved(agent, customer):
    """Saves a draft: `saved()`, `saved(user=colleague)`, `saved(notes="Call first")`."""
    one, hundred = (
        ProductFactory(erp_id=erp_id, name=name, description=f"Fresa {name}", pack=erp_id[-2:])
        for erp_id, name in (("001627K2", "9801.314.016"), ("009000K3", "845104"))
    )
    price = Decimal("1290.50")

    def save(user=agent, **fields):
        draft = DraftFactory(user=user, customer=customer, **fields)
        DraftLineFactory(draft=draft, product=one, quantity=2, discount_percent=10, unit_price=price, vat_rate=22)
        in_hundreds = {"unit_price": price, "price_unit": 100}
        DraftLineFactory(draft=draft, position=2, product=hundred, quantity=50, vat_rate=4, **in_hundreds)
        return draft

    return save


@pytest.fixture
def browser(agent):
    """The browser of an agent who is signed in and reads English."""
    client = Client(headers=ENGLISH)
    client.force_login(agent)
    return client


def html_of(client, path, **options):
    answer = client.get(path, **options)
    assert answer.status_code == 200, path
    return answer.content.decode()


def shown_drafts(html):
    return [int(number) for number in re.findall(r'data-draft="(\d+)"', html)]


# Who may see what


@pytest.mark.parametrize("path", ["/orders/new", "/drafts", "/drafts/1", "/drafts/1/print", "/orders/new?copy=1"])
def test_a_page_asks_who_is_not_signed_in_to_sign_in_and_come_back(path):
    answer = Client().get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/login?next={path.replace('?copy=1', '%3Fcopy%3D1')}")


def test_the_root_leads_to_the_drafts():
    assert Client().get("/")["Location"] == "/drafts"


@pytest.mark.parametrize("path", ["/drafts/{}", "/drafts/{}/print", "/orders/new?copy={}"])
def test_another_agent_s_draft_is_not_there(path, browser, saved, colleague):
    assert browser.get(path.format(saved().pk)).status_code == 200
    assert browser.get(path.format(saved(user=colleague).pk)).status_code == 404


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "9" * 40, "%00", "٣"])
@pytest.mark.parametrize("path", ["/drafts/{}", "/drafts/{}/print", "/orders/new?copy={}"])
def test_what_is_no_number_of_a_draft_is_not_there(path, number, browser):
    assert browser.get(path.format(number)).status_code == 404


def test_a_deleted_draft_is_not_there(browser, saved):
    draft = saved()
    drafts.delete_draft(draft)
    assert browser.get(f"/drafts/{draft.pk}").status_code == 404


def test_variants_of_a_name_are_no_more_attempts(client):
    for name in ["agente", " agente", "AGENTE", "ａgente"] * 3:
        answer = client.post("/login", {"username": name, "password": "another"})
    assert answer.status_code == 429


# The list


def test_the_list_shows_the_caller_s_drafts_the_last_changed_first(browser, saved, colleague):
    first, second, deleted = saved(), saved(), saved()
    saved(user=colleague)
    drafts.delete_draft(deleted)
    Draft.objects.filter(pk=first.pk).update(changed_at=timezone.now() + timedelta(minutes=1))
    assert shown_drafts(html_of(browser, "/drafts")) == [first.pk, second.pk]


def test_a_draft_is_listed_with_customer_totals_age_and_shortened_notes(browser, saved):
    draft = saved(notes="Call first. " * 50)
    Draft.objects.update(changed_at=timezone.now() - timedelta(hours=2))
    html = html_of(browser, "/drafts")
    assert f'<a href="/drafts/{draft.pk}">Rossi Anna</a>' in html
    for text in ("Milano", "<dd>2</dd>", "€2,968.15", "€3,505.00", "2\N{NO-BREAK SPACE}hours ago", "Call first."):
        assert text in html
    assert html.count("Call first.") < 20
    assert f'href="/orders/new?copy={draft.pk}"' in html
    assert f'href="/drafts/{draft.pk}/print"' in html


def test_amounts_are_written_as_the_reader_s_language_does(browser, saved):
    saved()
    assert "3.505,00 €" in html_of(browser, "/drafts", headers=ITALIAN)


def test_what_an_agent_wrote_is_no_html(browser, saved):
    saved(notes="<script>alert(1)</script>")
    assert "<script>alert(1)" not in html_of(browser, "/drafts")


def test_a_list_of_many_drafts_needs_no_more_queries_than_one_of_few(browser, saved):
    saved()
    with CaptureQueriesContext(
        connection,
    ) as few:
        browser.get("/drafts")
    for _ in range(5):
        saved()
    with CaptureQueriesContext(connection) as many:
        browser.get("/drafts")
    assert len(many) == len(few) == 8  # the session, its user, parts, how many, drafts, lines, rejected orders, orders


def test_a_long_list_has_pages(browser, saved):
    numbers = [saved().pk for _ in range(DRAFTS_ON_A_PAGE + 2)]
    first, second = html_of(browser, "/drafts"), html_of(browser, "/drafts?page=2")
    assert len(shown_drafts(first)) == DRAFTS_ON_A_PAGE
    assert sorted(shown_drafts(first) + shown_drafts(second)) == numbers
    assert 'href="?show=in_hand&amp;page=2"' in first
    assert "Page 2 of 2" in second
    assert shown_drafts(html_of(browser, "/drafts?page=nonsense")) == shown_drafts(first)


def test_an_empty_list_says_what_drafts_are(browser):
    html = html_of(browser, "/drafts")
    assert "No drafts" in html
    assert "not yet entered in the ERP" in html


def page_data_of(client, path):
    """What a page tells its script."""
    html = client.get(path).content.decode()
    found = re.search(r'<script id="page-data" type="application/json">(.*?)</script>', html)
    assert found
    return json.loads(found[1])


# On paper


def test_a_printed_draft_has_everything_that_an_order_has(browser, saved):
    draft = saved(discount_percent=5, notes="Call first\nthen send")
    html = html_of(browser, f"/drafts/{draft.pk}/print")
    for text in (
        *(f"Order draft {draft.pk}", "not an order confirmation", "agente"),
        *("Rossi Anna", "Via Roma 5", "20121 Milano", "01234567890", "1002239", "ABC1234"),
        *("9801.314.016", "Fresa 9801.314.016", "845104", "K2", "K3", "€1,290.50", "per 100 pieces", "10%"),
        *("€2,322.90", "€645.25", "Discount 5%", "€148.40", "€2,819.75"),
        *("VAT 22% of €2,206.76", "€485.49", "VAT 4% of €612.99", "€24.52", "€3,329.76"),
        "Call first<br>then send",
    ):
        assert text in html, text


def test_a_printed_draft_in_english_has_european_dates_and_one_piece_in_the_singular(browser, saved):
    draft = saved()
    Draft.objects.filter(pk=draft.pk).update(changed_at=datetime(2026, 6, 30, 12, tzinfo=UTC))
    Product.objects.present().filter(pk=draft.lines.get(position=1).product_id).update(pack_pieces=1)
    html = html_of(browser, f"/drafts/{draft.pk}/print")
    assert "30/06/2026 14:00" in html
    assert "· 1 pc.<" in html


def test_a_printed_draft_says_whose_vat_is_not_known_and_leaves_it_out(browser, saved):
    draft = saved()
    draft.lines.filter(position=2).update(vat_rate=None)
    html = html_of(browser, f"/drafts/{draft.pk}/print")
    for text in (
        "not known",
        "VAT 22% of €2,322.90",
        "€511.04",
        "VAT not known, on €645.25</dt>",
        '<dd class="amount">—</dd>',
        "Total, VAT incomplete",
    ):
        assert text in html, text
    assert "VAT 4%" not in html
    assert "€3,479.19" in html  # 2,322.90 + 645.25 + 511.04
    assert "VAT not known for some lines" in html_of(browser, "/drafts")


def test_the_order_form_says_once_what_the_erp_does_not_show(browser):
    then, now = (datetime(2026, 3, day, 9, tzinfo=UTC) for day in (3, 12))
    for field, seen in (("erp_id", now), ("minimum_quantity", then), ("is_blocked", now), ("is_orderable", now)):
        MirroredColumnFactory(field=field, last_seen_at=seen)
    page_data = page_data_of(browser, "/orders/new")
    assert page_data["oldColumns"] == ["minimum quantity (as of 03/03/2026)"]
    assert page_data["hiddenColumns"] == ["price unit", "multiple", "maximum quantity", "VAT group"]
    assert page_data["notices"] == []


def test_the_order_form_says_that_what_prices_rest_on_is_old(browser):
    then, now = (datetime(2026, 3, day, 9, tzinfo=UTC) for day in (3, 12))
    shown = [column.field for column in get_service("prices").layout.columns if column.field]
    for field in shown:
        MirroredColumnFactory(sync_type="prices", field=field, last_seen_at=then if field == "valid_to" else now)
    assert page_data_of(browser, "/orders/new")["oldColumns"] == ["valid to (as of 03/03/2026)"]


def test_the_order_form_names_the_price_groups_to_choose_from(browser):
    PriceFactory()
    PriceFactory(account="003", account_description="RIVENDITORI")
    [notice] = page_data_of(browser, "/orders/new")["notices"]
    assert "002 (DETTAGLIO (consigliato)), 003 (RIVENDITORI)" in notice


@pytest.mark.parametrize(("client", "looks"), [("browser", True), ("http", False)])
def test_the_erp_can_be_searched_where_its_client_looks(client, looks, browser, settings):
    settings.ERP_URL, settings.ERP_FOLDER, settings.ERP_CLIENT = "https://erp.example/Archibald", None, client
    assert page_data_of(browser, "/orders/new")["searchesErp"] is looks


def test_without_an_erp_there_is_nothing_to_search(browser, settings):
    settings.ERP_URL, settings.ERP_FOLDER = "", None
    assert page_data_of(browser, "/orders/new")["searchesErp"] is False


def test_a_printed_draft_says_nothing_of_what_the_customer_does_not_have(browser, saved, customer):
    customer.sdi_code = ""
    customer.save()
    html = html_of(browser, f"/drafts/{saved().pk}/print")
    assert "SDI" not in html
    assert "PEC" not in html
    assert "Notes" not in html


# Signing in


@pytest.mark.parametrize(("headers", "title"), [(ENGLISH, "<h1>Sign in</h1>"), (ITALIAN, "<h1>Accedi</h1>")])
def test_the_login_page_speaks_the_reader_s_language(headers, title):
    assert title in html_of(Client(headers=headers), "/login")


@pytest.mark.parametrize("path", ["/orders/new?copy=3", "/drafts"])
def test_who_signs_in_goes_on_where_they_were(path, agent):
    answer = Client().post("/login", {"username": "agente", "password": PASSWORD, "next": path})
    assert (answer.status_code, answer["Location"]) == (302, path)


def test_who_signs_in_is_not_led_to_another_host(agent):
    form = {"username": "agente", "password": PASSWORD, "next": "https://elsewhere.example/drafts"}
    assert Client().post("/login", form)["Location"] == "/drafts"


def test_the_login_page_says_that_an_unsaved_order_is_still_there():
    client = Client(headers=ENGLISH)
    assert "still in this browser" in html_of(client, "/login?next=/orders/new")
    assert "still in this browser" not in html_of(client, "/login?next=/admin/")
    assert "still in this browser" not in html_of(client, "/login")


@pytest.mark.parametrize(("headers", "text"), [(ENGLISH, "password is wrong"), (ITALIAN, "password errati")])
def test_a_wrong_password_is_said_and_the_name_stays(headers, text, agent):
    form = {"username": "agente", "password": "another", "next": "/orders/new"}
    answer = Client(headers=headers).post("/login", form)
    html = answer.content.decode()
    assert re.search(rf'role="alert".*?{text}', html, re.DOTALL)
    assert 'value="agente"' in html
    assert 'name="next" value="/orders/new"' in html


@pytest.mark.parametrize("path", ["/login?next=/drafts", "/admin/login/?next=/admin/"])
@pytest.mark.parametrize(("headers", "text"), [(ENGLISH, "Wait {} seconds"), (ITALIAN, "Attendi {} secondi")])
def test_who_tries_too_often_is_told_how_long_to_wait(path, headers, text, agent):
    client = Client(headers=headers)
    for _ in range(11):
        answer = client.post(path, {"username": "agente", "password": "another"})
    assert (answer.status_code, answer["Content-Type"]) == (429, "text/html; charset=utf-8")
    html = answer.content.decode()
    assert text.format(answer["Retry-After"]) in html
    assert f'href="{path}"' in html


# When something is wrong


@pytest.fixture
def broken(monkeypatch):
    """The list of drafts has a bug."""

    def fail(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(pages, "get_agent", fail)


@pytest.mark.parametrize(("headers", "text"), [(ENGLISH, "Page not found"), (ITALIAN, "Pagina non trovata")])
@pytest.mark.parametrize("path", ["/nothing", "/drafts/999", "/admin/nothing/"])
def test_an_address_that_is_none_says_so(path, headers, text):
    client = Client(headers=headers)
    client.force_login(UserFactory(is_staff=True))
    answer = client.get(path)
    assert answer.status_code == 404
    assert f"<h1>{text}</h1>" in unescape(answer.content.decode())


def test_an_address_of_the_api_that_is_none_is_json(browser):
    assert browser.get("/api/nothing").json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("headers", "text"),
    [(ENGLISH, "You do not have permission to do this"), (ITALIAN, "Non hai il permesso per questa operazione")],
)
def test_who_lacks_a_permission_is_told(headers, text):
    client = Client(headers=headers)
    client.force_login(UserFactory(is_staff=True))
    answer = client.get("/admin/sync/syncrun/")
    assert answer.status_code == 403
    assert text in answer.content.decode()


@pytest.mark.parametrize(("headers", "text"), [(ENGLISH, "out of date"), (ITALIAN, "non era più valida")])
def test_a_form_without_its_csrf_token_is_said_to_be_out_of_date(headers, text):
    answer = Client(enforce_csrf_checks=True, headers=headers).post("/login", {"username": "agente"})
    assert answer.status_code == 403
    assert text in answer.content.decode()


@pytest.mark.parametrize(
    ("headers", "text"), [(ENGLISH, "Something went wrong"), (ITALIAN, "Qualcosa è andato storto")]
)
def test_a_bug_is_said_in_the_same_make_without_the_reader_s_name(headers, text, broken, agent):
    client = Client(raise_request_exception=False, headers=headers)
    client.force_login(agent)
    answer = client.get("/drafts")
    html = answer.content.decode()
    assert answer.status_code == 500
    assert text in html
    assert "site.css" in html
    assert "agente" not in html


@pytest.mark.parametrize(
    ("headers", "text"), [(ENGLISH, "This request is not valid"), (ITALIAN, "La richiesta non è valida")]
)
def test_a_request_to_another_host_cannot_be_answered(headers, text):
    answer = Client(headers=headers).get("/login", headers={"host": "elsewhere.example"})
    assert answer.status_code == 400
    assert text in answer.content.decode()


@pytest.mark.parametrize(("headers", "text"), [(ENGLISH, "No connection"), (ITALIAN, "Nessuna connessione")])
def test_the_page_for_no_connection_knows_nobody(headers, text, agent):
    client = Client(headers=headers)
    client.force_login(agent)
    html = html_of(client, "/offline")
    assert text in html
    assert "agente" not in html
    assert "csrf" not in html


def test_the_service_worker_is_a_script_that_knows_the_page_for_no_connection():
    answer = Client().get("/sw.js")
    assert answer["Content-Type"] == "text/javascript"
    assert '"/offline"' in answer.content.decode()
    assert '"/static/archibald/site.css"' in answer.content.decode()


def test_the_order_form_s_page_names_every_module_that_is_loaded():
    """Otherwise a browser learns of a module only from the one that imports it."""

    def imported(module):
        path = finders.find(module)
        assert path, module
        names = re.findall(r'(?:from|import) ?"(\..+?)"', Path(path).read_text())
        return {urljoin(module, name) for name in names}

    missing, loaded = {"orders/order_form.js"}, set()
    while missing:
        loaded |= missing
        missing = set().union(*map(imported, missing)) - loaded
    assert set(pages.MODULES) == loaded - {"orders/order_form.js"}


# All pages


def test_the_language_can_be_chosen(browser):
    assert browser.post("/language", {"language": "it", "next": "/drafts?page=2"})["Location"] == "/drafts?page=2"
    html = html_of(browser, "/drafts")
    assert '<html lang="it">' in html
    assert "Nessuna bozza" in html


def test_no_page_names_another_host_or_holds_a_script_of_its_own(browser, saved):
    draft = saved()
    paths = ["/login", "/orders/new", "/drafts", f"/drafts/{draft.pk}", f"/drafts/{draft.pk}/print", "/offline"]
    for path in [*paths, "/nothing"]:
        html = (Client() if path == "/login" else browser).get(path).content.decode()
        assert not re.search(r"(https?:)?//(?!www\.w3\.org/)\w", html), path
        assert not re.search(r'<script(?![^>]* (src=|type="application/json"))|<style|\bstyle="|\bon\w+="', html), path


# What became of drafts


@pytest.fixture
def enter(customer):
    """An order of the customer, with the amount that two saved lines come to."""

    def enter(**fields):
        placed = {"account_number": "1002239", "ordered_at": timezone.now(), "total_amount": Decimal("2968.15")}
        return OrderFactory(**placed | fields)

    return enter


def test_what_is_open_stands_before_what_was_handed_over_and_the_rest_in_parts_of_its_own(browser, saved, enter):
    handed_over, opened, closed, found, deleted = (saved() for _ in range(5))
    outcome.hand_over(handed_over, "printed", version=1)
    outcome.close(closed, version=1)
    outcome.confirm_order(found, enter(number="ORD/26000001").erp_id, version=1, user=found.user)
    drafts.delete_draft(deleted)
    html = html_of(browser, "/drafts")
    assert shown_drafts(html) == [opened.pk, handed_over.pk]
    assert re.findall(r'<span class="count">(\d+)</span>', html) == ["2", "1", "1", "1"]
    assert "Handed over</strong>" in html
    for part, draft in {"found": found, "closed": closed, "deleted": deleted}.items():
        assert shown_drafts(html_of(browser, f"/drafts?show={part}")) == [draft.pk]
    assert shown_drafts(html_of(browser, "/drafts?show=nonsense")) == [opened.pk, handed_over.pk]


def test_a_found_draft_shows_its_order_and_the_difference_in_amount(browser, saved, enter):
    draft, order = saved(), enter(number="ORD/26000001", sales_status="Ordine aperto")
    outcome.mark_found_drafts()
    for amount, text in (("2968.15", "same amount"), ("2988.15", "20,00 € more"), ("2958.15", "10,00 € less")):
        Order.objects.filter(pk=order.pk).update(total_amount=Decimal(amount))
        html = html_of(browser, "/drafts?show=found")
        assert "ORD/26000001" in html
        assert text.replace("20,00 €", "€20.00").replace("10,00 €", "€10.00") in html
    Order.objects.update(removed_at=timezone.now())
    assert "does not show this order any more" in html_of(browser, f"/drafts/{draft.pk}")


def test_of_two_orders_that_fit_the_agent_is_asked_with_a_key_for_each(browser, saved, enter):
    draft = saved()
    orders = [enter(), enter()]
    html = html_of(browser, "/drafts")
    for key, order in enumerate(orders, 1):
        assert re.search(rf'data-do="confirm" data-order="{order.erp_id}" disabled aria-keyshortcuts="{key}"', html)
    assert "fits</strong>" in html_of(browser, f"/drafts/{draft.pk}/outcome")


def test_a_settled_draft_is_not_opened_in_the_form(browser, saved):
    draft = saved()
    assert "page-data" in html_of(browser, f"/drafts/{draft.pk}")
    outcome.hand_over(draft, "copied", version=1)
    assert "it is open again" in html_of(browser, f"/drafts/{draft.pk}")
    outcome.close(draft, version=2)
    html = html_of(browser, f"/drafts/{draft.pk}")
    assert "page-data" not in html
    assert 'data-do="reopen"' in html


def test_the_lines_to_copy_stand_in_the_page_as_they_are_typed(browser, saved):
    saved()
    assert 'data-text="9801.314.016\t2\t10\n845104\t50\t\n"' in html_of(browser, "/drafts")


def test_the_list_asks_as_often_however_many_drafts_and_orders_there_are(browser, saved, enter):
    counts = []
    for _ in range(3):
        outcome.hand_over(saved(), "printed", version=1)
        enter()
        with CaptureQueriesContext(connection) as queries:
            browser.get("/drafts")
        counts.append(len(queries))
    assert counts == [8] * 3  # the session, its user, the parts, how many, drafts, lines, rejected orders, orders


def test_the_print_says_which_prices_are_net_and_whose(browser, saved):
    draft = saved()
    draft.lines.filter(position=1).update(is_net_price=True, price_audience="customer")
    html = html_of(browser, f"/drafts/{draft.pk}/print")
    assert (html.count("Net price"), html.count("own price")) == (1, 1)
