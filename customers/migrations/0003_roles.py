from django.db import migrations

from sync.database.migration_steps import grant


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0002_search"),
        ("sync", "0004_roles"),
    ]

    operations = [
        grant("customers", operator=["view_customer"], administrator=["view_customer"]),
    ]
