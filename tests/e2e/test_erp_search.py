"""An order form's search for a customer who is only in the ERP, with a browser that asks the ERP."""

import json
import re

import pytest
from playwright.sync_api import expect

from customers.models import Customer
from sync.models import SyncRun
from tests.conftest import environment_of_database
from tests.demo_erp import new_customer
from tests.e2e.order_form import OrderForm
from tests.site import Site

OFFER = "Cerca nell'ERP"


@pytest.fixture
def site(mirrored, tmp_path):
    """A site whose ERP is asked by a browser of its own."""
    variables = environment_of_database() | mirrored.variables | {"ERP_CLIENT": "browser", "DATA_DIR": str(tmp_path)}
    with Site(tmp_path, variables) as site:
        yield site


@pytest.fixture
def form(page, site):
    form = OrderForm(page, site).open()
    expect(form.news).to_contain_text("Clienti più recenti aggiornati alle")
    return form


@pytest.fixture
def found(form):
    """What the customer's box says below its results."""
    return form.page.locator("#customer-options p")


def test_a_customer_who_is_only_in_the_erp_is_found_by_the_keyboard(form, found, erp):
    assert SyncRun.objects.get(mode="smart").read_from == SyncRun.Source.LOOK
    customer = new_customer(erp, name="Studio Nuovissimo")
    form.type("nuovissimo")
    expect(found).to_have_text("Nessun risultato.")
    expect(form.options).to_have_text([OFFER])
    form.press("ArrowDown")
    expect(form.options).to_have_attribute("aria-selected", "true")
    form.press("Enter")
    expect(found).to_have_text("Trovato nell'ERP e aggiunto: Studio Nuovissimo")
    form.press("Enter")
    expect(form.customer).to_have_value("Studio Nuovissimo")
    expect(form.line(1).product).to_be_focused()
    run = SyncRun.objects.get(search="nuovissimo")
    assert (run.read_from, run.found, run.created) == (SyncRun.Source.LOOK, [customer.id], 1)
    assert Customer.objects.filter(erp_id=customer.id).exists()


def test_a_customer_whom_the_erp_does_not_have_is_told_by_a_click(form, found):
    form.type("nessuno si chiama")
    form.options.click()
    expect(found).to_have_text(re.compile("Ricerca nell'ERP…|L'ERP non ha"))
    expect(found).to_have_text("L'ERP non ha nessun cliente “nessuno si chiama”.")
    form.type(" così")
    expect(form.options).to_have_text([OFFER])


def test_an_erp_that_cannot_be_asked_is_told(form, found, allowed):
    allowed += ["status of 502", "answer 502"]

    def refuse(route):
        answer = {"success": False, "error": "Manutenzione.", "code": "ErpUnavailable", "detail": {}}
        route.fulfill(status=502, content_type="application/json", body=json.dumps(answer))

    form.page.route("**/api/customers/smart-sync", refuse)
    form.type("nuovissimo")
    form.options.click()
    expect(found).to_have_text("Non è stato possibile chiedere all'ERP: Manutenzione.")


def test_leaving_the_box_asks_the_erp_for_nothing(form):
    form.type("nuovissimo")
    expect(form.options).to_have_text([OFFER])
    form.press("ArrowDown", "Tab")
    expect(form.customer).not_to_be_focused()
    assert not SyncRun.objects.exclude(search="").exists()
