"""Numbers of orders on a page, as the order form shows them."""

from __future__ import annotations

from decimal import Decimal

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _

register = template.Library()

SYMBOLS = {"EUR": "€"}


@register.filter("number")
def format_shortest(value: Decimal) -> str:
    """No more decimals than it has."""
    return number_format(value.normalize(), use_l10n=True)


@register.filter("money")
def format_money(amount: Decimal, currency: str) -> str:
    """Two decimals, or as many more as it has."""
    places = max(2, -int(amount.normalize().as_tuple().exponent))
    shown = number_format(amount, places, use_l10n=True, force_grouping=True)
    symbol = SYMBOLS.get(currency, f"{currency}\N{NO-BREAK SPACE}")
    return _("{currency}{amount}").format(currency=symbol, amount=shown).strip()


@register.filter("euro")
def format_euro(amount: Decimal | None) -> str:
    """An amount in euro; one that the ERP did not show says so, and is no 0."""
    return _("Not known") if amount is None else format_money(amount, "EUR")


@register.filter("difference")
def format_difference(difference: Decimal | None) -> str:
    """How much more or less an order in the ERP, in euro, comes to than its draft."""
    if difference is None:
        return _("amount not known")
    if not difference:
        return _("same amount")
    text = _("{amount} more") if difference > 0 else _("{amount} less")
    return text.format(amount=format_money(abs(difference), "EUR"))
