"""How one document follows from another: an order from a customer, its DDT and its invoice from the order."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from demo.erp import vocabulary as words
from demo.erp.invented import cents, end_of_month, fedex_anchor, practice_name, street, ups_anchor, weekday
from demo.erp.records import NOTHING, Customer, Ddt, Invoice, Order, OrderState
from demo.erp.text import CENT

VAT_RATES = {"5": Decimal("0.22"), "1": Decimal("0.04")}  # by the keys of VAT groups


def new_order(
    customer: Customer, dice: Random, *, order_id: int, number: str, created_at: datetime, state: tuple[str, str, str]
) -> Order:
    """An order of a customer. One in nine is delivered elsewhere, one in a hundred is a gift."""
    is_gift = dice.random() < 0.01
    gross = NOTHING if is_gift else cents(dice, 30, 1800)
    discount = dice.choice((NOTHING, NOTHING, cents(dice, 5, 35)))
    sales_state, document_state, transfer_state = state
    is_pending = state == OrderState.PENDING
    postcode, city, province = dice.choice(words.TOWNS)
    elsewhere = dice.random() < 0.11
    return Order(
        id=order_id,
        number=number,
        account=customer.account,
        customer_name=customer.name,
        delivery_name=practice_name(dice, order_id) if elsewhere else customer.name,
        address=f"{street(dice, order_id)}\n{postcode} {city} {province}" if elsewhere else customer.address,
        email=customer.email,
        created_at=created_at,
        delivery_date=weekday(created_at.date() + timedelta(days=1 + dice.randrange(3)), forward=True),
        description=dice.choice(words.ORDER_NOTES) if dice.random() < 0.4 else "",
        customer_reference="",
        sales_state=sales_state,
        document_state=document_state,
        type="Ordine di vendita" if dice.random() < 0.99 else "Giornale",
        origin=dice.choice(words.ORIGINS),
        transfer_state=transfer_state,
        transfer_date=None if is_pending else created_at.date(),
        completion_date=None if is_pending else created_at.date(),
        is_quote=False,
        is_gift=is_gift,
        discount=discount,
        gross=gross,
        total=gross * (100 - discount) / 100,
        pieces=2 + dice.randrange(90),
        vat_group="1" if dice.random() < 0.06 else "5",
    )


def new_ddt(order: Order, dice: Random, *, ddt_id: int, number: str, pieces: int, delivery_date: date) -> Ddt:
    courier = dice.choice(("FedEx", "FedEx", "FedEx", "UPS Italia"))
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
        tracking=ups_anchor(dice) if courier == "UPS Italia" else fedex_anchor(dice),
        terms=dice.choice(words.DELIVERY_TERMS),
        delivery_mode=courier,
        attention="",
        delivery_city=order.email,
    )


def new_invoice(order: Order, dice: Random, *, sequence: int, day: date, today: date) -> Invoice:
    """The invoice of a whole order, not yet paid."""
    due = end_of_month(day + timedelta(days=60))
    tax = (order.net * VAT_RATES[order.vat_group]).quantize(CENT, ROUND_HALF_UP)
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
        payment_terms=dice.choice(words.PAYMENT_TERMS),
        days_left=(due - today).days,
        settled=NOTHING,
        last_payment="",
        settled_on=None,
        closed_on=None,
        remaining=total,
        order_number=order.number,
    )


def credit_note(invoice: Invoice) -> Invoice:
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


def settled(invoice: Invoice, payment: str, today: date) -> Invoice:
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
