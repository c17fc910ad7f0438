"""The mirrored orders, their lines and what follows from them, products and their prices, and agents' drafts."""

from .catalogue import Price, Product
from .documents import Ddt, Invoice, Order
from .drafts import Draft, DraftLine
from .order_lines import LookedAtCustomer, OrderLine, OrderLinesFetch

__all__ = [
    "Ddt",
    "Draft",
    "DraftLine",
    "Invoice",
    "LookedAtCustomer",
    "Order",
    "OrderLine",
    "OrderLinesFetch",
    "Price",
    "Product",
]
