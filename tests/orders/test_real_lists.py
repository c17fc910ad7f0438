"""Products and prices as the real ERP's exports have them: what they make of the mirror, and what is said of it."""

from decimal import Decimal

import pytest

from orders.models import Price, Product
from sync.coordinator import runner
from sync.coordinator.queue import request_sync
from sync.mirror.columns import find_hidden_columns
from sync.models import MirroredColumn, SyncRun
from sync.service import get_service
from tests.sync.drawing import draw_list

pytestmark = pytest.mark.django_db

SHOWN_BY_A_FRESH_SESSION = (
    *("erp_id", "name", "description", "group", "", "pack_pieces", "search_name", "price_unit", "product_group"),
    *("group_description", "minimum_quantity", "multiple_quantity", "maximum_quantity", "figure", "data_area"),
    *("record_id", "erp_modified_at", "is_blocked"),
)
HIDDEN = [
    column.field for column in get_service("products").layout.columns if column.field not in SHOWN_BY_A_FRESH_SESSION
]


@pytest.fixture
def mirrored(tmp_path):
    """Mirrors a list from an export of these rows, given as texts by field."""

    def sync(sync_type, *rows, **options):
        path = draw_list(tmp_path / f"{sync_type}.pdf", get_service(sync_type), rows, **options)
        run = request_sync(sync_type, mode="full", trigger=SyncRun.Trigger.MANUAL, given_file=path)
        runner.wait_for(run)
        assert run.status == SyncRun.Status.SUCCEEDED, run.error_text
        return run

    return sync


def product(**cells):
    return {"erp_id": "001627K2", "name": "9801.314.016", "description": "FRESA TC", **cells}


def price(**cells):
    return {
        "erp_id": "5.637.100",
        "account_code": "Group",
        "account": "002",
        "account_description": "DETTAGLIO (consigliato)",
        "product_erp_id": "001627K2",
        "valid_from": "01/01/2025",
        "valid_to": "31/12/2154",
        "quantity_from": "1",
        "quantity_to": "100.000.000",
        "price_unit": "0",
        "unit_price": "10,45 €",
        "currency": "EUR",
        "is_net_price": "No",
        **cells,
    }


# Columns that the ERP hides


def test_eighteen_columns_are_enough_to_mirror_products(mirrored):
    run = mirrored("products", product(minimum_quantity="5", is_blocked="Unchecked"), hidden=HIDDEN)
    found = Product.objects.get()
    assert (found.name, found.minimum_quantity, found.is_blocked) == ("9801.314.016", Decimal(5), False)
    assert (found.is_orderable, found.vat_group, found.pack) == (None, "", "")
    [note] = [note for note in run.notes if note.startswith("Columns that are not in the export")]
    assert "ID ELEMENTO IVAID" in note
    assert "ARTICOLO ORDINABILE:" in note


def test_a_hidden_column_keeps_its_values_and_is_known_as_of_then(mirrored):
    first = mirrored("products", product(vat_group="5", is_orderable="Si", pack="K2"))
    assert find_hidden_columns(get_service("products")) == []
    mirrored("products", product(description="FRESA TUNGSTENO"), hidden=HIDDEN)
    found = Product.objects.get()
    assert (found.description, found.pack, found.is_orderable) == ("FRESA TUNGSTENO", "K2", True)
    assert found.vat_rate == 22
    hidden = {each.column.field: each.last_seen_at for each in find_hidden_columns(get_service("products"))}
    assert hidden == dict.fromkeys(HIDDEN, first.exported_at)


def test_a_column_that_is_shown_again_is_hidden_no_more(mirrored):
    mirrored("products", product(), hidden=HIDDEN)
    assert {each.last_seen_at for each in find_hidden_columns(get_service("products"))} == {None}
    mirrored("products", product())
    assert find_hidden_columns(get_service("products")) == []


def test_what_is_seen_for_the_first_time_is_noted_once_and_only_if_its_form_was_assumed(mirrored):
    mirrored("products", product(minimum_quantity="five"), hidden=["vat_group"])
    first = mirrored("products", product(minimum_quantity="5"), hidden=["vat_group"])
    second = mirrored("products", product(vat_group="5"))
    third = mirrored("products", product(vat_group="5"))
    (said,) = [
        note
        for note in first.notes
        if note.startswith("Columns seen in an export for the first time, in the assumed form: ")
    ]
    assert said.removeprefix("Columns seen in an export for the first time, in the assumed form: ").startswith(
        "QTÀ MINIMA. Please"
    )
    assert [note for note in second.notes if "Columns seen in an export for the first time" in note] == [
        "Columns seen in an export for the first time, in the assumed form: ID ELEMENTO IVAID. "
        "Please tell the maintainer of this software."
    ]
    assert not [note for note in third.notes if "Columns seen in an export for the first time" in note]
    customers = mirrored("customers", {"erp_id": "1", "account_number": "1", "name": "Studio 1"})
    assert not [note for note in customers.notes if "Columns seen in an export for the first time" in note]


def test_a_run_that_fails_has_shown_nothing(mirrored, tmp_path):
    mirrored("products", product(), hidden=HIDDEN)
    path = draw_list(tmp_path / "again.pdf", get_service("products"), [product(), product()])
    run = request_sync("products", mode="full", trigger=SyncRun.Trigger.MANUAL, given_file=path)
    runner.wait_for(run)
    assert run.status == SyncRun.Status.FAILED
    assert not MirroredColumn.objects.filter(field="vat_group").exists()


def test_products_without_a_vat_are_counted_apart_from_those_with_an_unknown_one(mirrored):
    run = mirrored("products", product(), product(erp_id="001628K2", vat_group="9"))
    assert "Products for which the ERP did not show the VAT: 1." in run.notes
    assert any(note.endswith("with its number of products: “9” (1).") for note in run.notes)


def test_a_value_that_cannot_be_read_can_be_hidden_unless_no_record_is_without_it(mirrored):
    with pytest.raises(AssertionError, match=r"column DA DATA: 'now' is not a date .* or hide this column in the"):
        mirrored("prices", price(valid_from="now"))
    with pytest.raises(
        AssertionError, match=r"IMPORTO UNITARIO: 'n/a' is not a number\. Correct it in the ERP, then exp"
    ):
        mirrored("prices", price(unit_price="n/a"))


def test_values_whose_form_was_only_assumed_stop_nothing(mirrored):
    odd = {"erp_modified_at": "March 3", "is_orderable": "forse", "minimum_quantity": "five"}
    run = mirrored("products", product(**odd), product(erp_id="001628K3", is_orderable="Si"))
    first, second = (Product.objects.get(erp_id=erp_id) for erp_id in ("001627K2", "001628K3"))
    assert (first.erp_modified_at, first.is_orderable, first.minimum_quantity) == (None, None, None)
    assert second.is_orderable is True
    assert (
        "ARTICOLO ORDINABILE: values that could not be read count as unknown (1, such as “forse”): the format of this "
        "column is only assumed." in run.notes
    )


def test_the_modification_time_decides_nothing(mirrored):
    same = {"erp_modified_at": "03/03/2026 02:00:00"}
    mirrored("products", product(**same), product(erp_id="001628K3", **same))
    older = {"erp_modified_at": "01/01/2020 02:00:00"}
    run = mirrored("products", product(description="FRESA TUNGSTENO", **same), product(erp_id="001628K3", **older))
    assert (run.updated, run.unchanged, run.missing) == (2, 0, 0)
    assert Product.objects.get(erp_id="001627K2").description == "FRESA TUNGSTENO"


# VAT


def test_a_vat_key_that_is_not_known_is_named_with_its_products(mirrored):
    rows = [product(erp_id=f"{number}K2", vat_group=group) for number, group in enumerate("557710", start=100000)]
    run = mirrored("products", *rows)
    said = "Unknown values of ID ELEMENTO IVAID, for which the VAT is not known, each with its number of products: "
    assert [note for note in run.notes if note.startswith("Unknown values")] == [f"{said}“7” (2)."]
    found = [Product.objects.get(erp_id=row["erp_id"]).vat_rate for row in rows]
    assert found == [22, 22, None, None, 4, 0]


# Prices


def test_a_price_as_the_real_list_has_it(mirrored):
    mirrored("prices", price())
    found = Price.objects.get()
    assert (found.audience, found.account, found.unit_price) == (Price.Audience.GROUP, "002", Decimal("10.45"))
    assert (found.quantity_to, found.price_unit) == (Decimal(100_000_000), Decimal(0))
    assert found.is_net_price is False


def test_ids_may_have_as_many_digits_as_dynamics_ax_gives_them(mirrored):
    mirrored("prices", price(erp_id="5.637.144.576"))
    mirrored("products", product(record_id="5.637.144.577"))
    assert Price.objects.get(erp_id=5_637_144_576).account == "002"
    assert Product.objects.get(record_id=5_637_144_577).name == "9801.314.016"


def test_prices_that_are_nobody_s_are_noted(mirrored):
    run = mirrored(
        "prices",
        price(),
        price(erp_id="2", account=""),
        price(erp_id="3", account=""),
        price(erp_id="4", account_code="Sonstige"),
    )
    assert [note for note in run.notes if "nobody" in note] == [
        "Prices of a price group without a name, which apply to nobody: 2.",
        "Unknown values of CODICE CONTO, whose prices apply to nobody: “Sonstige” (1).",
    ]


def test_prices_that_say_no_amount_or_no_currency_are_counted(mirrored):
    rows = [price(), price(erp_id="2", unit_price=""), price(erp_id="3", currency="")]
    assert "Prices without an amount or a currency, which apply to nobody: 2." in mirrored("prices", *rows).notes


def test_the_run_that_brings_a_second_price_group_says_that_one_must_be_chosen(mirrored):
    run = mirrored("prices", price(), price(erp_id="2", account="003", account_description=""))
    assert (
        "No group prices apply until PRICE_GROUP is set to one of these groups: 002 (DETTAGLIO (consigliato)), 003."
        in run.notes
    )
