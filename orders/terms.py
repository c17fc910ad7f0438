"""The company's terms on an order: shipping below an amount, discounts that need approval. Both are off until set."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings

from orders.totals import NO_SHIPPING, Shipping, Totals, round_to_cents


def find_shipping(net: Decimal, currency: str) -> Shipping:
    """What is charged for shipping an order of this net amount; nothing in a currency other than that of the terms."""
    below, amount, vat_rate = settings.SHIPPING_BELOW, settings.SHIPPING_AMOUNT, settings.SHIPPING_VAT_PERCENT
    if below is None or amount is None or vat_rate is None or currency != "EUR" or not 0 < net < below:
        return NO_SHIPPING
    return Shipping(round_to_cents(amount), vat_rate)


def needs_approval(totals: Totals) -> bool:
    """Whether the discounts, of lines and order together, are above APPROVAL_ABOVE_PERCENT."""
    return settings.APPROVAL_ABOVE_PERCENT is not None and totals.discount_percent > settings.APPROVAL_ABOVE_PERCENT
