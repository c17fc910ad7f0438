from django.db import migrations, models

from sync.database.migration_steps import fill_search_texts
from sync.models.search_field import SearchField

SOURCES = {
    "order": ("number", "customer_name", "account_number", "description", "delivery_name", "customer_reference"),
    "ddt": ("number", "customer_name", "order_number", "account_number", "tracking", "delivery_name"),
    "invoice": ("number", "customer_name", "order_number", "account_number"),
    "product": ("name", "erp_id", "description"),
    "price": ("product_name", "product_erp_id", "account", "account_description"),
}
ORDERS = {
    "order": ("orders", ["ordered_at", "id", "search_text", "removed_at"]),
    "ddt": ("ddt", ["delivery_date", "id", "search_text", "removed_at"]),
    "invoice": ("invoices", ["invoice_date", "id", "search_text", "removed_at"]),
    "product": ("products", ["search_text", "id", "removed_at"]),
    "price": ("prices", ["search_text", "id", "removed_at"]),
}
PRESENT, REMOVED = models.Q(removed_at=None), models.Q(removed_at__isnull=False)


def removed_at():
    return models.DateTimeField(
        "removed", null=True, editable=False, help_text="Absent from two full exports in a row."
    )


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0001_initial"),
    ]

    operations = [
        *(
            migrations.AddField(model, "search_text", SearchField("search text", sources=sources))
            for model, sources in SOURCES.items()
        ),
        fill_search_texts("orders.Order", "orders.Ddt", "orders.Invoice", "orders.Product", "orders.Price"),
        *(migrations.AlterField(model, "removed_at", removed_at()) for model in ORDERS),
        *(
            migrations.AddIndex(model, models.Index(fields=fields, condition=PRESENT, name=f"{name}_in_order"))
            for model, (name, fields) in ORDERS.items()
        ),
        *(
            migrations.AddIndex(model, models.Index(fields=["removed_at"], condition=REMOVED, name=f"{name}_removed"))
            for model, (name, fields) in ORDERS.items()
        ),
    ]
