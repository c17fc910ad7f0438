"""How one document follows from another: an order from a customer, its DDT and its invoice from the order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

from demo.erp import invented
from demo.erp import vocabulary as words
from demo.erp.records import NOTHING, Customer, Ddt, Invoice, Order, OrderLine, OrderState, Product
from demo.erp.text import round_to_cents

VAT_RATES = {"5": Decimal("0.22"), "1": Decimal("0.04")}  # by the keys of VAT groups


def make_order(
    customer: Customer,
    random: Random,
    *,
    order_id: int,
    number: str,
    created_at: datetime,
    state: tuple[str, str, str],
    modified_at: datetime,
) -> Order:
    """An order of a customer. One in nine is delivered elsewhere, one in a hundred is a gift."""
    is_gift = random.random() < 0.01
    gross = NOTHING if is_gift else invented.make_amount(random, 30, 1800)
    discount = random.choice((NOTHING, NOTHING, invented.make_amount(random, 5, 35)))
    sales_state, document_state, transfer_state = state
    is_pending = state == OrderState.PENDING
    postcode, city, province = random.choice(words.TOWNS)
    elsewhere = random.random() < 0.11
    return Order(
        id=order_id,
        number=number,
        account=customer.account,
        customer_name=customer.name,
        delivery_name=invented.make_practice_name(random, order_id) if elsewhere else customer.name,
        address=f"{invented.make_street(random, order_id)}\n{postcode} {city} {province}"
        if elsewhere
        else customer.address,
        email=customer.email,
        created_at=created_at,
        delivery_date=invented.find_weekday(created_at.date() + timedelta(days=1 + random.randrange(3)), forward=True),
        description=random.choice(words.ORDER_NOTES) if random.random() < 0.4 else "",
        customer_reference="",
        sales_state=sales_state,
        document_state=document_state,
        type="Ordine di vendita" if random.random() < 0.99 else "Giornale",
        origin=random.choice(words.ORIGINS),
        transfer_state=transfer_state,
        transfer_date=None if is_pending else created_at.date(),
        completion_date=None if is_pending else created_at.date(),
        is_quote=False,
        is_gift=is_gift,
        discount=discount,
        gross=gross,
        total=gross * (100 - discount) / 100,
        pieces=2 + random.randrange(90),
        vat_group="1" if random.random() < 0.06 else "5",
        modified_at=modified_at,
    )


def make_order_lines(order: Order, random: Random, products: Sequence[Product]) -> list[OrderLine]:
    """The lines of an order: its pieces of some of these products, which come to its gross amount to the cent.

    That they come to the gross amount, and not to the total, is assumed.
    """
    count = min(order.pieces, len(products), 1 + random.randrange(11))
    pieces = divide_at_random(order.pieces - count, count, random)
    cents = divide_at_random(int(order.gross * 100), count, random)
    return [
        OrderLine(
            number=place + 1,
            article=product.name,
            quantity=Decimal(1 + pieces[place]),
            price_unit=Decimal(1),
            discount=random.choice((NOTHING, NOTHING, NOTHING, Decimal(10), Decimal(20))),
            order_discount=order.discount,
            amount=Decimal(cents[place]) / 100,
            is_net_price=False,
            name=product.description,
        )
        for place, product in enumerate(random.sample(products, count))
    ]


def divide_at_random(whole: int, count: int, random: Random) -> list[int]:
    """So many parts of a whole, none below 0."""
    cuts = [0, *sorted(random.randrange(whole + 1) for _ in range(count - 1)), whole]
    return [after - before for before, after in pairwise(cuts)]


def make_ddt(
    order: Order,
    random: Random,
    *,
    ddt_id: int,
    number: str,
    pieces: int,
    delivery_date: date,
    modified_at: datetime,
) -> Ddt:
    courier = random.choice(("FedEx", "FedEx", "FedEx", "UPS Italia"))
    return Ddt(
        id=ddt_id,
        number=number,
        delivery_date=delivery_date,
        order_number=order.number,
        account=order.account,
        customer_name=order.customer_name,
        delivery_name=order.delivery_name,
        address=order.address,
        pieces=pieces,
        customer_reference="",
        description=order.description,
        tracking=invented.make_ups_link(random) if courier == "UPS Italia" else invented.make_fedex_link(random),
        terms=random.choice(words.DELIVERY_TERMS),
        delivery_mode=courier,
        attention="",
        delivery_city=order.email,
        modified_at=modified_at,
    )


def make_invoice(
    order: Order, random: Random, *, sequence: int, day: date, today: date, modified_at: datetime
) -> Invoice:
    """The invoice of a whole order, not yet paid."""
    due = invented.find_end_of_month(day + timedelta(days=60))
    tax = round_to_cents(order.net * VAT_RATES[order.vat_group])
    total = order.net + tax
    return Invoice(
        number=f"CF1/{day:%y}{sequence:06d}",
        issued_on=day,
        account=order.account,
        customer_name=order.customer_name,
        quantity=Decimal(order.pieces),
        net=order.net,
        line_discount=order.gross - order.net,
        total_discount=Decimal(0),
        tax=tax,
        total=total,
        purchase_order=order.description,
        customer_reference="",
        due_date=due,
        payment_terms=random.choice(words.PAYMENT_TERMS),
        days_left=(due - today).days,
        settled=NOTHING,
        last_payment="",
        settled_on=None,
        closed_on=None,
        remaining=total,
        order_number=order.number,
        modified_at=modified_at,
    )


def make_credit_note(invoice: Invoice) -> Invoice:
    """The credit note that takes an invoice back."""
    return replace(
        invoice,
        number=invoice.number.replace("CF1/", "NC/"),
        quantity=-invoice.quantity,
        net=-invoice.net,
        line_discount=-invoice.line_discount,
        tax=-invoice.tax,
        total=-invoice.total,
        remaining=-invoice.remaining,
    )


def settle(invoice: Invoice, payment: str, today: date) -> Invoice:
    """The invoice, paid on the day it was due or, if that has not come, today; of a gift nothing is paid."""
    day = min(invoice.due_date, today)
    return replace(
        invoice,
        days_left=0,
        settled=invoice.total,
        remaining=NOTHING,
        last_payment=payment if invoice.total else "",
        settled_on=day if invoice.total else None,
        closed_on=day,
    )


@dataclass
class Activity:
    """What a customer ordered, by year."""

    orders: dict[int, int]
    sales: dict[int, Decimal]
    last_order: date


def add_up_orders(orders: Iterable[Order]) -> dict[str, Activity]:
    """By account."""
    found: dict[str, Activity] = {}
    for order in orders:
        day = order.created_at.date()
        if order.account not in found:
            found[order.account] = Activity(defaultdict(int), defaultdict(Decimal), last_order=day)
        activity = found[order.account]
        activity.orders[day.year] += 1
        activity.sales[day.year] += order.total
        activity.last_order = max(activity.last_order, day)
    return found
