from django.db import migrations

from sync.database.migration_steps import fill_search_texts


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0005_draft_outcome"),
    ]

    operations = [
        fill_search_texts("orders.Product", "orders.Price", "orders.Order", "orders.Ddt", "orders.Invoice"),
    ]
