"""A list that is pasted into the order form: its lines, what is marked, and that nothing is dropped or done unseen."""

import pytest
from playwright.sync_api import expect

from orders.models import Draft, Product
from tests.e2e.browsers import DESK, PHONE, axe, screenshot
from tests.e2e.order_form import OrderForm, goods

TWENTY = 20


@pytest.fixture
def form(page, site, customer):
    form = OrderForm(page, site).open_fresh()
    form.choose_customer(customer)
    return form


@pytest.fixture
def products(site, customer):
    return list(goods(customer.account_number))[:TWENTY]


def row(product, number=0):
    """A line of a list, by the product's ID, in one of the forms in which people write them."""
    quantity = f"{product.order_quantities.least:f}".rstrip("0").rstrip(".")
    forms = [
        "{code}\t{quantity}",
        "{quantity}\t{code}",
        "{code}   {quantity}",
        "{code} x {quantity}",
        "{quantity} pz {code}",
    ]
    return forms[number % len(forms)].format(code=product.erp_id, quantity=quantity)


def paste(form, text):
    """Into the box with the cursor, as from the clipboard."""
    form.page.evaluate(
        """(text) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", text);
            const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
            if (document.activeElement.dispatchEvent(event)) document.execCommand("insertText", false, text);
        }""",
        text,
    )


def doubts(form):
    return form.page.locator(".doubts")


def test_a_pasted_list_of_twenty_lines_with_two_slips(form, products, agent):
    rows = [row(product, number) for number, product in enumerate(products)]
    rows[4] = "9999.999.999 x 3"
    rows[11] = products[11].erp_id
    paste(form, "\n".join(["Codice\tQuantità", *rows, ""]))
    expect(form.banner).to_contain_text("20 righe aggiunte. 2 sono segnalate: controllale. Saltate: Codice\tQuantità")
    expect(doubts(form)).to_have_count(2)
    expect(form.line(5).group).to_contain_text("Nessun prodotto ha questo codice")
    expect(form.line(5).product).to_have_value("9999.999.999")
    expect(form.line(5).quantity).to_have_value("3")
    expect(form.line(12).group).to_contain_text("Non aveva quantità")
    expect(form.line(5).product).to_be_focused()
    screenshot(form.page, "pasted", full_page=True)
    form.press("Control+a")
    form.type(products[4].erp_id)
    form.press("Enter")
    expect(form.line(5).quantity).to_be_focused()
    expect(form.line(5).quantity).to_have_value("3")
    least = products[4].order_quantities.least
    form.line(5).quantity.fill(f"{least:f}".rstrip("0").rstrip("."))
    form.line(12).group.get_by_role("button", name="Visto").click()
    expect(doubts(form)).to_have_count(0)
    form.save()
    form.expect_saved(1)
    saved = [line.product_id for line in Draft.objects.get().lines.all()]
    assert saved == [product.pk for product in products]


def test_a_pasted_list_is_undone_in_one_step_and_kept_over_a_reload(form, products):
    paste(form, f"{row(products[0])}\nXYZ.1 x 4")
    expect(doubts(form)).to_have_count(1)
    form.page.reload()
    expect(doubts(form)).to_contain_text("XYZ.1 x 4")
    expect(form.line(2).quantity).to_have_value("4")
    form.line(3).product.focus()
    paste(form, f"{row(products[1])}\n{row(products[2])}")
    expect(form.banner).to_contain_text("2 righe aggiunte")
    form.banner.get_by_role("button", name="Annulla").click()
    expect(form.line(3).product).to_have_value("")
    expect(form.line(2).product).to_have_value("XYZ.1")


def test_one_code_is_pasted_as_ever(form, products):
    paste(form, products[0].erp_id)
    expect(form.line(1).product).to_have_value(products[0].erp_id)
    form.press("Enter")
    expect(form.line(1).quantity).to_be_focused()


def test_an_article_in_several_packs_is_marked_until_one_is_chosen(form, products):
    one, *_ = products
    names = list(Product.objects.filter(name=one.name).order_by("pk")) if one.name else []
    assert len(names) > 1
    paste(form, f"{one.name}\t{row(one).split()[1]}\n{row(products[-1])}")
    expect(doubts(form)).to_contain_text("più confezioni")
    form.line(1).pack.select_option(names[-1].erp_id)
    expect(doubts(form)).to_have_count(0)


def test_a_list_can_be_pasted_into_a_box_of_its_own_and_is_kept_if_it_cannot_be_read(form, products, allowed):
    allowed.append("status of 400")
    form.press("Alt+p")
    text = form.page.get_by_label("Un prodotto e la sua quantità")
    expect(text).to_be_focused()
    text.fill("A1 1\n" * 201)
    form.press("Control+Enter")
    expect(form.page.locator("#paste-problem")).to_contain_text("al massimo 200 righe, e questo ne ha 201")
    assert text.input_value() == "A1 1\n" * 201
    text.fill(f"{row(products[0])}\n{row(products[1], 1)}")
    form.press("Control+Enter")
    expect(form.page.locator("#paste")).to_be_hidden()
    expect(form.line(3).product).to_be_focused()
    expect(form.line(2).amount).to_contain_text("€")
    form.save()
    form.expect_saved(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK])
def test_a_pasted_list_can_be_read_on_a_phone_and_a_desk(open_page, site, customer, products, viewport, scheme):
    form = OrderForm(open_page(viewport=viewport, color_scheme=scheme), site).open_fresh()
    form.choose_customer(customer)
    form.press("Alt+p")
    screenshot(form.page, f"paste {viewport[0]} {scheme}")
    assert axe(form.page) == []
    form.press("Escape")
    paste(form, f"{products[0].erp_id}\nXYZ.1 x 4")
    expect(doubts(form)).to_have_count(2)
    screenshot(form.page, f"pasted {viewport[0]} {scheme}", full_page=True)
    assert axe(form.page) == []
    assert form.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
