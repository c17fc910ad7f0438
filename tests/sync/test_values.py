"""The ERP's texts as values."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sync.exports import values

amounts = st.decimals(min_value=-999_999_999, max_value=999_999_999, places=2)


def italian(amount: Decimal) -> str:
    return f"{amount:,f}".translate(str.maketrans(",.", ".,"))


@given(amounts)
def test_any_amount_is_read_as_the_erp_prints_it(amount):
    assert values.money(f"{italian(amount)} €") == amount
    assert values.number(italian(amount)) == amount


@given(amounts)
def test_trailing_zeros_may_be_missing(amount):
    assert values.number(italian(amount).rstrip("0").rstrip(",")) == amount


@given(st.integers(-values.LARGEST_INTEGER, values.LARGEST_INTEGER))
def test_any_id_is_read_with_or_without_its_separators(number):
    assert values.integer(italian(Decimal(number))) == number
    assert values.integer(str(number)) == number


@given(st.text("0123456789.,-", min_size=1))
def test_separators_stand_where_the_erp_puts_them_or_the_number_is_refused(cell):
    try:
        number = values.number(cell)
    except ValueError:
        return
    whole, _, decimals = cell.removeprefix("-").partition(",")
    first, *thousands = whole.split(".")
    assert len(first) <= 3 or not thousands
    assert all(len(group) == 3 for group in thousands)
    assert number == Decimal(("-" if cell[0] == "-" else "") + "".join([first, *thousands]) + "." + (decimals or "0"))


@given(st.dates(min_value=dt.date(1000, 1, 1)))
def test_any_date_is_read(day):
    assert values.date(f"{day:%d/%m/%Y}") == day


@given(st.datetimes(min_value=dt.datetime(1900, 1, 1), max_value=dt.datetime(2100, 1, 1)))  # noqa: DTZ001
def test_any_moment_is_read_and_survives_the_database(moment):
    there = moment.replace(tzinfo=values.ERP_TIME_ZONE).astimezone(dt.UTC).astimezone(values.ERP_TIME_ZONE)
    assume(there.replace(tzinfo=None) == moment)  # it is no hour that a clock change skips
    read = values.date_time(f"{moment:%d/%m/%Y %H:%M:%S}")
    assert read
    assert read == dt.datetime.fromisoformat(read.isoformat())
    assert read.tzinfo is dt.UTC


def test_the_hour_that_the_clock_change_repeats_is_one_moment_in_utc():
    assert values.date_time("25/10/2026 02:30:00") == dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("converter", "cell", "value"),
    [
        (values.integer, "60.757", 60757),
        (values.record_id, "5.637.144.576", 5_637_144_576),
        (values.record_id, "9.223.372.036.854.775.807", 2**63 - 1),
        (values.number, "9.518,1", Decimal("9518.1")),
        (values.number, "-12,30", Decimal("-12.3")),
        (values.money, "0,00 €", Decimal(0)),
        (values.percent, "21,49 %", Decimal("21.49")),
        (values.boolean, "Checked", True),
        (values.boolean, "Unchecked", False),
        (values.boolean, "Sì", True),
        (values.boolean, "Si", True),
        (values.boolean, "No", False),
        (values.text, "00123", "00123"),
        (values.text, "", ""),
        (values.number, "", None),
        (values.integer, "", None),
        (values.record_id, "", None),
        (values.date, "18/01/2026 00:00:00", dt.date(2026, 1, 18)),
        (values.money, "€ 148,29", Decimal("148.29")),
        (values.unit_price, "€ 0,1234", Decimal("0.1234")),
        (values.money, "", None),
        (values.percent, "", None),
        (values.date, "", None),
        (values.date_time, "", None),
        (values.date, "01/01/0001", None),
        (values.date, "01/01/0001 00:00:00", None),
        (values.date_time, "01/01/0001 00:00:00", None),
        (values.date_time, "01/01/0001", None),
        (values.date_time, "29/03/2026 01:59:59", dt.datetime(2026, 3, 29, 0, 59, 59, tzinfo=dt.UTC)),
        (values.date_time, "29/03/2026 03:00:00", dt.datetime(2026, 3, 29, 1, 0, tzinfo=dt.UTC)),
        (values.date_time, "20/01/202612:04:22", dt.datetime(2026, 1, 20, 11, 4, 22, tzinfo=dt.UTC)),
        (values.date_time, "18/01/2026 12:04", dt.datetime(2026, 1, 18, 11, 4, tzinfo=dt.UTC)),
        (values.date_time, "18/01/2026", dt.datetime(2026, 1, 17, 23, 0, tzinfo=dt.UTC)),
        (values.boolean, "", None),
    ],
)
def test_values_as_the_erp_prints_them(converter, cell, value):
    assert converter(cell) == value


@pytest.mark.parametrize(
    ("converter", "cell"),
    [
        (values.number, "n/a"),
        (values.number, "1.23"),
        (values.number, "1,234.5"),
        (values.number, "1.2345"),
        (values.number, "12 %"),
        (values.number, "(12,30)"),  # so the grid shows it on the screen; exports print -12,30
        (values.number, "١٢"),
        (values.number, "0,00001"),
        (values.number, "1234567890123456"),
        (values.integer, "1,5"),
        (values.integer, "2.147.483.648"),
        (values.record_id, "9.223.372.036.854.775.808"),
        (values.money, "€"),
        (values.money, "1,005 €"),
        (values.percent, "%"),
        (values.date, "31/02/2026"),
        (values.date, "2026-01-18"),
        (values.date, "1/2/2026"),
        (values.date_time, "18/01/2026 12"),
        (values.date_time, "18/01/2026 25:00:00"),
        (values.date_time, "01/01/0001 00:00:01"),
        (values.date_time, "29/03/2026 02:30"),
        (values.date_time, "29/03/2026 02:00:00"),
        (values.boolean, "forse"),
        (values.text, "a\0b"),
        (values.text, "\ud800"),
        (values.text, "a" * 2001),
    ],
)
def test_what_is_no_such_value_is_refused(converter, cell):
    with pytest.raises(ValueError, match=r"^(a|an|text)\b"):
        converter(cell)
