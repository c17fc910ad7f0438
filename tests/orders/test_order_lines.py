"""Lines of orders: what the ERP exports of one order, kept if it comes to the order's amount."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from demo.erp.erp import DemoErp
from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from demo.erp.pdf import Column as Drawn
from demo.erp.pdf import write_pdf
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer
from orders import order_lines
from orders.models import LookedAtCustomer, Order, OrderLine, OrderLinesFetch
from orders.sync.order_lines import LAYOUT
from sync import exceptions
from sync.coordinator import idle_time, mutex, runner
from sync.coordinator.queue import request_sync
from sync.database import clock
from sync.exceptions import (
    ControlTotalMismatch,
    ErpUnavailable,
    LinesDisagree,
    Preempted,
    RecordsNotExported,
    WrongList,
)
from sync.exports.values import ERP_TIME_ZONE
from sync.models import ErpDay, SyncRun
from sync.service import get_service
from tests.api.conftest import signed_in
from tests.demo_erp import CachedDemoErp
from tests.factories import CustomerFactory, OrderFactory, OrderFormSessionFactory, ProductFactory, UserFactory
from tests.sync.drawing import draw_list

pytestmark = pytest.mark.django_db(transaction=True)

# Eleven lines with the headers, the two pages and the totals that were read; what stands in them is invented.
ROWS = [
    [
        f"{place}",
        f"9801.314.{place:03}",
        f"{place},00",
        "1",
        "10,00 %",
        "0,00 %",
        f"{place}0,05 €",
        "Unchecked",
        "Fresa",
    ]
    for place in range(1, 12)
]
FOOTER = ["Count=11", "", "Sum=66,00", "", "", "", "Sum=660,55 €", "", ""]


@pytest.fixture
def erp(settings: Any, tmp_path: Path, network: None) -> Iterator[DemoServer]:
    """The demo ERP on the web, as the one that the settings name."""
    with DemoServer(CachedDemoErp(scale=0.02, today=dt.date(2026, 1, 20))) as server:
        settings.ERP_URL, settings.ERP_FOLDER = server.url, None
        settings.ERP_USERNAME, settings.ERP_PASSWORD = DEMO_USERNAME, DEMO_PASSWORD
        settings.EXPORT_DIR = tmp_path / "exports"
        settings.ORDER_LINES_A_DAY = 30
        yield server


def mirror_order(erp: DemoErp, **values: Any) -> Order:
    """The newest order of the demo ERP that has three lines or more, as its list shows it."""
    found = next(
        order for order in erp.find_records("orders") if order.gross and len(erp.find_order_lines(order.id) or ()) >= 3
    )
    amounts = {"gross_amount": found.gross, "total_amount": found.net, "ordered_at": clock.now()}
    return OrderFactory(erp_id=found.id, number=found.number, account_number=found.account, **amounts | values)


def look_at(order: Order) -> None:
    customer = CustomerFactory(account_number=order.account_number)
    order_lines.note_customer_looked_at(customer)


def fetch(order: Order) -> None:
    with mutex.hold_lock() as lease:
        assert lease
        order_lines.fetch_lines(order, lease)


def draw(path: Path, rows: list[list[str]] = ROWS, footer: list[str] = FOOTER) -> Path:
    columns = [Drawn(column.header, width=90) for column in LAYOUT.columns]
    write_pdf(path, [columns[:6], columns[6:]], rows, totals=footer)
    return path


# From a file


def test_an_export_is_read_and_shown_by_the_command(tmp_path):
    order = OrderFactory(number="ORD/1", gross_amount=Decimal("660.55"))
    product = ProductFactory(name="9801.314.002")
    said = StringIO()
    call_command("orderlines", "ORD/1", file=draw(tmp_path / "Salesline.pdf"), stdout=said)
    assert "11 lines of order ORD/1 were kept." in said.getvalue()
    line = order.lines.get(position=2)
    assert (line.article, line.quantity, line.amount, line.product) == ("9801.314.002", 2, Decimal("20.05"), product)
    assert (line.discount_percent, line.is_net_price, line.name) == (10, False, "Fresa")
    assert line.unit_price == Decimal("11.1389")  # 20.05 / 2 / 0.9
    assert order.lines_fetch.error_class == ""


def test_lines_may_come_to_the_total_instead(tmp_path):
    order = OrderFactory(number="ORD/1", gross_amount=Decimal("700.00"), total_amount=Decimal("660.54"))
    call_command("orderlines", "ORD/1", file=draw(tmp_path / "Salesline.pdf"), stdout=StringIO())
    assert order.lines.count() == 11


def test_what_does_not_come_to_the_order_s_amount_is_not_kept_and_says_so(tmp_path):
    order = OrderFactory(number="ORD/1", gross_amount=Decimal("661.55"), total_amount=Decimal("661.55"))
    with pytest.raises(CommandError, match=r"come to 660,55, but its gross amount is 661,55"):
        call_command("orderlines", "ORD/1", file=draw(tmp_path / "Salesline.pdf"), stdout=StringIO())
    assert not order.lines.exists()
    assert order.lines_fetch.error_class == "LinesDisagree"
    assert order.lines_fetch.fetched_at is None


def test_lines_that_are_kept_stay_until_others_are(tmp_path):
    order = OrderFactory(number="ORD/1", gross_amount=Decimal("660.55"))
    call_command("orderlines", "ORD/1", file=draw(tmp_path / "Salesline.pdf"), stdout=StringIO())
    cut = draw(tmp_path / "cut.pdf", ROWS[:10])
    with pytest.raises(CommandError, match="The Count of LINEA: is 10"):
        call_command("orderlines", "ORD/1", file=cut, stdout=StringIO())
    assert order.lines.count() == 11
    again = draw(tmp_path / "again.pdf")
    call_command("orderlines", "ORD/1", file=again, stdout=StringIO())
    assert order.lines.count() == 11


def test_another_list_s_export_is_not_taken_for_lines(tmp_path):
    OrderFactory(number="ORD/1")
    service = get_service("orders")
    path = draw_list(tmp_path / "Ordini.pdf", service, [{"erp_id": "1"}])
    with pytest.raises(WrongList), runner.hold_lock_between_syncs(lambda: None) as lease:
        order_lines.read_given_file(Order.objects.get(), path, lease)


def test_a_product_is_named_only_if_there_is_no_doubt():
    one = ProductFactory(name="9801.314.001")
    ProductFactory(name="9801.314.002", minimum_quantity=1, multiple_quantity=1)
    ten = ProductFactory(name="9801.314.003", minimum_quantity=10, multiple_quantity=10)
    three = ProductFactory(name="9801.314.003", minimum_quantity=3, multiple_quantity=3)
    ProductFactory(name="9801.314.002", minimum_quantity=5, multiple_quantity=5)
    wanted = [
        ("9801.314.001", 7), ("9801.314.002", 5), ("9801.314.003", 10), ("9801.314.003", 3), ("9801.314.003", 30),
        ("unknown", 1),
    ]  # fmt: skip
    lines = [OrderLine(article=article, quantity=Decimal(quantity)) for article, quantity in wanted]
    found = {key: product.erp_id for key, product in order_lines.find_products(lines).items()}
    assert found == {
        ("9801.314.001", Decimal(7)): one.erp_id,
        ("9801.314.003", Decimal(10)): ten.erp_id,
        ("9801.314.003", Decimal(3)): three.erp_id,
    }


# From the ERP


def test_an_order_s_lines_are_fetched_from_its_page(erp, settings):
    order = mirror_order(erp.erp)
    fetch(order)
    expected = erp.erp.find_order_lines(order.erp_id)
    kept = order.lines.values_list("position", "article", "quantity", "amount")
    assert list(kept) == [(line.number, line.article, line.quantity, line.amount) for line in expected]
    assert order.lines_fetch.order_changed_at == order.changed_at
    assert (erp.front_end.exports, ErpDay.objects.get().exports) == (1, 1)
    assert not list(settings.EXPORT_DIR.iterdir())


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.SILENT_FILTER, LinesDisagree),  # lines are missing, and the footer agrees with the rest
        (Fault.WRONG_SUM, ControlTotalMismatch),
        (Fault.ENDLESS_EXPORT, ErpUnavailable),
        (Fault.MISSING_EXPORT, ErpUnavailable),
    ],
)
def test_what_goes_wrong_is_named_by_the_order(erp, fault, error, monkeypatch):
    monkeypatch.setattr(order_lines, "LONGEST_FETCH", dt.timedelta(seconds=2))
    order = mirror_order(erp.erp)
    erp.front_end.plan_fault(PlannedFault(fault, "order-lines"))
    with pytest.raises(error):
        fetch(order)
    attempt = order.lines_fetch
    assert (attempt.attempts, attempt.fetched_at) == (1, None)
    assert issubclass(getattr(exceptions, attempt.error_class), error)
    assert not OrderLine.objects.exists()


def test_a_session_that_has_ended_costs_one_login(erp):
    order = mirror_order(erp.erp)
    fetch(order)
    erp.front_end.end_sessions()
    fetch(order)
    assert ErpDay.objects.get().logins == 2


def test_a_folder_says_that_it_has_no_lines_of_one_order(settings, tmp_path):
    settings.ERP_URL, settings.ERP_FOLDER = "", tmp_path
    order = OrderFactory()
    with pytest.raises(RecordsNotExported):
        fetch(order)
    assert order.lines_fetch.error_class == "RecordsNotExported"


# In the background


def test_only_orders_of_customers_whom_an_agent_looked_at_are_asked_for_the_newest_first():
    now = clock.now()
    looked_at = CustomerFactory(account_number="C-1")
    CustomerFactory(account_number="C-2")
    order_lines.note_customer_looked_at(looked_at)
    older = OrderFactory(account_number="C-1", ordered_at=now - dt.timedelta(days=9))
    newer = OrderFactory(account_number="C-1", ordered_at=now)
    OrderFactory(account_number="C-2", ordered_at=now)
    OrderFactory(account_number="C-1", ordered_at=now - order_lines.OLDEST)
    OrderFactory(account_number="C-1", ordered_at=now, removed_at=now)
    OrderFactory(account_number="", ordered_at=now)
    assert list(order_lines.find_wanted_orders(now)) == [newer, older]
    assert not order_lines.find_wanted_orders(clock.now() + order_lines.LOOKED_AT_FOR).exists()


def test_an_order_is_asked_for_again_when_it_changes_and_a_few_times_after_a_failure():
    now = clock.now()
    yesterday = now - dt.timedelta(days=1)
    order = OrderFactory(account_number="C-1", ordered_at=now)
    look_at(order)
    of_order = {"order": order, "tried_at": yesterday, "order_changed_at": order.changed_at}
    attempt = OrderLinesFetch.objects.create(**of_order, fetched_at=yesterday)

    def is_wanted(**values: Any) -> bool:
        OrderLinesFetch.objects.filter(pk=attempt.pk).update(**values)
        return order_lines.find_wanted_orders(now).exists()

    assert not is_wanted()
    assert is_wanted(order_changed_at=order.changed_at - dt.timedelta(hours=1))
    assert not is_wanted(tried_at=now)  # once a day
    assert is_wanted(tried_at=yesterday, order_changed_at=order.changed_at, error_class="LinesDisagree", attempts=2)
    assert not is_wanted(attempts=3)


def test_looking_again_at_a_customer_is_noted_once_an_hour():
    customer = CustomerFactory()
    order_lines.note_customer_looked_at(customer)
    seen = LookedAtCustomer.objects.get()
    order_lines.note_customer_looked_at(customer)
    assert LookedAtCustomer.objects.get().looked_at == seen.looked_at
    LookedAtCustomer.objects.update(looked_at=seen.looked_at - dt.timedelta(hours=2))
    order_lines.note_customer_looked_at(customer)
    assert LookedAtCustomer.objects.get().looked_at >= seen.looked_at


def test_lines_come_by_themselves_one_order_at_a_time(erp, settings):
    order = mirror_order(erp.erp)
    look_at(order)
    other = OrderFactory(account_number=order.account_number, ordered_at=clock.now() - dt.timedelta(days=1))
    order_lines.fetch_next_lines()
    assert order.lines.exists()
    assert not OrderLinesFetch.objects.filter(order=other).exists()
    settings.ORDER_LINES_A_DAY = 1
    order_lines.fetch_next_lines()
    assert not OrderLinesFetch.objects.filter(order=other).exists()  # the day's are spent
    settings.ORDER_LINES_A_DAY = 2
    order_lines.fetch_next_lines()
    assert other.lines_fetch.error_class  # the ERP has no such order
    assert not SyncRun.objects.exists()


def test_none_is_asked_for_if_it_is_switched_off_or_nobody_looked_at_the_customer(erp, settings):
    order = mirror_order(erp.erp)
    order_lines.fetch_next_lines()
    look_at(order)
    settings.ORDER_LINES_A_DAY = 0
    order_lines.fetch_next_lines()
    assert erp.front_end.exports == 0


def test_after_a_failure_the_erp_is_left_alone_for_a_while(erp):
    order = mirror_order(erp.erp)
    look_at(order)
    erp.front_end.plan_fault(PlannedFault(Fault.SERVER_ERROR, "order-lines", times=1))
    order_lines.fetch_next_lines()
    assert order.lines_fetch.error_class
    other = OrderFactory(account_number=order.account_number, ordered_at=clock.now())
    order_lines.fetch_next_lines()
    assert not OrderLinesFetch.objects.filter(order=other).exists()
    OrderLinesFetch.objects.update(tried_at=clock.now() - order_lines.PAUSE)
    order_lines.fetch_next_lines()
    assert OrderLinesFetch.objects.filter(order=other).exists()


@pytest.mark.parametrize("reason", ["a form", "a run", "exports", "logins"])
def test_lists_and_order_forms_go_first(erp, settings, reason):
    order = mirror_order(erp.erp)
    look_at(order)
    today = timezone.localdate(clock.now(), ERP_TIME_ZONE)
    if reason == "a form":
        OrderFormSessionFactory()
    elif reason == "a run":
        request_sync("orders", mode="full", trigger=SyncRun.Trigger.MANUAL)
    elif reason == "exports":
        ErpDay.objects.create(day=today, exports=settings.ERP_EXPORTS_A_DAY // 2)
    else:
        ErpDay.objects.create(day=today, logins=settings.ERP_LOGINS_A_DAY // 2)
    order_lines.fetch_next_lines()
    assert erp.front_end.exports == 0
    assert not OrderLinesFetch.objects.exists()


def test_a_run_that_comes_meanwhile_goes_first_and_it_was_no_attempt(erp, monkeypatch):
    order = mirror_order(erp.erp)
    erp.front_end.plan_fault(PlannedFault(Fault.ENDLESS_EXPORT, "order-lines"))
    keep = mutex.Lease.keep

    def queue_a_run(lease: Any) -> bool:
        if erp.front_end.clicks["Esportare in"]:
            request_sync("customers", mode="smart", trigger=SyncRun.Trigger.MANUAL)
        return keep(lease)

    monkeypatch.setattr(mutex.Lease, "keep", queue_a_run)
    with pytest.raises(Preempted):
        fetch(order)
    assert not OrderLinesFetch.objects.exists()
    assert ErpDay.objects.get().exports == 1  # asked for is asked for


def test_an_order_whose_process_was_killed_is_asked_for_again_on_another_day(erp, monkeypatch):
    order = mirror_order(erp.erp)
    look_at(order)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(order_lines, "check_amount", die)
    with pytest.raises(KeyboardInterrupt):
        fetch(order)
    attempt = OrderLinesFetch.objects.get()
    assert attempt.error_class == "ProcessLost"
    assert not order_lines.find_wanted_orders(clock.now()).exists()
    OrderLinesFetch.objects.update(tried_at=clock.now() - dt.timedelta(days=1))
    assert order_lines.find_wanted_orders(clock.now()).get() == order


def test_nothing_is_asked_while_another_process_holds_the_lock(erp):
    look_at(mirror_order(erp.erp))
    with mutex.hold_lock() as lease:
        assert lease
        order_lines.fetch_next_lines()
    assert erp.front_end.exports == 0
    with idle_time.hold_lock_if_idle() as lease:
        assert lease


# What is seen of it


def test_an_order_s_lines_are_in_its_answer_and_on_its_page(admin_client, tmp_path):
    order = OrderFactory(number="ORD/1", gross_amount=Decimal("660.55"), total_amount=Decimal("600.00"))
    product = ProductFactory(name="9801.314.002")
    api = signed_in(UserFactory())
    before = api.get(f"/api/orders/{order.erp_id}").json()["order"]
    assert (before["lines"], before["linesFetchedAt"], before["linesError"]) == ([], None, None)
    call_command("orderlines", "ORD/1", file=draw(tmp_path / "Salesline.pdf"), stdout=StringIO())
    after = api.get(f"/api/orders/{order.erp_id}").json()["order"]
    assert len(after["lines"]) == 11
    assert after["lines"][1] == {
        "position": "2",
        "article": "9801.314.002",
        "product": product.erp_id,
        "name": "Fresa",
        "quantity": "2",
        "unitPrice": "11.1389",
        "discountPercent": "10.00",
        "orderDiscountPercent": "0.00",
        "amount": "20.05",
        "isNetPrice": False,
    }
    assert after["linesFetchedAt"]
    page = admin_client.get(f"/admin/orders/order/{order.pk}/change/").content.decode()
    assert "9801.314.002" in page
    attempt = f"/admin/orders/orderlinesfetch/{order.lines_fetch.pk}/change/"
    for address in ("/admin/orders/orderlinesfetch/", attempt):
        assert "ORD/1" in admin_client.get(address).content.decode()


def test_an_answer_with_many_lines_asks_no_more_queries(tmp_path, django_assert_num_queries):
    order = OrderFactory(number="ORD/1", gross_amount=Decimal("660.55"))
    call_command("orderlines", "ORD/1", file=draw(tmp_path / "Salesline.pdf"), stdout=StringIO())
    api = signed_in(UserFactory())
    with CaptureQueriesContext(connection) as with_eleven:
        api.get(f"/api/orders/{order.erp_id}")
    order.lines.filter(position__gt=1).delete()
    with django_assert_num_queries(len(with_eleven)):
        api.get(f"/api/orders/{order.erp_id}")


def test_who_asks_how_it_stands_is_told_how_many_wait_and_what_went_wrong(tmp_path):
    order = OrderFactory(number="ORD/1", account_number="C-1", ordered_at=clock.now(), gross_amount=Decimal(1))
    look_at(order)
    OrderFactory(number="ORD/2", account_number="C-1", ordered_at=clock.now())
    with pytest.raises(CommandError):
        call_command("orderlines", "ORD/1", file=draw(tmp_path / "Salesline.pdf"), stdout=StringIO())
    said = StringIO()
    call_command("orderlines", stdout=said)
    assert "1 orders wait for their lines; 1 were asked for today." in said.getvalue()
    assert "Last problem: ORD/1: The lines of order ORD/1 come to 660,55" in said.getvalue()
