from django.db import migrations, models

from sync.database.migration_steps import fill_search_texts
from sync.models.search_field import SearchField


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="search_text",
            field=SearchField(
                "search text", sources=("name", "city", "account_number", "vat_number", "phone", "mobile")
            ),
        ),
        fill_search_texts("customers.Customer"),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                condition=models.Q(removed_at=None),
                fields=["search_text", "id", "removed_at"],
                name="customers_in_order",
            ),
        ),
        migrations.AlterField(
            model_name="customer",
            name="removed_at",
            field=models.DateTimeField(
                "removed", null=True, editable=False, help_text="Absent from two full exports in a row."
            ),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                condition=models.Q(removed_at__isnull=False), fields=["removed_at"], name="customers_removed"
            ),
        ),
    ]
