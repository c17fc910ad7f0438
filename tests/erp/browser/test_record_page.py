"""The page of one order, in a real Chromium against the demo ERP."""

from datetime import timedelta

import pytest

from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME
from sync.erp.client import ErpRecordList
from sync.exceptions import ErpPageChanged
from sync.progress import ignore_progress
from tests.erp.conftest import contents


def make_record_list(order_id):
    return ErpRecordList(
        name=f"SALESTABLE_DetailViewAgent/{order_id}",
        file_names=("Salesline.pdf",),
        key="LINEA:",
        toolbar="xaf_dviSALESLINEs_ToolBar",
    )


def test_an_order_s_lines_are_exported_from_its_page(server, open_client, tmp_path):
    client = open_client(server.url, DEMO_USERNAME, DEMO_PASSWORD)
    order = next(server.erp.find_records("orders"))
    record_list, path = make_record_list(order.id), tmp_path / "lines.pdf"
    options = {"to": path, "at_most": timedelta(seconds=60), "progress": ignore_progress}
    server.front_end.plan_fault(PlannedFault(Fault.MOVED_EXPORT, "order-lines"))
    client.fetch_record_list(record_list, **options)
    assert len(contents(path)) == 2
    assert server.front_end.exports == 1
    server.front_end.plan_fault(PlannedFault(Fault.ERROR_BANNER, "order-lines", times=1))
    client.fetch_record_list(record_list, **options)
    assert len(contents(path)) == 2
    server.front_end.plan_fault(PlannedFault(Fault.MISSING_EXPORT, "order-lines"))
    with pytest.raises(ErpPageChanged, match="no export item"):
        client.fetch_record_list(record_list, **options)
    assert sum(day["succeeded"] for day in server.front_end.logins.values()) == 1
