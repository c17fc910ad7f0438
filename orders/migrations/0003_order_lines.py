import django.db.models.deletion
from django.db import migrations, models

import sync.models.message_field


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0001_initial"),
        ("orders", "0002_terms"),
    ]

    operations = [
        migrations.CreateModel(
            name="LookedAtCustomer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("looked_at", models.DateTimeField(db_index=True, verbose_name="last looked at")),
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "customer looked at",
                "verbose_name_plural": "customers looked at",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="OrderLinesFetch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "order_changed_at",
                    models.DateTimeField(
                        help_text="When the order had last changed as its lines were asked for.",
                        verbose_name="state of the order",
                    ),
                ),
                ("tried_at", models.DateTimeField(verbose_name="last tried")),
                (
                    "attempts",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="For this state of the order.", verbose_name="attempts"
                    ),
                ),
                (
                    "fetched_at",
                    models.DateTimeField(
                        help_text="When the lines that are kept were asked for; empty if none are.",
                        null=True,
                        verbose_name="lines fetched",
                    ),
                ),
                ("error_class", models.CharField(blank=True, max_length=100, verbose_name="error")),
                (
                    "error_text",
                    sync.models.message_field.MessageField(
                        blank=True,
                        default=str,
                        help_text="Why the last attempt brought no lines.",
                        verbose_name="error text",
                    ),
                ),
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines_fetch",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
            ],
            options={
                "verbose_name": "fetch of order lines",
                "verbose_name_plural": "fetches of order lines",
            },
        ),
        migrations.CreateModel(
            name="OrderLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "position",
                    models.DecimalField(decimal_places=4, help_text="LINEA:", max_digits=19, verbose_name="position"),
                ),
                (
                    "article",
                    models.CharField(help_text="NOME ARTICOLO: (the code people type)", verbose_name="article name"),
                ),
                (
                    "quantity",
                    models.DecimalField(
                        decimal_places=4, help_text="QTÀ ORDINATA", max_digits=19, verbose_name="quantity"
                    ),
                ),
                (
                    "price_unit",
                    models.DecimalField(
                        decimal_places=4,
                        help_text="UNITÀ DI PREZZO: (whether it is a price or the pieces that a price is for is not known)",
                        max_digits=19,
                        null=True,
                        verbose_name="price unit",
                    ),
                ),
                (
                    "discount_percent",
                    models.DecimalField(
                        decimal_places=2, help_text="SCONTO %:", max_digits=17, null=True, verbose_name="discount %"
                    ),
                ),
                (
                    "order_discount_percent",
                    models.DecimalField(
                        decimal_places=2,
                        help_text="APPLICA SCONTO %:",
                        max_digits=17,
                        null=True,
                        verbose_name="order's discount %",
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(
                        decimal_places=2, help_text="IMPORTO DELLA LINEA", max_digits=17, verbose_name="amount"
                    ),
                ),
                ("is_net_price", models.BooleanField(help_text="PREZZO NETTO:", null=True, verbose_name="net price")),
                ("name", models.CharField(blank=True, default="", help_text="NOME", verbose_name="name")),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="order_lines",
                        to="orders.product",
                        verbose_name="product",
                    ),
                ),
            ],
            options={
                "verbose_name": "order line",
                "verbose_name_plural": "order lines",
                "ordering": ("order", "position"),
                "constraints": [
                    models.UniqueConstraint(fields=("order", "position"), name="one_order_line_per_position")
                ],
            },
        ),
    ]
