"""The mirrored orders and what follows from them, the products and prices they are made of, and agents' drafts."""

from .catalogue import Price, Product
from .documents import Ddt, Invoice, Order
from .drafts import Draft, DraftLine

__all__ = ["Ddt", "Draft", "DraftLine", "Invoice", "Order", "Price", "Product"]
