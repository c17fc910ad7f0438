"""The lists of orders, DDT, invoices, products and prices: how the ERP exports them, and what has to agree in them."""

from .ddt import DdtSync
from .invoices import InvoiceSync
from .orders import OrderSync
from .prices import PriceSync
from .products import ProductSync

__all__ = ["DdtSync", "InvoiceSync", "OrderSync", "PriceSync", "ProductSync"]
