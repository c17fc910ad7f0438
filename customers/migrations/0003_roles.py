from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0002_search"),
        ("sync", "0004_roles"),
    ]

    operations = []
