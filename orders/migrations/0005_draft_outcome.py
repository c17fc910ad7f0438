import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0001_initial"),
        ("orders", "0004_draft_details"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="draft",
            name="closed_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="closed"),
        ),
        migrations.AddField(
            model_name="draft",
            name="confirmed_by",
            field=models.ForeignKey(
                editable=False,
                help_text="Who chose the order; empty if it was the only one that fits.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="confirmed by",
            ),
        ),
        migrations.AddField(
            model_name="draft",
            name="found_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="found in the ERP"),
        ),
        migrations.AddField(
            model_name="draft",
            name="handed_over_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="handed over"),
        ),
        migrations.AddField(
            model_name="draft",
            name="handed_over_how",
            field=models.CharField(
                blank=True,
                choices=[("printed", "printed"), ("copied", "copied"), ("entered", "entered in the ERP")],
                editable=False,
                max_length=10,
                verbose_name="handed over how",
            ),
        ),
        migrations.AddField(
            model_name="draft",
            name="order",
            field=models.OneToOneField(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="draft",
                to="orders.order",
                verbose_name="order",
            ),
        ),
        migrations.AddField(
            model_name="draft",
            name="rejected_orders",
            field=models.ManyToManyField(
                help_text="Orders that are not this draft.",
                related_name="+",
                to="orders.order",
                verbose_name="rejected orders",
            ),
        ),
        migrations.AddField(
            model_name="draftline",
            name="is_net_price",
            field=models.BooleanField(
                help_text="Whether the ERP called the price a net price; empty if it did not say.",
                null=True,
                verbose_name="net price",
            ),
        ),
        migrations.AddField(
            model_name="draftline",
            name="price_audience",
            field=models.CharField(
                blank=True,
                choices=[("customer", "one customer"), ("group", "a price group"), ("everybody", "everybody")],
                help_text="Whom the price was for.",
                max_length=10,
                verbose_name="price for",
            ),
        ),
        migrations.AddIndex(
            model_name="draft",
            index=models.Index(
                condition=models.Q(("closed_at", None), ("order", None), ("deleted_at", None)),
                fields=["changed_at"],
                name="drafts_in_hand",
            ),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.CheckConstraint(
                condition=models.Q(("order", None), ("closed_at", None), _connector="OR"),
                name="found_drafts_are_not_closed",
            ),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("found_at", None), ("order", None)),
                    models.Q(("found_at__isnull", False), ("order__isnull", False)),
                    _connector="OR",
                ),
                name="found_drafts_have_a_time",
            ),
        ),
    ]
