"""The demo ERP for tests: it draws each export once, and what a test lets happen in it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from demo.erp.erp import DemoErp
from demo.erp.faults import Fault
from demo.erp.lists import find_list
from demo.erp.pdf import Written
from demo.erp.records import Customer, Price
from demo.erp.server import NO_DELAYS, DemoServer
from demo.erp.web import RELEASES
from demo.erp.world import World

SCALE = 0.02  # a few records of each list: all are mirrored in less than a second

drawn: dict[Any, tuple[bytes, Written]] = {}


class CachedDemoErp(DemoErp):
    """A demo ERP that does not draw again what another one has drawn of the same records."""

    def write_export(
        self,
        name: str,
        path: Path,
        *,
        faults: Collection[Fault] = (),
        choice: str = "",
        filtered: bool = False,
        search: str = "",
        shown: Collection[int] | None = None,
        footer: bool = True,
    ) -> Written:
        with self.lock:
            base, sync_type = self.world.base, find_list(name).sync_type
            happened = tuple(sorted(self.world.changed[sync_type].items())), tuple(self.world.added[sync_type])
            options: dict[str, Any] = {
                "faults": frozenset(faults),
                "choice": choice,
                "filtered": filtered,
                "search": search,
                "footer": footer,
            }
            options["shown"] = shown if shown is None else frozenset(shown)
            key = (base.seed, base.scale, base.today), happened, sync_type, tuple(options.values())
            if key not in drawn:
                written = super().write_export(name, path, **options)
                drawn[key] = path.read_bytes(), written
            content, written = drawn[key]
            path.write_bytes(content)
            return written


class Erp(DemoServer):
    """A demo ERP on the web, as of today. Its `delay` is what generating an export takes, in seconds."""

    def __init__(self) -> None:
        super().__init__(CachedDemoErp(scale=SCALE))

    def restore(self) -> None:
        """Make it as if nothing had happened."""
        with self.erp.lock:
            self.erp.world, self.erp.events = World(self.erp.world.base), 0
        self.front_end.clear(None)
        self.front_end.release = RELEASES[0]
        self.front_end.is_down = False
        self.delays = dict(NO_DELAYS)

    def happen(self, what: str) -> str:
        """Let something happen, such as "new-customer"."""
        return self.erp.happen(what)

    def change(self, sync_type: str, place: int, **values: Any) -> Any:
        """Give a record other values, and say what it is then. The newest has place -1."""
        with self.erp.lock:
            world = self.erp.world
            place = place % world.count(sync_type)
            before = world.find_record(sync_type, place)
            changed = replace(before, **values)
            if hasattr(before, "modified_at") and "modified_at" not in values:
                changed = replace(changed, modified_at=self.erp.clock.read())
            world.change(sync_type, place, changed)
            return changed

    def place(self, sync_type: str, key: Any) -> int:
        """Where the record with this ID is."""
        with self.erp.lock:
            world = self.erp.world
            [found] = [
                at for at in range(world.count(sync_type)) if str(world.find_record(sync_type, at).id) == str(key)
            ]
            return found


def new_customer(erp: Erp, **values: Any) -> Customer:
    """Let a customer come; one in three has no account number, unless `account` gives it one."""
    erp.happen("new-customer")
    customer: Customer = erp.change("customers", -1, **values)
    return customer


def change_price(erp: Erp, price_erp_id: Any, amount: Decimal | str) -> Price:
    """Set what the price with this ID is for one unit."""
    price: Price = erp.change("prices", erp.place("prices", price_erp_id), unit_price=Decimal(amount))
    return price
