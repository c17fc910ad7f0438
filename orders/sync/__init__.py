"""The lists of orders, DDT, invoices, products and prices: how the ERP exports them, and what has to agree in them."""
