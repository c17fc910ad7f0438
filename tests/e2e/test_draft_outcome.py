"""What became of drafts, said and seen in the list by keyboard alone."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from orders import outcome
from orders.models import Draft
from tests.e2e.order_form import saved_draft
from tests.factories import OrderFactory


@pytest.fixture
def draft(site, agent, customer, product):
    return saved_draft(agent, customer, product)


def test_lines_are_copied_by_one_key_and_the_draft_is_handed_over(page, site, draft):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    page.goto(f"{site.url}/drafts")
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.locator(".gone")).to_contain_text("copiate")
    assert page.evaluate("navigator.clipboard.readText()") == draft.text_for_erp
    assert Draft.objects.get().handed_over_how == "copied"
    page.keyboard.press("Enter")  # Undo
    expect(page.locator("[data-draft] .outcome")).to_contain_text("Aperta")


def test_without_the_clipboard_the_lines_are_shown_to_be_copied(page, site, draft):
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.goto(f"{site.url}/drafts")
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.get_by_role("dialog").get_by_role("textbox")).to_have_value(draft.text_for_erp)
    assert page.evaluate("getSelection().toString()") == draft.text_for_erp
    assert Draft.objects.get().state == Draft.State.OPEN
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".gone")).to_contain_text("copiate")
    assert Draft.objects.get().state == Draft.State.HANDED_OVER


def test_of_two_orders_that_fit_one_is_confirmed_by_one_key(page, site, draft):
    account, net = draft.customer.account_number, draft.totals.net
    first, second = (
        OrderFactory(account_number=account, ordered_at=timezone.now(), total_amount=net, erp_id=erp_id)
        for erp_id in (900_001, 900_002)
    )
    outcome.mark_found_drafts()
    page.goto(f"{site.url}/drafts")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("2")
    expect(page.locator(".gone")).to_be_visible()
    assert Draft.objects.get().order == second
    page.goto(f"{site.url}/drafts/{draft.pk}")
    page.get_by_role("button", name="Non è questo ordine").click()
    expect(page.locator(".gone")).to_be_visible()
    assert Draft.objects.get().order is None
    assert outcome.find_fitting([draft])[draft.pk] == [first]


def test_of_two_orders_that_fit_one_is_rejected_and_the_other_is_still_asked_about(page, site, draft):
    account, net = draft.customer.account_number, draft.totals.net
    for erp_id in (900_001, 900_002):
        OrderFactory(account_number=account, ordered_at=timezone.now(), total_amount=net, erp_id=erp_id)
    page.goto(f"{site.url}/drafts")
    page.locator("[data-do=reject]").first.click()
    expect(page.locator(".fitting")).to_have_count(1)
    expect(page.locator("[data-draft]")).to_be_visible()
    expect(page.locator(".fitting [data-do=confirm]")).to_be_focused()


def test_closing_a_draft_that_was_handed_over_offers_no_undo_that_would_forget_it(page, site, draft):
    outcome.hand_over(draft, "printed", version=draft.version)
    page.goto(f"{site.url}/drafts")
    page.keyboard.press("x")  # nothing: no draft has the focus
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(".gone button")).to_have_text("Mostra di nuovo l'elenco")
    assert Draft.objects.get().state == Draft.State.CLOSED


def test_a_printed_draft_is_handed_over_when_the_agent_says_so(page, site, draft):
    page.goto(f"{site.url}/drafts/{draft.pk}/print")
    page.get_by_role("button", name="Segna").click()
    expect(page.get_by_role("status").filter(has_text="Segnata")).to_be_visible()
    assert Draft.objects.get().handed_over_how == "printed"


def test_a_deleted_draft_is_restored_after_a_reload(page, site, draft):
    page.goto(f"{site.url}/drafts")
    page.locator("[data-delete]").click()
    expect(page.locator(".gone")).to_be_visible()
    page.goto(f"{site.url}/drafts?show=deleted")
    page.keyboard.press("r")  # nothing yet: no draft has the focus
    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page.locator(".gone")).to_contain_text("ripristinata")
    assert Draft.objects.get().deleted_at is None
