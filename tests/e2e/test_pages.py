"""All pages in a real browser: who sees what, how they look and weigh, and what they say when something is wrong."""

import re
import subprocess
import sys
from collections import defaultdict

import pytest
from django.conf import settings
from playwright.sync_api import expect

from orders.models import Draft
from sync.models import SyncRun
from tests.addresses import all_addresses
from tests.concurrency.processes import until
from tests.e2e.browsers import DESK, PHONE, axe, screenshot
from tests.e2e.order_form import OrderForm, customers, live_sessions, saved_draft
from tests.factories import PASSWORD
from tests.site import Site

LARGEST = 100_000  # bytes of script and style
LOOKS = [  # every language with every width, every width with every scheme, every scheme with every language
    ("it-IT", PHONE, "light"),
    ("it-IT", DESK, "dark"),
    ("en-GB", PHONE, "dark"),
    ("en-GB", DESK, "light"),
]


@pytest.fixture
def draft(site, agent, customer, product):
    return saved_draft(agent, customer, product)


def drawn(page, site, draft):
    """Every page, one after the other, by its name."""
    for name, address in {
        "drafts": "/drafts",
        "draft": f"/drafts/{draft.pk}",
        "print": f"/drafts/{draft.pk}/print",
        "outcome": f"/drafts/{draft.pk}/outcome",
        "customers": "/customers",
        "customer": f"/customers/{draft.customer.erp_id}",
        "offline": "/offline",
        "password": "/account/password",
        "password-changed": "/account/password/changed",
    }.items():
        page.goto(site.url + address)
        expect(page.locator("h1")).to_be_visible()
        yield name


@pytest.mark.parametrize(("locale", "viewport", "scheme"), LOOKS)
def test_no_page_has_a_serious_fault_or_scrolls_sideways(
    open_page, site, draft, customer, product, allowed, scheme, viewport, locale
):
    allowed.append("status of 400 .*/api/drafts")
    page = open_page(locale=locale, viewport=viewport, color_scheme=scheme)
    place = f"{locale[:2]}-{viewport[0]}-{scheme}"
    for name in drawn(page, site, draft):
        look(page, f"{name}-{place}")
    page.goto(f"{site.url}/orders/new")
    page.keyboard.type("s")
    expect(page.get_by_role("option")).to_have_count(10)
    look(page, f"choosing-{place}")
    page.keyboard.press("Backspace")
    page.keyboard.type(customer.account_number)
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.type(product.erp_id)
    page.keyboard.press("Enter")
    expect(page.locator("#totals dl")).to_contain_text("€")
    page.keyboard.type("1000")
    expect(page.locator(".bar strong")).to_have_text(re.compile(r"\d[.,]\d{3}[.,]\d\d"))
    look(page, f"total-{place}")
    page.keyboard.press("Control+a")
    page.keyboard.type("7,5")
    expect(page.locator(".line .problem").first).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#banner.bad")).to_be_visible()
    look(page, f"order-{place}")


@pytest.mark.parametrize("viewport", [PHONE, DESK])
def test_the_login_page_has_no_serious_fault(open_page, site, viewport):
    page = open_page(user=None, viewport=viewport)
    page.goto(f"{site.url}/orders/new")
    page.get_by_label("Nome utente").fill("agente")
    page.get_by_label("Password").fill("sbagliata")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    look(page, f"login-{viewport[0]}")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/new")


def look(page, name):
    screenshot(page, name, full_page=True)
    assert axe(page) == [], name
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_the_order_form_loads_under_100_kb_of_script_and_style(page, site):
    OrderForm(page, site).open_fresh()
    loaded = page.evaluate("performance.getEntriesByType('resource').map((entry) => [entry.name, entry.transferSize])")
    sizes = {url: size for url, size in loaded if re.search(r"\.(js|css)(\?|$)", url)}
    assert len(sizes) > 10
    assert 10_000 < sum(sizes.values()) < LARGEST


def test_after_a_save_on_a_phone_nothing_covers_the_customer_box(open_page, site, fill):
    form = OrderForm(open_page(viewport=PHONE, has_touch=True, is_mobile=True), site).open_fresh()
    fill(form)
    form.save()
    form.expect_saved(1)
    expect(form.customer).to_be_focused()
    box = form.customer.bounding_box()
    assert box
    middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
    assert form.page.evaluate("([x, y]) => document.elementFromPoint(x, y).id", middle) == "customer"


def test_the_form_can_be_used_before_the_server_has_answered_anything(page, site):
    held = []
    page.route("**/api/**", lambda route: held.append(route))
    form = OrderForm(page, site).open()
    form.type("rossi")
    expect(form.customer).to_have_value("rossi")
    expect(form.page.get_by_text("Ricerca…")).to_be_visible()


def test_an_agent_changes_his_password_and_stays_signed_in(page, site):
    page.goto(f"{site.url}/drafts")
    page.get_by_role("link", name="Password").click()
    page.get_by_label("Password attuale").fill("sbagliata")
    for label in ("Nuova password", "Ripeti la nuova password"):
        page.get_by_label(label, exact=True).fill("una parola nuova")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert axe(page) == []
    screenshot(page, "password-wrong")
    page.get_by_label("Password attuale").fill(PASSWORD)
    for label in ("Nuova password", "Ripeti la nuova password"):
        page.get_by_label(label, exact=True).fill("una parola nuova")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("La password è cambiata")
    page.get_by_role("link", name="Bozze").first.click()
    page.wait_for_url("**/drafts")


# What pages may load


def test_every_page_of_the_admin_and_of_the_api_s_documentation_keeps_to_the_security_policy(
    open_page, site, administrator, allowed, product
):
    """A script or a style that the policy forbids is an error in the browser's console."""
    allowed.append("status of 40[0345]")
    page = open_page(user=administrator, viewport=DESK)
    run = SyncRun.objects.latest("pk").pk
    arguments: defaultdict[str, object] = defaultdict(lambda: run, sync_type="orders")
    addresses = [address for address in all_addresses(arguments) if address.startswith("/admin/")]
    seen = 0
    for address in [*addresses, f"/admin/orders/product/{product.pk}/change/"]:
        if not address.endswith(("/logout/", "/export/")):
            page.goto(site.url + address)
            seen += page.locator("#content h1, #content-main").count() > 0
    assert seen > 30
    page.goto(f"{site.url}/api/docs")
    page.get_by_role("button", name="GET /api/sync/schedule", exact=False).first.click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    screenshot(page, "api-docs")


def test_what_breaks_the_security_policy_fails_a_test(page, site, watch):
    page.goto(f"{site.url}/drafts")
    for element in ("script", "style"):
        page.evaluate(
            "(name) => document.head.append(Object.assign(document.createElement(name), {textContent: 'x'}))", element
        )
    told = [line for line in watch.complaints() if "Content Security Policy" in line]
    assert len(told) == 2
    watch.allowed.append("Content Security Policy")


# When something is wrong


@pytest.fixture(scope="module")
def production(mirrored_demo, tmp_path_factory):
    """The same site as an operator runs it: errors are told in our words."""
    environment = mirrored_demo.environment | {"DEBUG": "false", "SECURE_SSL_REDIRECT": "false"}
    manage = [sys.executable, f"{settings.BASE_DIR}/manage.py", "collectstatic", "--no-input", "--verbosity=0"]
    subprocess.run(manage, env=environment, check=True)
    with Site(tmp_path_factory.mktemp("production"), environment) as production:
        yield production


@pytest.mark.parametrize("viewport", [PHONE, DESK])
@pytest.mark.parametrize("locale", ["it-IT", "en-GB"])
def test_error_pages_say_what_to_do(open_page, production, watch, locale, viewport):
    watch.origin = production.url
    watch.allowed += ["status of 40[34]", "status of 400"]
    page = open_page(locale=locale, viewport=viewport)
    place = f"{locale[:2]}-{viewport[0]}"
    assert page.goto(f"{production.url}/drafts/999999").status == 404
    look(page, f"404-{place}")
    expect(page.get_by_role("link", name=re.compile("Bozze|Drafts")).first).to_be_visible()
    page.goto(f"{production.url}/drafts")
    page.evaluate("document.querySelectorAll('[name=csrfmiddlewaretoken]').forEach((field) => field.remove())")
    page.get_by_role("button", name=re.compile("Esci|Sign out")).click()
    expect(page.locator("h1")).to_be_visible()
    look(page, f"403-{place}")


# Drafts


def test_the_list_shows_customer_lines_total_and_age(page, site, draft):
    page.goto(f"{site.url}/drafts")
    row = page.locator(f"[data-draft='{draft.pk}']")
    expect(row).to_contain_text(draft.customer.name)
    expect(row).to_contain_text("adesso")
    expect(row).to_contain_text("€")


def test_a_draft_is_opened_changed_and_saved(page, site, draft):
    page.goto(f"{site.url}/drafts")
    page.get_by_role("link", name=draft.customer.name, exact=True).click()
    form = OrderForm(page, site)
    expect(form.customer).to_have_value(draft.customer.name)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Bozza {draft.pk}")
    form.notes.fill("Urgente")
    form.save()
    form.expect_saved(1)
    assert page.url.endswith("/orders/new")
    draft.refresh_from_db()
    assert (draft.notes, draft.version) == ("Urgente", 2)


def test_a_duplicate_is_another_draft_once_it_is_saved(page, site, draft):
    page.goto(f"{site.url}/drafts")
    page.get_by_role("link", name=re.compile("^Duplica")).click()
    form = OrderForm(page, site)
    expect(form.customer).to_have_value(draft.customer.name)
    expect(form.totals).to_contain_text("Totale")
    form.customer.fill("")
    form.choose_customer(list(customers())[1])
    form.save()
    form.expect_saved(2)
    assert {each.customer for each in Draft.objects.all()} == set(list(customers())[:2])


def test_an_unsaved_change_of_a_draft_that_is_gone_can_still_be_saved(page, site, draft, allowed):
    allowed.append("status of 404")
    form = OrderForm(page, site).open(f"/drafts/{draft.pk}")
    form.notes.fill("Non perdermi")
    page.goto(f"{site.url}/drafts")
    draft.delete()
    page.get_by_role("button", name="Riprendi").click()
    expect(form.notes).to_have_value("Non perdermi")
    form.save()
    form.banner.get_by_role("button", name="Salva come nuova bozza").click()
    form.expect_saved(1)


def test_a_copy_that_is_put_back_to_what_it_was_is_kept_so(page, site, draft):
    form = OrderForm(page, site).open(f"/orders/new?copy={draft.pk}")
    line = form.line(1)
    quantity = line.quantity.input_value()
    line.quantity.fill("50")
    line.quantity.fill(quantity)
    page.reload()
    expect(form.banner).to_contain_text("Questo è l'ordine che non avevi salvato.")
    expect(line.quantity).to_have_value(quantity)


def test_deleting_is_undone(page, site, draft, agent):
    page.goto(f"{site.url}/drafts")
    page.get_by_role("button", name=re.compile("^Elimina")).click()
    undo = page.get_by_role("button", name="Annulla")
    expect(undo).to_be_focused()
    assert not Draft.objects.for_user(agent).exists()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=draft.customer.name, exact=True)).to_be_focused()
    assert Draft.objects.for_user(agent).get() == draft


@pytest.mark.parametrize(
    ("address", "script", "button"), [("", "drafts.js", "Elimina"), ("/print", "print.js", "Stampa")]
)
def test_a_button_can_be_used_once_its_script_has_come(page, site, draft, address, script, button):
    """Before, a click would be lost."""
    held = []
    page.route(f"**/{script}", lambda route: held.append(route))
    page.goto(f"{site.url}/drafts{address and f'/{draft.pk}{address}'}", wait_until="commit")
    found = page.get_by_role("button", name=re.compile(f"^{button}"))
    expect(found).to_be_disabled()
    until(lambda: page.evaluate("true") and held)
    held[0].continue_()
    expect(found).to_be_enabled()


def test_n_begins_a_new_order(page, site, draft):
    page.goto(f"{site.url}/drafts")
    page.keyboard.press("n")
    page.wait_for_url("**/orders/new")


def test_another_user_s_drafts_are_unreachable(open_page, site, draft, colleague, allowed):
    allowed.append("status of 404")
    page = open_page(user=colleague)
    for address in (f"/drafts/{draft.pk}", f"/drafts/{draft.pk}/print", f"/orders/new?copy={draft.pk}"):
        answer = page.goto(site.url + address)
        assert answer.status == 404
        expect(page.locator("body")).not_to_contain_text(draft.customer.name)
    page.goto(f"{site.url}/drafts")
    expect(page.locator("main")).not_to_contain_text(draft.customer.name)
    assert live_sessions() == 0
    assert not SyncRun.objects.filter(mode="smart").exists()


# Without a connection


def test_a_page_that_cannot_be_loaded_says_that_there_is_no_connection_and_comes_back(page, site, context, allowed):
    allowed.append("ERR_INTERNET_DISCONNECTED")
    page.goto(f"{site.url}/drafts")
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    context.set_offline(True)
    page.goto(f"{site.url}/orders/new")
    expect(page.locator("h1")).to_be_visible()
    expect(page.get_by_role("button", name="Riprova")).to_be_enabled()
    context.set_offline(False)
    expect(page.get_by_label("Cliente", exact=True)).to_be_focused()


def test_a_page_that_the_server_did_not_answer_comes_when_it_does(own_site, page, allowed):
    allowed.append("ERR_CONNECTION_REFUSED")
    page.goto(f"{own_site.url}/drafts")
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    own_site.stop()
    page.goto(f"{own_site.url}/orders/new")
    expect(page.get_by_role("button", name="Riprova")).to_be_enabled()
    own_site.start()
    expect(page.get_by_label("Cliente", exact=True)).to_be_focused()


def test_a_line_added_without_a_connection_is_priced_when_there_is_one(page, site, context, customer, product, allowed):
    allowed.append("ERR_INTERNET_DISCONNECTED")
    form = OrderForm(page, site).open_fresh()
    form.fill(customer, product)
    context.set_offline(True)
    form.line(1).discount.fill("50")
    expect(form.totals).to_contain_text("Prezzi e totali non sono aggiornati. Nessuna connessione al servizio.")
    context.set_offline(False)
    expect(form.totals).not_to_contain_text("non sono aggiornati")
