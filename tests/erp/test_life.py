"""Things happen in the demo ERP, one at a time, and are not forgotten."""

import hashlib
import json
from collections import Counter
from contextlib import suppress
from datetime import datetime, time, timedelta
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest

from demo.erp.erp import DemoErp
from demo.erp.life import HAPPENINGS, NoSuchAccount, NothingLeft, OtherJournal
from demo.erp.lists import LISTS
from tests.erp.conftest import SMALL, TODAY

NOON = datetime.combine(TODAY + timedelta(days=1), time(12, 0, 5))


def moments(erp: DemoErp) -> dict[str, list[Any]]:
    return {demo_list.sync_type: list(erp.find_records(demo_list.name)) for demo_list in LISTS}


def differences(erp: DemoErp, what: str) -> dict[str, tuple[list[Any], list[Any]]]:
    """What an event takes away and brings, list by list."""
    before = moments(erp)
    erp.happen(what, at=NOON)
    after = moments(erp)
    found = {
        name: ([r for r in before[name] if r not in after[name]], [r for r in after[name] if r not in before[name]])
        for name in before
    }
    return {name: changes for name, changes in found.items() if any(changes)}


def test_a_new_customer_comes(erp):
    assert differences(erp, "new-customer") == {"customers": ([], [list(erp.find_records("customers"))[-1]])}


def test_a_customer_changes_and_keeps_its_id(erp):
    [before], [after] = differences(erp, "changed-customer")["customers"]
    assert before.id == after.id


def test_a_new_order_is_pending_and_counted_by_its_customer(erp):
    changes = differences(erp, "new-order")
    assert set(changes) == {"orders", "customers"}
    [order] = changes["orders"][1]
    [before], [after] = changes["customers"]
    assert (order.number, order.sales_state, order.created_at) == ("", "Ordine aperto", NOON)
    assert order.account == after.account
    assert (after.orders_this_year, after.last_order) == (before.orders_this_year + 1, NOON.date())


def test_an_order_that_is_entered_is_the_customer_s_with_its_amount_and_not_forgotten(tmp_path):
    erp = DemoErp(scale=SMALL, today=TODAY, state=tmp_path / "journal")
    account = next(customer.account for customer in erp.find_records("customers") if customer.account)
    erp.enter_order(account, Decimal("122.50"), at=NOON)
    with pytest.raises(NoSuchAccount):
        erp.enter_order("nobody's", Decimal(1), at=NOON)
    again = DemoErp(scale=SMALL, today=TODAY, state=tmp_path / "journal")
    for each in (erp, again):
        order = next(each.find_records("orders"))
        assert (order.account, order.gross, order.net) == (account, Decimal("122.50"), Decimal("122.50"))
    assert moments(erp) == moments(again)


def test_a_new_order_stands_on_top(erp):
    erp.happen("new-order", at=NOON)
    first, second, *_ = erp.find_records("orders")
    assert first.created_at == NOON
    assert first.id > second.id


def test_an_order_goes_through_its_states_with_its_documents():
    erp = DemoErp(scale=0.01, today=TODAY)
    orders, documents = [], {}
    while True:
        changes = differences(erp, "next-state")
        [order] = changes.pop("orders")[1]
        orders.append(order)
        for name, (gone, [document]) in changes.items():
            assert not gone
            assert document.order_number == order.number
            documents[order.id, order.sales_state] = name
        if order.sales_state == "Fatturato" and len([each for each in orders if each.id == order.id]) == 3:
            break
    numbered, delivered, invoiced = [each for each in orders if each.id == order.id]
    assert numbered.number == delivered.number == invoiced.number != ""
    assert [each.sales_state for each in (numbered, delivered, invoiced)] == [
        "Ordine aperto",
        "Consegnato",
        "Fatturato",
    ]
    assert documents[invoiced.id, "Consegnato"] == "ddt"
    assert documents[invoiced.id, "Fatturato"] == "invoices"


def test_in_the_end_every_order_is_invoiced():
    erp = DemoErp(scale=0.01, today=TODAY)
    with suppress(NothingLeft):
        while True:
            erp.happen("next-state", at=NOON)
    assert {order.sales_state for order in erp.find_records("orders")} == {"Fatturato"}


def test_a_price_changes(erp):
    [before], [after] = differences(erp, "changed-price")["prices"]
    assert before.id == after.id
    assert before.unit_price != after.unit_price


def test_a_product_changes_and_says_when(erp):
    [before], [after] = differences(erp, "changed-product")["products"]
    assert before.id == after.id
    assert after.modified_at == NOON


def test_an_export_shows_one_moment(erp):
    shown = erp.find_records("orders")
    first = next(shown)
    erp.happen("new-order")
    assert len([first, *shown]) == erp.count_records("orders") - 1


def test_it_may_happen_while_exports_are_written(erp, tmp_path):
    def live():
        for _ in range(40):
            erp.happen()

    threads = [Thread(target=live) for _ in range(3)]
    for thread in threads:
        thread.start()
    written = [erp.write_export("orders", tmp_path / "export.pdf") for _ in range(5)]
    for thread in threads:
        thread.join()
    assert erp.events == 120
    assert all(export.records <= erp.count_records("orders") for export in written)


def digest(erp: DemoErp, path) -> str:
    for demo_list in LISTS:
        erp.write_export(demo_list.name, path / demo_list.name)
    return hashlib.sha256(b"".join((path / each.name).read_bytes() for each in LISTS)).hexdigest()


def test_a_restart_remembers_what_happened(tmp_path):
    state = tmp_path / "state.jsonl"
    erp = DemoErp(scale=0.03, today=TODAY, state=state)
    for what in (*HAPPENINGS, *HAPPENINGS, "", ""):
        erp.happen(what)
    again = DemoErp(scale=0.03, state=state)  # on another day
    assert again.today == TODAY
    assert again.events == erp.events == 2 * len(HAPPENINGS) + 2
    assert digest(again, tmp_path) == digest(erp, tmp_path)


def test_an_event_that_a_crash_cut_short_never_happened(tmp_path):
    state = tmp_path / "state.jsonl"
    DemoErp(scale=SMALL, today=TODAY, state=state).happen("new-order")
    with state.open("a") as journal:
        journal.write('{"what": "new-or')
    erp = DemoErp(scale=SMALL, state=state)
    assert erp.events == 1
    erp.happen("new-order")
    assert DemoErp(scale=SMALL, state=state).events == 2


def test_a_journal_of_another_demo_is_refused(tmp_path):
    state = tmp_path / "state.jsonl"
    DemoErp(scale=SMALL, seed=1, today=TODAY, state=state)
    with pytest.raises(OtherJournal, match=r"with seed 1, scale 0\.15, not seed 2, scale 0\.15"):
        DemoErp(scale=SMALL, seed=2, today=TODAY, state=state)


WEEK = 7 * 24 * 60 * 6  # events: one every ten seconds, as `manage.py demo` lets them happen
OTHER_KEYS = {"customers": ["account"], "orders": ["number"], "ddt": ["number"], "products": ["record_id"]}


def repeated(erp: DemoErp) -> dict[str, list[Any]]:
    """Keys that stand twice, by list and field. A customer may lack its account, an order its number."""
    found = {}
    for demo_list in LISTS:
        records = list(erp.find_records(demo_list.sync_type))
        for field in [demo_list.key.field, *OTHER_KEYS.get(demo_list.sync_type, [])]:
            counts = Counter(getattr(record, field) for record in records)
            found[f"{demo_list.sync_type}.{field}"] = [key for key, count in counts.items() if key and count > 1]
    return {where: keys for where, keys in found.items() if keys}


def test_every_key_is_unique_in_a_demo_that_has_run_for_weeks():
    erp = DemoErp(scale=SMALL, today=TODAY)
    for _ in range(2 * WEEK):
        erp.happen(at=NOON)
    assert erp.count_records("customers") > 5_000
    assert repeated(erp) == {}


def test_a_new_customer_has_the_highest_number_as_the_newest_of_the_erp_have(erp):
    for _ in range(50):
        erp.happen("new-customer")
    numbers = [customer.id for customer in erp.find_records("customers")]
    assert numbers == sorted(numbers)


@pytest.fixture
def older_journal(tmp_path):
    """Of a demo that drew the numbers of new customers at random, after so many had come that some share one."""
    state = tmp_path / "state.jsonl"
    event = json.dumps({"what": "new-customer", "at": NOON.isoformat()})
    beginnings = json.dumps({"seed": 816, "scale": SMALL, "today": TODAY.isoformat()})
    state.write_text("\n".join([beginnings, *[event] * 1500]) + "\n")
    return state


def test_customers_of_an_older_demo_keep_their_numbers_but_no_two_the_same(older_journal):
    erp = DemoErp(scale=SMALL, state=older_journal)
    came = erp.world.added["customers"]
    assert [customer.id for customer in came[:3]] == [35831, 11535, 30443]
    assert repeated(erp) == {}
    for _ in range(1500):
        erp.happen("new-customer")
    assert repeated(erp) == {}
    again = DemoErp(scale=SMALL, state=older_journal)
    assert list(again.find_records("customers")) == list(erp.find_records("customers"))
