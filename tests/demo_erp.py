"""The demo ERP for tests: it draws each export once."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from sync.erp.demo.erp import DemoErp
from sync.erp.demo.faults import Fault
from sync.erp.demo.lists import list_called
from sync.erp.demo.pdf import Written

drawn: dict[Any, tuple[bytes, Written]] = {}


class CachedDemoErp(DemoErp):
    """A demo ERP that does not draw again what another one has drawn of the same records."""

    def write_export(
        self,
        name: str,
        path: Path,
        *,
        faults: Collection[Fault] = (),
        filtered: bool = False,
        footer: bool = True,
    ) -> Written:
        with self.lock:
            base, sync_type = self.world.base, list_called(name).sync_type
            happened = tuple(sorted(self.world.changed[sync_type].items())), tuple(self.world.added[sync_type])
            shown = sync_type, frozenset(faults), filtered, footer
            key = (base.seed, base.scale, base.today), happened, shown
            if key not in drawn:
                written = super().write_export(name, path, faults=faults, filtered=filtered, footer=footer)
                drawn[key] = path.read_bytes(), written
            content, written = drawn[key]
            path.write_bytes(content)
            return written
