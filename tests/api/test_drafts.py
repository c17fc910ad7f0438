"""Drafts by the API: what is saved, what is refused, and that no save undoes or repeats another."""

import time
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Thread

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders import drafts
from orders.models import Draft, DraftLine, LookedAtCustomer, Order, Price, Product
from sync.coordinator import sessions
from sync.models import OrderFormSession
from tests.api.conftest import at_once, signed_in
from tests.factories import CustomerFactory, OrderFactory, PriceFactory, ProductFactory

pytestmark = pytest.mark.django_db

DRAFTS = "/api/drafts"
D = Decimal


@pytest.fixture
def customer(db):
    return CustomerFactory(erp_id=80, name="Rossi Anna", account_number="1002239")


@pytest.fixture
def product(db):
    product = ProductFactory(erp_id="001627K2", name="9801.314.016", vat_group="22", multiple_quantity=5)
    PriceFactory(product_erp_id="001627K2", unit_price=Decimal("12.90"))
    return product


def wanted(*lines, **fields):
    lines = lines or ({"product": "001627K2", "quantity": "10"},)
    return {"customer": 80, "lines": list(lines), **fields}


def line(product="001627K2", quantity="10", **fields):
    return {"product": product, "quantity": quantity, **fields}


@pytest.fixture
def draft(api, customer, product):
    """What the API said of a saved draft."""
    return api.post(DRAFTS, wanted(notes="Call first")).json()["draft"]


def address(draft):
    return f"{DRAFTS}/{draft['id']}"


# Saving


def test_a_saved_draft_comes_back_with_its_totals(api, customer, product):
    answer = api.post(DRAFTS, wanted(line(discountPercent="10"), discountPercent="5", notes="Call first"))
    said = answer.json()
    assert (answer.status_code, said["success"], said["message"]) == (201, True, "Draft saved! (1 draft in all)")
    assert (said["draft"]["customer"]["name"], said["draft"]["notes"]) == ("Rossi Anna", "Call first")
    [shown] = said["draft"]["lines"]
    assert (shown["quantity"], shown["unitPrice"], shown["vatRate"]) == ("10", "12.90", "22")
    assert (shown["goods"], shown["net"], shown["vat"], shown["gross"]) == ("116.10", "110.30", "24.27", "134.57")
    assert said["draft"]["totals"] == {
        "goods": "116.10",
        "discount": "5.80",
        "discountPercent": "14.5",
        "net": "110.30",
        "shipping": "0.00",
        "vatByRate": [{"rate": "22", "taxable": "110.30", "amount": "24.27"}],
        "vat": "24.27",
        "netWithoutVat": "0.00",
        "gross": "134.57",
    }
    assert (said["draft"]["currency"], said["draft"]["version"]) == ("EUR", 1)


def test_each_save_counts_the_caller_s_drafts(api, colleague, customer, product):
    signed_in(colleague).post(DRAFTS, wanted())
    counts = [api.post(DRAFTS, wanted()).json()["draftCount"] for _ in range(3)]
    assert counts == [1, 2, 3]


def test_the_banner_is_italian_for_an_italian_browser(api, customer, product):
    italian = {"accept-language": "it"}
    for _ in range(2):
        api.post(DRAFTS, wanted())
    assert api.post(DRAFTS, wanted(), headers=italian).json()["message"] == "Bozza salvata! (3 bozze totali)"


def test_the_customer_s_own_price_is_taken_and_no_client_says_another(api, customer, product):
    PriceFactory(product_erp_id="001627K2", account="1002239", account_code="Table", unit_price=Decimal("9.50"))
    refused = api.post(DRAFTS, wanted(line(unitPrice="0.01")))
    assert (refused.status_code, refused.json()["detail"]["lines"]["0"]) == (
        400,
        {"unitPrice": ["This field does not exist. Check its name."]},
    )
    said = api.post(DRAFTS, wanted()).json()["draft"]
    assert (said["lines"][0]["unitPrice"], said["totals"]["net"]) == ("9.50", "95.00")


def test_quantities_may_be_written_as_numbers(api, customer, product):
    assert api.post(DRAFTS, wanted(line(quantity=10))).status_code == 201


def test_a_draft_keeps_the_prices_of_its_last_save(api, draft, product):
    Price.objects.update(unit_price=Decimal(20))
    assert api.get(address(draft)).json()["draft"]["lines"][0]["unitPrice"] == "12.90"
    saved = api.put(address(draft), wanted(version=1)).json()["draft"]
    assert saved["lines"][0]["unitPrice"] == "20.00"


# Refusing


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        ({"quantity": "7"}, "quantity", "5 or 10"),
        ({"quantity": "1"}, "quantity", "5"),
        ({"quantity": "0"}, "quantity", "5"),
        ({"quantity": 10.0}, "quantity", "number"),
        ({"quantity": "-5"}, "quantity", ""),
        ({"quantity": "many"}, "quantity", ""),
        ({"quantity": "1_0"}, "quantity", ""),
        ({"quantity": "١٠"}, "quantity", ""),
        ({"quantity": True}, "quantity", ""),
        ({"quantity": None}, "quantity", ""),
        ({"quantity": "1e3"}, "quantity", ""),
        ({"quantity": "NaN"}, "quantity", ""),
        ({"quantity": "10000000"}, "quantity", ""),
        ({"product": "unknown"}, "product", "unknown"),
        ({"product": ""}, "product", ""),
        ({"product": 1627}, "product", ""),
        ({"discountPercent": "101"}, "discountPercent", "100"),
        ({"discountPercent": "-1"}, "discountPercent", "number"),
        ({"discountPercent": "-0"}, "discountPercent", "number"),
        ({"discountPercent": "0.001"}, "discountPercent", ""),
    ],
)
def test_a_line_that_cannot_be_ordered_is_400_and_names_line_and_field(change, field, text, api, customer, product):
    answer = api.post(DRAFTS, wanted(line(), line(**change)))
    errors = answer.json()["detail"]["lines"]
    assert (answer.status_code, list(errors), list(errors["1"])) == (400, ["1"], [field])
    assert text in errors["1"][field][0]
    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"is_blocked": True}, "cannot be ordered"),
        ({"is_orderable": False}, "cannot be ordered"),
        ({"removed_at": timezone.now()}, "no product"),
        ({"maximum_quantity": 5}, "You can order: 5."),
    ],
)
def test_a_product_that_cannot_be_ordered_is_refused_with_the_reason(change, text, api, customer, product):
    Product.objects.update(**change)
    answer = api.post(DRAFTS, wanted())
    assert (answer.status_code, text in str(answer.json()["detail"]["lines"])) == (400, True)


def test_a_product_without_a_price_today_is_refused(api, customer, product):
    Price.objects.update(valid_to=timezone.localdate() - timedelta(days=1))
    answer = api.post(DRAFTS, wanted())
    assert (answer.status_code, "no price" in str(answer.json()["detail"]["lines"])) == (400, True)


# What the ERP's list did not show, or nobody knows


@pytest.mark.parametrize("group", ["ESENTE", "7", "4", "05", ""])
def test_an_order_does_not_depend_on_vat(group, api, customer, product):
    ProductFactory(erp_id="X", vat_group=group)
    PriceFactory(product_erp_id="X", unit_price=Decimal("100.00"))
    order = wanted(line(), line("X", quantity="1"))
    saved = api.post(DRAFTS, order).json()["draft"]
    unknown = saved["lines"][1]
    assert (unknown["net"], unknown["vatRate"], unknown["vat"], unknown["gross"]) == ("100.00", None, None, None)
    assert saved["totals"] == {
        "goods": "229.00",
        "discount": "0.00",
        "discountPercent": "0",
        "net": "229.00",
        "shipping": "0.00",
        "vatByRate": [{"rate": "22", "taxable": "129.00", "amount": "28.38"}],
        "vat": "28.38",
        "netWithoutVat": "100.00",
        "gross": "257.38",
    }
    assert previewed(api, *order["lines"])["totals"] == saved["totals"]
    assert api.get(address(saved)).json()["draft"]["lines"][1]["vatRate"] is None


@pytest.mark.parametrize(
    ("group", "rate", "vat"),
    [("5", "22", "28.38"), ("22", "22", "28.38"), ("1", "4", "5.16"), ("04", "4", "5.16"), ("0", "0", "0.00")],
)
def test_the_erp_s_keys_for_vat_are_rates(group, rate, vat, api, customer, product):
    Product.objects.update(vat_group=group)
    shown = api.post(DRAFTS, wanted()).json()["draft"]
    assert (shown["lines"][0]["vatRate"], shown["lines"][0]["vat"]) == (rate, vat)
    assert (shown["totals"]["vat"], shown["totals"]["netWithoutVat"]) == (vat, "0.00")


def test_what_the_erp_does_not_show_keeps_nobody_from_ordering(api, customer, product):
    hidden = ("minimum_quantity", "multiple_quantity", "maximum_quantity", "is_orderable", "is_blocked")
    Product.objects.update(**dict.fromkeys(hidden))
    assert api.post(DRAFTS, wanted(line(quantity="7"))).status_code == 201
    Product.objects.update(is_blocked=True)
    assert "cannot be ordered" in str(api.post(DRAFTS, wanted(line(quantity="7"))).json()["detail"])


def test_an_order_has_one_currency(api, customer, product):
    ProductFactory(erp_id="X", vat_group="22")
    PriceFactory(product_erp_id="X", currency="CHF")
    answer = api.post(DRAFTS, wanted(line(), line("X")))
    assert (answer.status_code, "CHF" in answer.json()["detail"]["lines"]["1"]["product"][0]) == (400, True)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"customer": 81}, "customer"),
        ({"customer": "80"}, "customer"),
        ({"customer": 2**40}, "customer"),
        ({"customer": None}, "customer"),
        ({"lines": []}, "lines"),
        ({"lines": "all"}, "lines"),
        ({"lines": [line()] * 501}, "lines"),
        ({"discountPercent": "200"}, "discountPercent"),
        ({"notes": "x" * 5001}, "notes"),
        ({"notes": 5}, "notes"),
        ({"discount": "50"}, "discount"),
        ({"notes": "\0"}, "notes"),
        ({"sessionId": "5"}, "sessionId"),
    ],
)
def test_a_wrong_value_is_400_and_names_the_field(fields, field, api, customer, product):
    answer = api.post(DRAFTS, wanted() | fields)
    assert (answer.status_code, list(answer.json()["detail"])) == (400, [field])
    assert not Draft.objects.exists()


def test_a_removed_customer_is_refused(api, customer, product):
    customer.removed_at = timezone.now()
    customer.save()
    assert list(api.post(DRAFTS, wanted()).json()["detail"]) == ["customer"]


# Details

DETAILS = {
    "deliveryAddress": "Ambulatorio Verdi, Via Roma 1, Bari",
    "deliveryDate": "2026-12-24",
    "customerReference": "Rif. 12/B",
    "isGift": True,
    "isQuote": True,
}


def get_details(draft):
    return {name: draft[name] for name in DETAILS}


def test_details_are_kept_changed_and_printed(api, customer, product, client, agent):
    draft = api.post(DRAFTS, wanted(**DETAILS)).json()["draft"]
    assert get_details(draft) == DETAILS
    client.force_login(agent)
    paper = client.get(f"/drafts/{draft['id']}/print", headers={"accept-language": "it"}).content.decode()
    for text in (DETAILS["deliveryAddress"], "24/12/2026", "Rif. 12/B", "Preventivo", "Ordine omaggio"):
        assert text in paper
    changed = api.put(address(draft), wanted(version=1, **DETAILS | {"isQuote": False})).json()["draft"]
    assert get_details(changed) == DETAILS | {"isQuote": False}
    again = api.put(address(draft), wanted(version=2)).json()["draft"]
    assert list(get_details(again).values()) == ["", None, "", False, False]


@pytest.mark.parametrize(
    "wrong",
    [{"deliveryDate": "24/12/2026"}, {"isGift": "yes"}, {"deliveryAddress": "x" * 501}, {"customerReference": 3}],
)
def test_details_that_cannot_be_meant_are_refused_by_name(wrong, api, customer, product):
    answer = api.post(DRAFTS, wanted(**wrong))
    assert (answer.status_code, list(answer.json()["detail"])) == (400, list(wrong))


def test_delivery_addresses_are_those_of_the_customer_s_orders_the_last_used_first(api, customer):
    where = f"/api/customers/{customer.erp_id}/delivery-addresses"
    assert api.get(where).json()["deliveryAddresses"] == []
    used = [("Verdi", "Via Roma\n1", 3), ("Verdi", "Via Roma\n1", 9), ("", "Via Milano 2", 5), ("Rossi", "", 7)]
    for name, street, day in used:
        OrderFactory(
            account_number=customer.account_number,
            delivery_name=name,
            delivery_address=street,
            ordered_at=datetime(2026, 3, day, tzinfo=UTC),
        )
    OrderFactory(account_number="1", delivery_address="Via Altrui 3")
    assert api.get(where).json()["deliveryAddresses"] == ["Verdi, Via Roma 1", "Via Milano 2"]
    Order.objects.update(removed_at=timezone.now())
    assert api.get(where).json()["deliveryAddresses"] == []
    assert api.get("/api/customers/999/delivery-addresses").status_code == 404


def test_a_customer_without_an_account_has_no_delivery_addresses(api, db):
    OrderFactory(account_number="", delivery_address="Via Altrui 3")
    prospect = CustomerFactory(account_number="")
    assert api.get(f"/api/customers/{prospect.erp_id}/delivery-addresses").json()["deliveryAddresses"] == []


# Terms


@pytest.fixture
def shipping(settings):
    settings.SHIPPING_BELOW, settings.SHIPPING_AMOUNT, settings.SHIPPING_VAT_PERCENT = D("129.01"), D("15.5"), D(22)


def test_shipping_is_added_below_its_amount_and_kept_as_the_draft_was_saved(api, customer, product, shipping, settings):
    draft = api.post(DRAFTS, wanted()).json()["draft"]
    assert (draft["totals"]["net"], draft["totals"]["shipping"]) == ("129.00", "15.50")
    assert (draft["totals"]["vat"], draft["totals"]["gross"]) == ("31.79", "176.29")
    assert previewed(api, line())["totals"] == draft["totals"]
    settings.SHIPPING_BELOW = None
    assert api.get(address(draft)).json()["draft"]["totals"] == draft["totals"]
    again = api.put(address(draft), wanted(version=1)).json()["draft"]["totals"]
    assert (again["shipping"], again["gross"]) == ("0.00", "157.38")


def test_no_shipping_from_its_amount_on_nor_without_lines_nor_in_another_currency(api, customer, product, shipping):
    assert previewed(api, line(quantity="15"))["totals"]["shipping"] == "0.00"
    assert previewed(api)["totals"]["gross"] == "0.00"
    Price.objects.update(currency="CHF")
    assert previewed(api, line())["totals"]["shipping"] == "0.00"


@pytest.mark.parametrize(("limit", "needs"), [(None, False), (D("14.5"), False), (D("14.49"), True)])
def test_discounts_above_the_limit_need_approval(limit, needs, api, customer, product, settings):
    settings.APPROVAL_ABOVE_PERCENT = limit
    discounted = wanted(line(discountPercent="10"), discountPercent="5")
    saved = api.post(DRAFTS, discounted).json()["draft"]
    assert (saved["totals"]["discountPercent"], saved["needsApproval"]) == ("14.5", needs)
    assert previewed(api, *discounted["lines"], discountPercent="5")["needsApproval"] is needs


def test_paper_shows_shipping_and_what_needs_approval(api, customer, product, shipping, settings, client, agent):
    settings.APPROVAL_ABOVE_PERCENT = D(30)
    draft = api.post(DRAFTS, wanted(line(discountPercent="40"))).json()["draft"]
    client.force_login(agent)
    paper = client.get(f"/drafts/{draft['id']}/print", headers={"accept-language": "en"}).content.decode()
    assert "Needs approval: the discounts come to 40%, above 30%." in paper
    assert '<dt>Shipping</dt><dd class="amount">€15.50</dd>' in paper


# Previews


def previewed(api, *lines, **fields):
    answer = api.post(f"{DRAFTS}/preview", {"customer": 80, "lines": list(lines)} | fields)
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    return answer.json()["draft"]


def test_a_preview_saves_nothing(api, customer, product):
    assert previewed(api, line())["totals"]["gross"] == "157.38"
    assert not Draft.objects.exists()


def test_a_preview_of_what_is_right_says_what_a_save_would(api, customer, product):
    order = wanted(line(discountPercent="10"), line(quantity="5"), discountPercent="5")
    preview = previewed(api, **order)
    saved = api.post(DRAFTS, order).json()["draft"]
    assert (preview["complete"], preview["currency"], preview["customer"]) == (True, "EUR", saved["customer"])
    assert preview["totals"] == saved["totals"]
    for shown, kept in zip(preview["lines"], saved["lines"], strict=True):
        only_now = {"isNetPrice": None, "priceAudience": "group", "warning": None, "last": None, "priceChange": None}
        assert shown == kept | {"problem": None, "nearestQuantities": [kept["quantity"]]} | only_now


def test_a_preview_shows_every_line_and_adds_up_those_without_a_problem(api, customer, product):
    preview = previewed(api, line(quantity="7", discountPercent="10"), line(), line("unknown"))
    wrong, right, unknown = preview["lines"]
    assert wrong == {
        "product": right["product"],
        "quantity": "7",
        "discountPercent": "10",
        **dict.fromkeys(("unitPrice", "priceUnit", "isNetPrice", "priceAudience", "vatRate")),
        **dict.fromkeys(("goods", "net", "vat", "gross", "warning", "last", "priceChange")),
        "nearestQuantities": ["5", "10"],
        "problem": {"field": "quantity", "text": "You can order: 5 or 10."},
    }
    assert (right["gross"], right["nearestQuantities"], right["problem"]) == ("157.38", ["10"], None)
    assert (unknown["product"], unknown["quantity"], unknown["nearestQuantities"]) == (None, "10", [])
    assert unknown["problem"] == {"field": "product", "text": "There is no product unknown."}
    assert (preview["totals"]["gross"], preview["complete"]) == ("157.38", False)


@pytest.mark.parametrize(
    "change",
    [
        {"is_blocked": True},
        {"removed_at": timezone.now()},
        {"maximum_quantity": 5},
        {"multiple_quantity": 4},
    ],
)
def test_a_preview_names_a_problem_as_a_refused_save_does(change, api, customer, product):
    Product.objects.update(**change)
    [shown] = previewed(api, line())["lines"]
    errors = api.post(DRAFTS, wanted()).json()["detail"]["lines"]["0"]
    assert {shown["problem"]["field"]: [shown["problem"]["text"]]} == errors


def test_a_maximum_that_was_counted_in_packs_keeps_nobody_from_ordering(api, customer, product):
    Product.objects.update(minimum_quantity=100, multiple_quantity=100, maximum_quantity=1)
    [found] = api.get("/api/products?name=9801.314.016").json()["results"]
    assert found["orderQuantities"] == {
        "least": "100",
        "step": "100",
        "most": None,
        "usual": "100",
        "ignoredMaximum": "1",
    }
    [shown] = previewed(api, line(quantity="150"))["lines"]
    assert (shown["problem"]["field"], shown["nearestQuantities"]) == ("quantity", ["100", "200"])
    assert api.post(DRAFTS, wanted(line(quantity="200"))).status_code == 201


def test_a_preview_tells_the_line_whose_currency_is_another(api, customer, product):
    ProductFactory(erp_id="X", vat_group="22")
    PriceFactory(product_erp_id="X", currency="CHF")
    preview = previewed(api, line(), line("X"))
    assert (preview["currency"], preview["totals"]["gross"]) == ("EUR", "157.38")
    assert [each["problem"] and each["problem"]["field"] for each in preview["lines"]] == [None, "product"]


@pytest.mark.parametrize(
    ("is_net", "discount", "order_discount", "warns"),
    [(True, "10", "0", True), (True, "0", "5", True), (True, "0", "0", False), (False, "10", "5", False)],
)
def test_a_preview_warns_of_a_discount_on_a_net_price_which_can_be_ordered(
    is_net, discount, order_discount, warns, api, customer, product
):
    Price.objects.update(is_net_price=is_net)
    order = wanted(line(discountPercent=discount), discountPercent=order_discount)
    preview = previewed(api, **order)
    [shown] = preview["lines"]
    assert (shown["isNetPrice"], bool(shown["warning"]), preview["complete"]) == (is_net, warns, True)
    assert api.post(DRAFTS, order).status_code == 201


def test_a_preview_says_whom_a_price_is_for(api, customer, product):
    general = previewed(api, line())["lines"][0]
    PriceFactory(product_erp_id="001627K2", account_code="Table", account="1002239", unit_price=Decimal("9.00"))
    own = previewed(api, line())["lines"][0]
    assert (general["priceAudience"], own["priceAudience"], own["isNetPrice"]) == ("group", "customer", None)
    unknown = previewed(api, line("unknown"))["lines"][0]
    assert (unknown["priceAudience"], unknown["isNetPrice"], unknown["warning"]) == (None, None, None)


@pytest.mark.parametrize("nobody", [{"customer": None}, {}])
def test_a_preview_without_a_customer_has_the_prices_of_all(nobody, api, customer, product):
    PriceFactory(product_erp_id="001627K2", account="1002239", account_code="Table", unit_price=Decimal("9.50"))
    said = api.post(f"{DRAFTS}/preview", {"lines": [line()]} | nobody).json()["draft"]
    assert (said["customer"], said["lines"][0]["unitPrice"], said["complete"]) == (None, "12.90", False)
    assert previewed(api, line())["lines"][0]["unitPrice"] == "9.50"


def test_a_preview_without_lines_comes_to_nothing(api, customer):
    preview = previewed(api)
    assert (preview["lines"], preview["currency"], preview["complete"]) == ([], "", False)
    assert (preview["totals"]["gross"], preview["totals"]["vatByRate"]) == ("0.00", [])


def test_a_preview_whose_lines_all_have_problems_has_no_currency(api, customer, product):
    preview = previewed(api, line(quantity="7"))
    assert (preview["currency"], preview["totals"]["goods"]) == ("", "0.00")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"customer": 81}, "customer"),
        ({"customer": "80"}, "customer"),
        ({"lines": None}, "lines"),
        ({"lines": [line()] * 501}, "lines"),
        ({"lines": [line(quantity="many")]}, "lines"),
        ({"lines": [line(discountPercent="200")]}, "lines"),
        ({"lines": [line(unitPrice="0.01")]}, "lines"),
        ({"discountPercent": "200"}, "discountPercent"),
        ({"discount": "50"}, "discount"),
    ],
)
def test_what_a_preview_cannot_read_is_400_and_names_the_field(fields, field, api, customer, product):
    answer = api.post(f"{DRAFTS}/preview", wanted() | fields)
    assert (answer.status_code, list(answer.json()["detail"])) == (400, [field])


# Changing


def test_a_change_is_saved_whole_and_rises_the_version(api, draft, customer, product):
    CustomerFactory(erp_id=81, name="Another")
    answer = api.put(address(draft), wanted(line(quantity="5"), line(quantity="20"), customer=81, version=1))
    said = answer.json()["draft"]
    assert (answer.status_code, said["version"], said["customer"]["name"], said["notes"]) == (200, 2, "Another", "")
    assert [each["quantity"] for each in said["lines"]] == ["5", "20"]
    assert DraftLine.objects.count() == 2


def test_a_stale_change_is_409_shows_what_is_there_and_loses_nothing(api, draft):
    api.put(address(draft), wanted(line(quantity="15"), version=1))
    answer = api.put(address(draft), wanted(line(quantity="5"), version=1))
    said = answer.json()
    assert (answer.status_code, said["success"], said["code"]) == (409, False, "stale")
    assert (said["detail"]["draft"]["version"], said["detail"]["draft"]["lines"][0]["quantity"]) == (2, "15")
    assert api.get(address(draft)).json()["draft"] == said["detail"]["draft"]


def test_a_change_names_the_version_it_is_based_on(api, draft):
    answer = api.put(address(draft), wanted())
    assert (answer.status_code, list(answer.json()["detail"])) == (400, ["version"])


def test_a_change_that_is_refused_changes_nothing(api, draft):
    before = api.get(address(draft)).json()
    assert api.put(address(draft), wanted(line(quantity="7"), version=1)).status_code == 400
    assert api.get(address(draft)).json() == before


def test_a_deleted_draft_can_be_brought_back(api, draft):
    assert api.delete(address(draft)).status_code == 204
    assert (api.get(address(draft)).status_code, api.get(DRAFTS).json()["count"]) == (404, 0)
    assert api.put(address(draft), wanted(version=1)).status_code == 404
    answer = api.post(f"{address(draft)}/restore")
    assert (answer.status_code, answer.json()["draft"]) == (200, draft)
    assert api.get(DRAFTS).json()["count"] == 1


# Whose they are


def test_another_agent_s_draft_is_404(draft, colleague):
    other = signed_in(colleague)
    assert other.get(DRAFTS).json()["results"] == []
    answers = [
        other.get(address(draft)),
        other.put(address(draft), wanted(version=1)),
        other.delete(address(draft)),
        other.post(f"{address(draft)}/restore"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert Draft.objects.get().version == 1


# Saving again


def test_a_save_that_is_sent_again_makes_one_draft(api, customer, product):
    key = {"idempotency-key": "a key of the page's own"}
    first, second = (api.post(DRAFTS, wanted(), headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["draft"] == second.json()["draft"]
    assert ("Idempotent-Replayed" in first, second["Idempotent-Replayed"]) == (False, "true")
    assert (Draft.objects.count(), second.json()["draftCount"]) == (1, 1)


def test_it_is_found_again_even_when_it_could_not_be_saved_any_more(api, customer, product):
    key = {"idempotency-key": "k"}
    first = api.post(DRAFTS, wanted(), headers=key).json()
    Price.objects.all().delete()
    assert api.post(DRAFTS, wanted(), headers=key).json()["draft"] == first["draft"]


def test_a_key_that_made_another_draft_is_409(api, customer, product):
    key = {"idempotency-key": "k"}
    api.post(DRAFTS, wanted(), headers=key)
    answer = api.post(DRAFTS, wanted(line(quantity="15")), headers=key)
    assert (answer.status_code, answer.json()["code"], Draft.objects.count()) == (409, "idempotency_key_reused", 1)


def test_who_changed_an_order_whose_first_answer_was_lost_can_save_it_as_the_same_draft(api, customer, product):
    key = {"idempotency-key": "k"}
    api.post(DRAFTS, wanted(), headers=key)
    changed = wanted(line(quantity="15"))
    made = api.post(DRAFTS, changed, headers=key).json()["detail"]["draft"]
    assert made == api.get(address(made)).json()["draft"]
    saved = api.put(address(made), changed | {"version": made["version"]})
    assert (saved.status_code, saved.json()["draft"]["lines"][0]["quantity"]) == (200, "15")
    assert saved.json()["draftCount"] == 1


@pytest.mark.parametrize("quantity", ["10", "15"])
def test_a_key_whose_draft_was_deleted_is_409_and_shows_none(quantity, api, customer, product):
    key = {"idempotency-key": "k"}
    api.delete(address(api.post(DRAFTS, wanted(), headers=key).json()["draft"]))
    said = api.post(DRAFTS, wanted(line(quantity=quantity)), headers=key).json()
    assert (said["code"], said["detail"], api.get(DRAFTS).json()["count"]) == ("idempotency_key_reused", {}, 0)


def test_a_refused_save_uses_no_key_up(api, customer, product):
    key = {"idempotency-key": "k"}
    assert api.post(DRAFTS, wanted(line(quantity="7")), headers=key).status_code == 400
    assert api.post(DRAFTS, wanted(), headers=key).status_code == 201


def test_two_agents_may_use_the_same_key(api, colleague, customer, product):
    for client in (api, signed_in(colleague)):
        assert client.post(DRAFTS, wanted(), headers={"idempotency-key": "k"}).status_code == 201
    assert Draft.objects.count() == 2


def test_a_key_that_is_too_long_is_400(api, customer, product):
    answer = api.post(DRAFTS, wanted(), headers={"idempotency-key": "k" * 256})
    assert (answer.status_code, list(answer.json()["detail"])) == (400, ["Idempotency-Key"])


@pytest.mark.django_db(transaction=True)
def test_the_same_save_ten_times_at_once_makes_one_draft(agent, customer, product):
    key = {"idempotency-key": "k"}
    answers = at_once(*[lambda: signed_in(agent).post(DRAFTS, wanted(), headers=key)] * 10)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["draft"]["id"] for answer in answers}) == 1
    assert (Draft.objects.count(), DraftLine.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_ten_changes_at_once_one_is_saved_and_nine_are_told(agent, api, draft):
    quantities = [str(5 * number) for number in range(1, 11)]
    answers = at_once(
        *[
            lambda quantity=quantity: signed_in(agent).put(address(draft), wanted(line(quantity=quantity), version=1))
            for quantity in quantities
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    [saved] = [answer.json()["draft"] for answer in answers if answer.status_code == 200]
    assert api.get(address(draft)).json()["draft"] == saved


@pytest.mark.django_db(transaction=True)
def test_a_save_answers_with_itself_though_another_one_follows_at_once(agent, api, draft, monkeypatch):
    """Answered with the other one's version, the next save would overwrite what it has not seen."""
    read = drafts.load_draft
    others = []

    def saved_by_another_tab():
        change = wanted(line(quantity="20"), version=2)
        while signed_in(agent).put(address(draft), change).status_code != 200:
            time.sleep(0.01)

    def and_another_one(saved):
        monkeypatch.setattr(drafts, "load_draft", read)
        others.append(Thread(target=at_once, args=[saved_by_another_tab]))
        others[0].start()
        if not connection.in_atomic_block:  # nothing keeps it from coming in between
            others[0].join()
        return read(saved)

    monkeypatch.setattr(drafts, "load_draft", and_another_one)
    said = api.put(address(draft), wanted(line(quantity="15"), version=1)).json()["draft"]
    others[0].join()
    assert (said["version"], said["lines"][0]["quantity"]) == (2, "15")
    assert api.get(address(draft)).json()["draft"]["version"] == 3


def test_a_change_that_comes_after_the_deletion_is_404(api, draft, monkeypatch):
    shown = Draft.objects.get()
    api.delete(address(draft))
    monkeypatch.setattr("orders.api.drafts.DraftViewSet.get_object", lambda *_: shown)
    assert api.put(address(draft), wanted(version=1)).status_code == 404


# The order form


def test_a_save_keeps_its_order_form_open(api, agent, customer, product):
    session = sessions.open_session(agent)
    expires_at = session.expires_at
    api.post(DRAFTS, wanted(sessionId=str(session.pk)))
    session.refresh_from_db()
    assert session.expires_at > expires_at


def test_a_save_opens_no_order_form_that_was_left_or_never_there(api, agent, customer, product):
    left = sessions.open_session(agent)
    sessions.close_session(left)
    for number in (left.pk, uuid.uuid4()):
        assert api.post(DRAFTS, wanted(sessionId=str(number))).status_code == 201
    assert not OrderFormSession.objects.live().exists()


def test_a_save_in_a_form_that_ended_by_itself_opens_it_again(api, agent, customer, product):
    session = sessions.open_session(agent)
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        sessions.record_expired_sessions()
        assert api.post(DRAFTS, wanted(sessionId=str(session.pk))).status_code == 201
        assert OrderFormSession.objects.live().get() == session


def test_a_save_for_another_agent_s_order_form_is_404_and_saves_nothing(api, colleague, customer, product):
    session = sessions.open_session(colleague)
    answer = api.post(DRAFTS, wanted(sessionId=str(session.pk)))
    assert (answer.status_code, Draft.objects.count()) == (404, 0)
    assert OrderFormSession.objects.count() == 1


# What it costs


def queries(call):
    with CaptureQueriesContext(connection) as captured:
        assert call().status_code < 300
    return len(captured)


def test_a_page_of_drafts_takes_three_queries_however_many_lines_they_have(api, customer, product):
    for lines in (1, 10):
        for _ in range(5):
            api.post(DRAFTS, wanted(*[line()] * lines))
        assert queries(lambda: api.get(DRAFTS)) == 3


def test_a_save_takes_as_many_queries_for_fifty_lines_as_for_one(api, customer, product):
    api.post(DRAFTS, wanted(line()))  # the first one in an hour notes the customer
    one, fifty = (queries(lambda lines=lines: api.post(DRAFTS, wanted(*[line()] * lines))) for lines in (1, 50))
    assert one == fifty


def test_a_preview_takes_six_queries_however_many_lines_it_has_and_whatever_is_wrong(api, customer, product):
    for lines in (1, 50):
        order = wanted(*[line(), line(quantity="7"), line("unknown")] * lines)
        assert queries(lambda order=order: api.post(f"{DRAFTS}/preview", order)) == 6


@pytest.mark.parametrize(("a_day", "noted"), [(30, True), (0, False)])
def test_a_save_notes_the_customer_whose_order_lines_are_asked_for_and_a_preview_writes_nothing(
    api, customer, product, settings, a_day, noted
):
    settings.ORDER_LINES_A_DAY = a_day
    api.post(f"{DRAFTS}/preview", wanted())
    assert not LookedAtCustomer.objects.exists()
    saved = api.post(DRAFTS, wanted()).json()["draft"]
    assert LookedAtCustomer.objects.filter(customer=customer).exists() == noted
    LookedAtCustomer.objects.all().delete()
    assert api.put(address(saved), wanted(version=1)).status_code == 200
    assert LookedAtCustomer.objects.filter(customer=customer).exists() == noted


# What became of it


def test_a_draft_is_found_confirmed_and_rejected_by_its_owner_alone(api, colleague, draft):
    assert (draft["state"], draft["order"], draft["difference"]) == ("open", None, None)
    order = OrderFactory(account_number="1002239", ordered_at=timezone.now(), total_amount=D("130.00"), number="ORD/1")
    [offered] = api.get(f"{address(draft)}/orders").json()["orders"]
    assert (offered["order"]["number"], offered["fits"], offered["difference"]) == ("ORD/1", False, "1.00")
    given = {"version": 1, "order": order.erp_id}
    assert signed_in(colleague).post(f"{address(draft)}/confirm", given).status_code == 404
    found = api.post(f"{address(draft)}/confirm", given).json()["draft"]
    said = (found["state"], found["order"]["number"], found["isConfirmed"], found["version"])
    assert said == ("found", "ORD/1", True, 2)
    undone = api.post(f"{address(draft)}/reject", {"version": 2, "order": order.erp_id}).json()["draft"]
    assert (undone["state"], undone["order"], undone["version"]) == ("open", None, 3)


def test_a_settled_draft_is_not_changed_and_one_handed_over_is_open_again(api, draft):
    handed_over = api.post(f"{address(draft)}/hand-over", {"version": 1, "how": "copied"}).json()["draft"]
    assert (handed_over["state"], handed_over["handedOverHow"]) == ("handed_over", "copied")
    changed = api.put(address(draft), wanted(version=2)).json()["draft"]
    assert (changed["state"], changed["handedOverAt"]) == ("open", None)
    assert api.post(f"{address(draft)}/close", {"version": 3}).json()["draft"]["state"] == "closed"
    for answer in (
        api.put(address(draft), wanted(version=4)),
        api.post(f"{address(draft)}/hand-over", {"version": 4, "how": "copied"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "settled")
        assert answer.json()["detail"]["draft"]["state"] == "closed"
    assert api.post(f"{address(draft)}/reopen", {"version": 4}).json()["draft"]["state"] == "open"


def test_what_is_done_to_another_version_or_with_another_s_order_is_refused(api, draft):
    stale = api.post(f"{address(draft)}/close", {"version": 9})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")
    assert api.post(f"{address(draft)}/confirm", {"version": 1, "order": 99}).status_code == 404
    order = OrderFactory(account_number="1002239", ordered_at=timezone.now())
    second = api.post(DRAFTS, wanted()).json()["draft"]
    given = {"version": 1, "order": order.erp_id}
    assert api.post(f"{address(draft)}/confirm", given).status_code == 200
    taken = api.post(f"{address(second)}/confirm", given)
    assert (taken.status_code, taken.json()["code"]) == (409, "order_taken")


def test_saving_counts_the_drafts_in_hand(api, draft):
    api.post(f"{address(draft)}/close", {"version": 1})
    assert api.post(DRAFTS, wanted()).json()["draftCount"] == 1


def test_a_line_keeps_whose_price_it_was_and_whether_it_was_net(api, customer, product):
    PriceFactory(
        product_erp_id="001627K2", account="1002239", account_code="Table", unit_price=D("9.50"), is_net_price=True
    )
    [line] = api.post(DRAFTS, wanted()).json()["draft"]["lines"]
    assert (line["isNetPrice"], line["priceAudience"]) == (True, "customer")
