"""A customer as the API gives it."""

from __future__ import annotations

from customers.models import Customer
from sync.api.base import MIRROR_FIELDS, MirroredSerializer


class CustomerSerializer(MirroredSerializer):
    """A customer, or a prospect: one without an account number."""

    class Meta:
        model = Customer
        fields = (
            "erp_id",
            "account_number",
            "name",
            "vat_number",
            "tax_code",
            "certified_email",
            "sdi_code",
            "street",
            "postcode",
            "city",
            "phone",
            "mobile",
            "website",
            "attention_to",
            "delivery_mode",
            "customer_type",
            "description",
            "last_order_date",
            "orders_this_year",
            "sales_this_year",
            "orders_last_year",
            "sales_last_year",
            *MIRROR_FIELDS,
        )
