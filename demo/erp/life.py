"""What happens in the ERP by itself: customers come and change, orders are placed, delivered and invoiced."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from demo.erp import documents, invented
from demo.erp import vocabulary as words
from demo.erp.records import NOTHING, Customer, Order, OrderState
from demo.erp.world import World

TRIES = 200  # draws before it is taken that no order is left to move


class NothingLeft(Exception):
    """Every order of the demo ERP is invoiced: there is none to move."""


class OtherJournal(Exception):
    """{path} belongs to a demo ERP with {theirs}, not {ours}. Start with those, or with another state file."""

    def __init__(self, *, path: Path, theirs: str, ours: str) -> None:
        super().__init__((type(self).__doc__ or "").format(path=path, theirs=theirs, ours=ours))


class NoSuchAccount(ValueError):
    """No customer has the account number."""


@dataclass(frozen=True)
class EnteredOrder:
    """An order that somebody types into the ERP: for which account, and what it comes to in euro."""

    account: str
    amount: Decimal

    def as_json(self) -> dict[str, str]:
        return {"account": self.account, "amount": str(self.amount)}


@dataclass(frozen=True)
class Event:
    """Something that happened, and when, in local Italian time."""

    what: str
    at: datetime
    numbers_rise: bool = True  # False in journals of older demos, which drew the numbers of new customers at random
    entered: EnteredOrder | None = None  # by somebody, where that is what happened


def happen(world: World, event: Event, number: int) -> str:
    """Let the `number`-th event happen, always in the same way. Says in a few words what changed."""
    if event.entered:
        return enter_order(world, Random(f"{world.base.seed}/life/{number}/{event.what}"), event.at, event.entered)
    happening = HAPPENINGS[event.what] if event.numbers_rise else OLDER_HAPPENINGS[event.what]
    return happening(world, Random(f"{world.base.seed}/life/{number}/{event.what}"), event.at)


def choose_event(seed: int, number: int) -> str:
    """What happens next when nothing is asked for: mostly orders."""
    kinds, weights = zip(*FREQUENCIES.items(), strict=True)
    return str(Random(f"{seed}/what/{number}").choices(kinds, weights)[0])


def add_new_customer(world: World, random: Random, _: datetime) -> str:
    return add_customer(world, random, make_customer_template(world, random), find_next_number(world))


def add_new_customer_as_before(world: World, random: Random, _: datetime) -> str:
    """As older demos numbered it, so that what was mirrored of it stays; but no number twice."""
    template = make_customer_template(world, random)
    drawn = template.id + 6 * world.count("customers")
    taken = any(customer.id == drawn for customer in world.added["customers"])
    return add_customer(world, random, template, find_next_number(world) if taken else drawn)


def make_customer_template(world: World, random: Random) -> Customer:
    return world.base.make_practice(world.count("customers") // 10 * 10 + 10 * random.randrange(1000))


def find_next_number(world: World) -> int:
    """Above every number that was given to an earlier customer, by older demos too."""
    return 60_100 + 12 * world.count("customers")


def add_customer(world: World, random: Random, template: Customer, number: int) -> str:
    """One in three has no account number yet."""
    customer = replace(
        template,
        id=number,
        account="" if random.random() < 1 / 3 else f"5{number:06d}",
        external_account=str(number),
    )
    world.add("customers", customer)
    return f"customer {customer.id} {customer.name}"


def change_customer(world: World, random: Random, _: datetime) -> str:
    place = random.randrange(world.count("customers"))
    customer = world.find_record("customers", place)
    changes: dict[str, str] = random.choice(
        (
            {"phone": f"+39000{random.randrange(10**7):07d}"},
            {"pec": f"nuova{random.randrange(10**4)}@pec.example"},
            {"street": invented.make_street(random, 0)},
        )
    )
    world.change("customers", place, replace(customer, **changes))
    return f"customer {customer.id}: {', '.join(changes)}"


def add_new_order(world: World, random: Random, at: datetime) -> str:
    """A pending order of anybody."""
    base = world.base
    return place_order(world, random, at, base.find_place_with_account(random.randrange(base.accounts)))


def enter_order(world: World, random: Random, at: datetime, entered: EnteredOrder) -> str:
    """A pending order with this amount. Raises NoSuchAccount."""
    for place in range(world.count("customers")):
        if entered.account and world.find_record("customers", place).account == entered.account:
            amount = {"gross": entered.amount, "total": entered.amount, "discount": NOTHING, "is_gift": False}
            return place_order(world, random, at, place, **amount)
    raise NoSuchAccount(f"no customer has the account {entered.account!r}")


def place_order(world: World, random: Random, at: datetime, customer_place: int, **changes: Any) -> str:
    """A pending order; the customer's counters move with it."""
    customer = world.find_record("customers", customer_place)
    order = documents.make_order(
        customer,
        random,
        order_id=80_000 + 3 * (world.count("orders") + 1),
        number="",
        created_at=at,
        state=OrderState.PENDING,
        modified_at=at,
    )
    order = replace(order, **changes)
    world.add("orders", order)
    counted = replace(
        customer,
        last_order=at.date(),
        orders_this_year=customer.orders_this_year + 1,
        sales_this_year=customer.sales_this_year + order.net,
    )
    world.change("customers", customer_place, counted)
    return f"order {order.id} of {customer.account}"


def advance_order(world: World, random: Random, at: datetime) -> str:
    """An order takes its next step; a delivery makes its DDT, an invoicing its invoice."""
    place = find_unfinished_order(world, random)
    order: Order = world.find_record("orders", place)
    match (order.sales_state, order.transfer_state):
        case ("Ordine aperto", "Modifica"):
            # Those that the ERP began with count down from the newest, new ones go on from there.
            size = world.base.sizes["orders"]
            sequence = size - place if place < size else place + 1
            number = f"ORD/{at:%y}{sequence:06d}"
            moved = set_state(OrderState.OPEN, order, number=number, transfer_date=at.date(), completion_date=at.date())
            made = f"numbered {number}"
        case ("Ordine aperto", _):
            moved = set_state(OrderState.DELIVERED, order)
            made = deliver(world, random, order, at)
        case _:
            moved = set_state(OrderState.INVOICED, order)
            made = invoice(world, random, order, at)
    world.change("orders", place, replace(moved, modified_at=at))
    return f"order {order.id}: {moved.sales_state}, {made}"


def find_unfinished_order(world: World, random: Random) -> int:
    """The place of an order that is not invoiced."""
    base_places = world.base.first_invoiced
    choices = base_places + len(world.added["orders"])
    for _ in range(TRIES):
        choice = random.randrange(choices)
        place = choice if choice < base_places else choice - base_places + world.base.sizes["orders"]
        if world.find_record("orders", place).sales_state != OrderState.INVOICED[0]:
            return place
    raise NothingLeft(NothingLeft.__doc__)


def set_state(state: tuple[str, str, str], order: Order, **changes: Any) -> Order:
    sales_state, document_state, transfer_state = state
    return replace(
        order, sales_state=sales_state, document_state=document_state, transfer_state=transfer_state, **changes
    )


def deliver(world: World, random: Random, order: Order, at: datetime) -> str:
    sequence = world.count("ddt") + 1
    ddt = documents.make_ddt(
        order,
        random,
        ddt_id=60_000 + sequence,
        number=f"DDT/{at:%y}{sequence:06d}",
        pieces=order.pieces,
        delivery_date=at.date(),
        modified_at=at,
    )
    world.add("ddt", ddt)
    return ddt.number


def invoice(world: World, random: Random, order: Order, at: datetime) -> str:
    made = documents.make_invoice(
        order, random, sequence=world.count("invoices") + 1, day=at.date(), today=at.date(), modified_at=at
    )
    world.add("invoices", made)
    return made.number


def change_price(world: World, random: Random, at: datetime) -> str:
    place = random.randrange(world.count("prices"))
    price = world.find_record("prices", place)
    percent = random.choice((95, 97, 102, 103, 105))
    world.change(
        "prices", place, replace(price, unit_price=invented.take_percent(price.unit_price, percent), modified_at=at)
    )
    return f"price {price.id} of {price.product_id}"


def change_product(world: World, random: Random, at: datetime) -> str:
    place = random.randrange(world.count("products"))
    product = world.find_record("products", place)
    change: dict[str, Any] = random.choice(
        (
            {"is_stopped": not product.is_stopped},
            {"description": product.description.split(",")[0] + random.choice(words.PRODUCT_REMARKS)},
            {"maximum": product.minimum * random.randrange(10, 100)},
        )
    )
    world.change("products", place, replace(product, modified_at=at, modified_by="listino", **change))
    return f"product {product.id}: {', '.join(change)}"


HAPPENINGS: dict[str, Callable[[World, Random, datetime], str]] = {
    "new-customer": add_new_customer,
    "changed-customer": change_customer,
    "new-order": add_new_order,
    "next-state": advance_order,
    "changed-price": change_price,
    "changed-product": change_product,
}
OLDER_HAPPENINGS = HAPPENINGS | {"new-customer": add_new_customer_as_before}
FREQUENCIES = {  # of what happens by itself
    "new-order": 4,
    "next-state": 6,
    "changed-customer": 2,
    "new-customer": 1,
    "changed-price": 1,
    "changed-product": 1,
}


class Journal:
    """The events so far, in a file of JSON lines: first what the demo began with, then one event a line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def start(self, beginnings: dict[str, Any]) -> dict[str, Any]:
        """Begin a journal, or find what the existing one began with. Seed and scale must be the same.

        The day it began with stays, so that what happened then happens again.
        """
        self.drop_unfinished_line()
        if not self.read_lines():
            self.write(beginnings)
            return beginnings
        found: dict[str, Any] = json.loads(self.read_lines()[0])
        theirs, ours = ({name: begun[name] for name in ("seed", "scale")} for begun in (found, beginnings))
        if theirs != ours:
            raise OtherJournal(path=self.path, theirs=describe_beginnings(theirs), ours=describe_beginnings(ours))
        return found

    def read_events(self) -> Iterator[Event]:
        for line in self.read_lines()[1:]:
            event = json.loads(line)
            given = event.get("entered")
            entered = EnteredOrder(given["account"], Decimal(given["amount"])) if given else None
            yield Event(event["what"], datetime.fromisoformat(event["at"]), "numbersRise" in event, entered)

    def add(self, event: Event) -> None:
        entered = {"entered": event.entered.as_json()} if event.entered else {}
        self.write({"what": event.what, "at": event.at.isoformat(), "numbersRise": True, **entered})

    def read_lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines()

    def drop_unfinished_line(self) -> None:
        """What a crash cut short never happened."""
        self.path.touch()
        whole = self.path.read_bytes().rpartition(b"\n")
        os.truncate(self.path, len(whole[0]) + len(whole[1]))

    def write(self, entry: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def describe_beginnings(beginnings: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in beginnings.items())
