"""Searching the lists at a hundred times their real size, and what it costs a sync.

Each search, in 150,000 customers and 454,000 products, beside the same in a hundredth of them. Which indexes answer it
is read from the plans of the very queries. One run, on DATABASE_URL or else SQLite.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from statistics import median
from typing import Any

import _measure

_measure.use_scratch()

import django

django.setup()

from django.db import connection
from django.utils import timezone

from customers.models import Customer
from demo.erp.data import REAL_SIZES, BaseData
from orders.models import Order, Product
from sync.database import clock
from sync.database.search import search
from sync.models import MirroredModel
from sync.models.search_field import SearchField

TIMES = _measure.scale(15)  # that each search is done
CHUNK = 1000  # rows in memory at a time
# Orders first: customers are weighed by them.
SIZES = {"orders": _measure.scale(100_000), "customers": _measure.scale(150_000), "products": _measure.scale(454_000)}
MODELS: dict[str, type[MirroredModel]] = {"customers": Customer, "products": Product, "orders": Order}
ON_POSTGRESQL = connection.vendor == "postgresql"
EXPLAIN = "EXPLAIN " if ON_POSTGRESQL else "EXPLAIN QUERY PLAN "
INDEX = re.compile(r"(?:COVERING INDEX|INDEX|Index (?:Only )?Scan(?: Backward)? using|Bitmap Index Scan on) (\w+)")
WHOLE_TABLE = re.compile(r"Seq Scan on|^SCAN \w+$", re.MULTILINE)
BOUNDS = {"customers": "under 50 ms"}

TYPED = {
    "customers": (
        "",
        "studio",
        "studio dentistico roccasegna",
        "roccasegna",
        "segna",
        "dott.ssa rocca",
        "milano roccasegna",
        "00184",
        "2000001",
        "30000",
        "a",
        "st",
        "srl",
        "qz",
        "zzzz",
        "ic",
        # With a slip, or by other details.
        "rocasegna",
        "rocacsegna",
        "roccasegma milano",
        "studoi dentistcio roccasegna",
        "odontoiatrici",
        "IT12895060007",
        "+39 000 7951530",
        "via garibaldi",
        "roccasegna garibladi",
        "studio1234@pec.example",
    ),
    "products": (
        "",
        "9801",
        "9801.314.016",
        "016",
        "lindemann",
        "lindeman 016",
        "frese carburo",
        "1.6mm diamantata",
        "fresa conica 016",
        "k2",
        "9",
        "mm",
    ),
    "orders": ("", "ord/25050000", "695", "roccasegna", "studio", "congresso urgente", "qz", "rocasegna"),
}


# The lists


def customers(data: BaseData, count: int) -> Iterator[Customer]:
    for place in range(count):
        known = data.make_practice(place)
        yield Customer(
            erp_id=known.id,
            name=known.name,
            account_number=known.account,
            vat_number=known.vat_number,
            street=known.street,
            postcode=known.postcode,
            city=known.city,
            phone=known.phone,
            mobile=known.mobile,
            description=known.description,
        )


def products(data: BaseData, count: int) -> Iterator[Product]:
    for place in range(count):
        known = data.catalogue.make_product(place)
        yield Product(
            erp_id=known.id,
            name=known.name,
            description=known.description,
            group=known.group,
            search_name=known.search_name,
            group_description=known.group_description,
            pack=known.pack,
        )


def orders(data: BaseData, count: int) -> Iterator[Order]:
    for place in range(count):
        known = data.make_order(place)
        yield Order(
            erp_id=known.id,
            number=known.number,
            account_number=known.account,
            customer_name=known.customer_name,
            delivery_name=known.delivery_name,
            delivery_address=known.address,
            description=known.description,
            customer_reference=known.customer_reference,
            ordered_at=timezone.make_aware(known.created_at),
        )


MAKERS: dict[str, Callable[[BaseData, int], Iterator[MirroredModel]]] = {
    "customers": customers,
    "products": products,
    "orders": orders,
}


def made(name: str, count: int) -> list[Any]:
    """So many records of a list, invented."""
    data, now = BaseData(seed=1, scale=count / REAL_SIZES[name], today=clock.today()), timezone.now()
    records = list(MAKERS[name](data, count))
    for record in records:
        record.created_at = record.changed_at = now
    return records


def fill(name: str, count: int) -> None:
    """Nothing but so many records in a list."""
    model = MODELS[name]
    model.objects.all()._raw_delete("default")
    model.objects.bulk_create(made(name, count), CHUNK)
    if ON_POSTGRESQL:
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM ANALYZE {model._meta.db_table}")


# Searches


@dataclass(frozen=True)
class Times:
    """Seconds."""

    typical: float
    worst: float


def ask(name: str, typed: str) -> list[int]:
    """What the list shows first, without a search or with one."""
    records = MODELS[name].objects.present()
    return search(records, typed).keys if typed else list(records.in_order().values_list("pk", flat=True)[:50])


def measure(name: str) -> dict[str, Times]:
    found = {}
    for typed in TYPED[name]:
        times = [_measure.time_once(lambda typed=typed: ask(name, typed)) for _ in range(TIMES)]  # type: ignore[misc]
        found[typed] = Times(median(times), max(times))
    return found


def indexes_used(name: str, typed: str) -> str:
    """The indexes by which the database answers, query by query, by its plans for what it is really asked."""
    used: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(EXPLAIN + (sql if ON_POSTGRESQL else sql.replace("%s", "?")), params)
            plan = "\n".join(str(row[-1]) for row in cursor)
        names = [*dict.fromkeys(INDEX.findall(plan)), *(["the whole table"] if WHOLE_TABLE.search(plan) else [])]
        used.append(" and ".join(names))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        ask(name, typed)
    return ", ".join(used)


def show_searches(name: str) -> None:
    fill(name, SIZES[name] // 100)
    few = measure(name)
    fill(name, SIZES[name])
    many = measure(name)
    print(f"  {SIZES[name]:,} {name}: typical and worst time; times as long as with {SIZES[name] // 100:,}; indexes")
    for typed, times in many.items():
        what = f"{typed!r}, {len(ask(name, typed)):,} found" if typed else "no search, the first page"
        value = f"{times.typical * 1000:.1f}, {times.worst * 1000:.1f} ms"
        ratio = f"{times.typical / few[typed].typical:.1f}"
        _measure.show(what, value, bound=f"{BOUNDS.get(name, ''):<11}   {ratio:>5}   {indexes_used(name, typed)}")


# What it costs a sync


def writing(count: int) -> float:
    """Seconds to write so many customers, in transactions as large as a sync's chunks."""
    Customer.objects.all()._raw_delete("default")
    records = made("customers", count)
    return _measure.time_once(lambda: Customer.objects.bulk_create(records, CHUNK))


def show_cost() -> None:
    count = SIZES["customers"] // 10
    fields = [field for field in Customer._meta.concrete_fields if isinstance(field, SearchField)]
    sources = [field.sources for field in fields]
    with_texts = min(writing(count) for _ in range(3))
    for field in fields:
        field.sources = ()
    without = min(writing(count) for _ in range(3))
    for field, names in zip(fields, sources, strict=True):
        field.sources = names
    _measure.show(
        f"writing {count:,} customers, times as long as with blank search texts", f"{with_texts / without:.2f}"
    )


def main() -> None:
    print(f"Searching, {_measure.make_tables()}, {_measure.find_processor()}")
    for name in SIZES:
        show_searches(name)
    show_cost()


if __name__ == "__main__":
    main()
