from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sync", "0009_alerts"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncworker",
            name="stopped_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="stopped"),
        ),
    ]
