"""The mirrored orders and what follows from them, and the products and prices they are made of."""

from .catalogue import Price, Product
from .documents import Ddt, Invoice, Order

__all__ = ["Ddt", "Invoice", "Order", "Price", "Product"]
