from django.db import migrations

from sync.database.migration_steps import grant

VIEWS = ["view_order", "view_ddt", "view_invoice", "view_product", "view_price"]


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0003_drafts"),
        ("sync", "0004_roles"),
    ]

    operations = [
        grant("orders", operator=VIEWS, administrator=VIEWS),
    ]
