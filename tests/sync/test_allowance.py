"""What the ERP may be asked for: so many logins and exports in a day, within its hours."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import connection

from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME
from sync.erp import allowance
from sync.erp.client import ErpList
from sync.erp.http import HttpClient
from sync.erp_hours import EXAMPLE, parse_hours
from sync.exceptions import ErpExportsSpent, ErpLoginsSpent
from sync.models import ErpDay
from sync.progress import ignore_progress
from sync.service import get_service

ROME = ZoneInfo("Europe/Rome")
LONGEST = timedelta(minutes=5)  # that a fetch may take
OFFICE = parse_hours(EXAMPLE)  # Mon-Sat 07:00-20:00


def rome(text):
    """A moment by the clock in Italy; of an hour that comes twice, the first."""
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


# The hours


@pytest.mark.parametrize(
    ("hours", "at", "is_open"),
    [
        (EXAMPLE, "2026-12-01 06:59:59", False),  # a Tuesday
        (EXAMPLE, "2026-12-01 07:00:00", True),
        (EXAMPLE, "2026-12-01 19:59:59", True),
        (EXAMPLE, "2026-12-01 20:00:00", False),
        (EXAMPLE, "2026-12-05 12:00:00", True),  # Saturday
        (EXAMPLE, "2026-12-06 12:00:00", False),  # Sunday
        ("Mon-Fri 07:00-20:00, Sat 08:00-13:00", "2026-12-05 12:59:59", True),
        ("Mon-Fri 07:00-20:00, Sat 08:00-13:00", "2026-12-05 13:00:00", False),
        ("mon-fri 07:00 - 20:00,sat  08:00-13:00", "2026-12-05 08:00:00", True),
        ("Fri-Mon 07:00-20:00", "2026-12-06 12:00:00", True),  # over the end of the week
        ("Fri-Mon 07:00-20:00", "2026-12-01 12:00:00", False),
        ("Mon-Sun 22:00-24:00, Mon-Sun 00:00-05:00", "2026-12-01 00:00:00", True),
        ("Mon-Sun 22:00-24:00, Mon-Sun 00:00-05:00", "2026-12-01 05:00:00", False),
        ("always", "2026-12-06 03:00:00", True),
        ("Mon-Sun 00:00-24:00", "2026-12-06 03:00:00", True),
    ],
)
def test_the_hours_are_those_of_a_week_in_italy(hours, at, is_open):
    assert parse_hours(hours).is_open(rome(at).astimezone(UTC)) == is_open


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "“” is not days and times"),
        ("7-20", "“7-20” is not days and times"),
        ("Mon-Sat 07:00-20:00,", "“” is not days and times"),
        ("Lun-Sab 07:00-20:00", "“lun” is not a day: they are Mon, Tue, Wed, Thu, Fri, Sat, Sun"),
        ("Mon 07:00-24:01", "“24:01” is not a time from 00:00 to 24:00"),
        ("Mon 07:60-20:00", "“07:60” is not a time from 00:00 to 24:00"),
        ("Mon 20:00-07:00", "“Mon 20:00-07:00” ends before it begins; for hours over midnight write two ranges"),
        ("Mon 07:00-07:00", "“Mon 07:00-07:00” ends before it begins; for hours over midnight write two ranges"),
    ],
)
def test_hours_that_cannot_be_read_say_why(text, reason):
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        parse_hours(text)


def test_a_process_with_hours_that_cannot_be_read_stops_with_an_example(real_processes):
    environment = os.environ | {"ERP_HOURS": "dalle 7 alle 20", "DJANGO_SETTINGS_MODULE": "archibald.settings"}
    command = [sys.executable, "-c", "from django.conf import settings; settings.ERP_HOURS"]
    found = subprocess.run(
        command, env=environment, cwd=django_settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert found.returncode
    assert (
        "ERP_HOURS must be hours such as “Mon-Sat 07:00-20:00”, several separated by commas, or “always”: "
        "“dalle 7 alle 20” is not days and times." in found.stderr
    )


@pytest.mark.parametrize(
    ("at", "opening", "closing"),
    [
        ("2026-12-01 12:00", "2026-12-01 12:00", "2026-12-01 20:00"),
        ("2026-12-01 20:00", "2026-12-02 07:00", None),
        ("2026-12-05 21:00", "2026-12-07 07:00", None),  # Saturday evening: Monday
        ("2026-10-24 20:30", "2026-10-26 07:00", None),  # the clock is put back in between
        ("2026-03-28 20:30", "2026-03-30 07:00", None),  # and forward
    ],
)
def test_the_next_opening_and_closing_are_shown_by_the_clock_in_italy(at, opening, closing):
    assert OFFICE.find_opening(rome(at)) == rome(opening)
    assert OFFICE.find_closing(rome(at)) == (rome(closing) if closing else None)


@pytest.mark.parametrize(
    ("at", "hours"), [("2026-10-25 00:00", 25), ("2026-03-29 00:00", 23), ("2026-12-06 00:00", 24)]
)
def test_a_day_of_a_clock_change_is_as_long_as_it_is(at, hours):
    window = parse_hours("Sun 00:00-24:00").find_window(rome(at))
    assert window.closes - window.opens == timedelta(hours=hours)


def test_hours_that_begin_in_an_hour_that_does_not_exist_begin_when_the_clock_has_jumped():
    window = parse_hours("Sun 02:30-04:00").find_window(rome("2026-03-29 00:00"))
    assert (window.opens, window.closes) == (rome("2026-03-29 03:30"), rome("2026-03-29 04:00"))


@pytest.mark.parametrize(
    ("since", "minutes", "until"),
    [
        ("2026-12-01 12:00", 40, "2026-12-01 12:40"),
        ("2026-12-01 19:50", 40, "2026-12-02 07:30"),
        ("2026-12-01 19:20", 40, "2026-12-02 07:00"),  # nothing can be done at 20:00
        ("2026-12-01 23:00", 40, "2026-12-02 07:40"),
        ("2026-12-05 19:50", 40, "2026-12-07 07:30"),
        ("2026-12-05 19:50", 14 * 60, "2026-12-08 07:50"),  # more than one day's hours
        ("2026-10-24 19:50", 40, "2026-10-26 07:30"),
        ("2026-03-28 19:50", 40, "2026-03-30 07:30"),
    ],
)
def test_time_passes_within_the_hours_only(since, minutes, until):
    assert OFFICE.add_open_time(rome(since), timedelta(minutes=minutes)) == rome(until)


# The budget


@pytest.fixture
def limits(settings):
    settings.ERP_URL = "https://erp.example/Archibald"
    settings.ERP_LOGINS_A_DAY, settings.ERP_EXPORTS_A_DAY, settings.ERP_HOURS = 2, 3, OFFICE


def counted():
    return list(ErpDay.objects.order_by("day").values_list("day", "logins", "exports", "looks"))


@pytest.mark.django_db
def test_what_is_asked_is_counted_and_refused_over_the_limit(limits):
    with time_machine.travel(rome("2026-12-01 12:00"), tick=False):
        for _ in range(2):
            allowance.spend_login()
        with pytest.raises(ErpLoginsSpent, match=r"2 times today.* ERP_LOGINS_A_DAY .*from 02/12/2026 07:00"):
            allowance.spend_login()
        for _ in range(3):
            allowance.spend_export()
        with pytest.raises(ErpExportsSpent, match=r"3 exports today.* ERP_EXPORTS_A_DAY .*from 02/12/2026 07:00"):
            allowance.spend_export()
        for _ in range(5):
            allowance.count_look()
    [(_day, *counts)] = counted()
    assert counts == [2, 3, 5]


@pytest.mark.django_db
def test_a_forced_run_s_exports_are_counted_and_not_refused_but_its_logins_are(limits):
    for _ in range(3):
        allowance.spend_export()
    for _ in range(2):
        allowance.spend_login()
    with allowance.lift_export_limit():
        allowance.spend_export()
        with pytest.raises(ErpLoginsSpent):
            allowance.spend_login()
    with pytest.raises(ErpExportsSpent):
        allowance.spend_export()
    [(_day, *counts)] = counted()
    assert counts == [2, 4, 0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("last", "first"),
    [
        ("2026-12-01 23:59:59", "2026-12-02 00:00:00"),
        ("2026-07-01 23:59:59", "2026-07-02 00:00:00"),  # 22:00 UTC
        ("2026-10-25 23:59:59", "2026-10-26 00:00:00"),  # after 25 hours
        ("2026-03-29 23:59:59", "2026-03-30 00:00:00"),  # after 23
    ],
)
def test_the_day_is_italy_s(limits, last, first):
    with time_machine.travel(rome(last), tick=False):
        for _ in range(2):
            allowance.spend_login()
    with time_machine.travel(rome(first), tick=False):
        allowance.spend_login()
    days = [(str(day), logins) for day, logins, *_others in counted()]
    assert days == [(last[:10], 2), (first[:10], 1)]


@pytest.mark.django_db
def test_the_hour_that_comes_twice_is_one_of_the_same_day(limits):
    before = rome("2026-10-25 02:30")
    for moment in (before, before.astimezone(UTC) + timedelta(hours=1)):
        with time_machine.travel(moment, tick=False):
            allowance.spend_login()
    assert [(str(day), logins) for day, logins, *_others in counted()] == [("2026-10-25", 2)]


@pytest.mark.django_db(transaction=True)
def test_of_many_that_want_the_last_only_so_many_get_it(limits, settings):
    settings.ERP_EXPORTS_A_DAY = 10

    def spend(_number):
        try:
            allowance.spend_export()
        except ErpExportsSpent:
            return "refused"
        finally:
            connection.close()
        return "spent"

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(spend, range(40)))
    assert (outcomes.count("spent"), outcomes.count("refused")) == (10, 30)
    assert [exports for _day, _logins, exports, _looks in counted()] == [10]


# The plain client


@pytest.fixture
def fetch(demo_server, tmp_path):
    client = HttpClient(
        demo_server.url,
        DEMO_USERNAME,
        DEMO_PASSWORD,
        spend_login=allowance.spend_login,
        spend_export=allowance.spend_export,
    )

    def fetch(erp_list: ErpList):
        return client.fetch(erp_list, to=tmp_path / "export.pdf", at_most=LONGEST, progress=ignore_progress)

    return fetch


@pytest.mark.django_db
def test_a_client_counts_its_logins_and_exports_in_the_caller_s_transaction(fetch):
    for sync_type in ("customers", "orders", "ddt"):
        fetch(get_service(sync_type).erp_list)
    [(_day, *counts)] = counted()
    assert counts == [1, 3, 0]


@pytest.mark.django_db
def test_a_client_that_may_not_log_in_or_export_asks_for_neither(fetch, demo_server, limits, settings):
    settings.ERP_LOGINS_A_DAY = 1
    customers = get_service("customers").erp_list
    for _ in range(3):
        fetch(customers)
    with pytest.raises(ErpExportsSpent):
        fetch(customers)
    demo_server.front_end.sessions.clear()
    with pytest.raises(ErpLoginsSpent):
        fetch(customers)
    assert demo_server.front_end.sessions == {}
    [(_day, *counts)] = counted()
    assert counts == [1, 3, 0]
