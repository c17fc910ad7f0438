from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0003_drafts"),
        ("sync", "0004_roles"),
    ]

    operations = []
