"""Orders, and the delivery notes (DDT) and invoices that follow from them."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from orders.tracking import Shipment
from sync.database import clock
from sync.models import AMOUNT, NUMBER, TEXT, MirroredModel, list_indexes


class Order(MirroredModel):
    """An order as the ERP shows it. It has no number while it is pending."""

    search_fields = ("number", "customer_name", "account_number", "description", "delivery_name", "customer_reference")
    list_order = ("-ordered_at", "-pk")

    erp_id = models.IntegerField(_("ERP ID"), unique=True, help_text="ID")
    number = models.CharField(_("order number"), **TEXT, help_text="ID DI VENDITA")
    account_number = models.CharField(_("account number"), **TEXT, help_text="PROFILO CLIENTE:")
    customer_name = models.CharField(_("customer name"), **TEXT, help_text="NOME VENDITE:")

    delivery_name = models.CharField(_("delivery name"), **TEXT, help_text="NOME DI CONSEGNA")
    delivery_address = models.CharField(_("delivery address"), **TEXT, help_text="INDIRIZZO DI CONSEGNA")

    ordered_at = models.DateTimeField(_("ordered at"), null=True, help_text="DATA DI CREAZIONE")
    delivery_date = models.DateField(_("delivery date"), null=True, help_text="DATA DI CONSEGNA")
    description = models.CharField(
        _("description"),
        **TEXT,
        help_text=_("RIMANI VENDITE FINANZIARIE (mislabelled: the agent's description of the order)"),
    )

    customer_reference = models.CharField(_("customer reference"), **TEXT, help_text="RIFERIMENTO CLIENTE")
    sales_status = models.CharField(_("sales status"), **TEXT, help_text="STATO DELLE VENDITE")
    order_type = models.CharField(_("order type"), **TEXT, help_text="TIPO DI ORDINE")
    document_status = models.CharField(_("document status"), **TEXT, help_text="STATO DEL DOCUMENTO")

    sales_origin = models.CharField(_("sales origin"), **TEXT, help_text="ORIGINE VENDITE:")
    transfer_status = models.CharField(_("transfer status"), **TEXT, help_text="STATO DEL TRASFERIMENTO")
    transfer_date = models.DateField(_("transfer date"), null=True, help_text="DATA DI TRASFERIMENTO")

    completion_date = models.DateField(_("completion date"), null=True, help_text="DATA DI COMPLETAMENTO")
    is_quote = models.BooleanField(_("quote"), null=True, help_text="PREVENTIVO:")
    discount_percent = models.DecimalField(_("discount %"), **AMOUNT, null=True, help_text="APPLICA SCONTO %:")
    gross_amount = models.DecimalField(_("gross amount"), **AMOUNT, null=True, help_text="IMPORTO LORDO:")
    total_amount = models.DecimalField(_("total amount"), **AMOUNT, null=True, help_text="IMPORTO TOTALE")
    is_gift = models.BooleanField(_("gift order"), null=True, help_text="ORDINE OMAGGIO:")

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = (
            models.Index(fields=["number"]),
            models.Index(fields=["account_number"]),
            models.Index(fields=["ordered_at"]),
            *list_indexes("orders", "ordered_at", "id"),
        )

    def __str__(self) -> str:
        return self.number or f"ID {self.erp_id}"

    @property
    def customer(self) -> Customer | None:
        return Customer.objects.find_match(account_number=self.account_number)

    @property
    def ddts(self) -> models.QuerySet[Ddt]:
        return Ddt.objects.matching(order_number=self.number)

    @property
    def invoices(self) -> models.QuerySet[Invoice]:
        return Invoice.objects.matching(order_number=self.number)


class Ddt(MirroredModel):
    """A delivery note, documento di trasporto: one shipment of an order."""

    search_fields = ("number", "customer_name", "order_number", "account_number", "tracking", "delivery_name")
    list_order = ("-delivery_date", "-pk")

    erp_id = models.IntegerField(_("ERP ID"), unique=True, help_text="ID")
    number = models.CharField(_("DDT number"), **TEXT, help_text="DOCUMENTO DI TRASPORTO:")
    delivery_date = models.DateField(_("delivery date"), null=True, help_text="DATA DI CONSEGNA")
    order_number = models.CharField(_("order number"), **TEXT, help_text="ID DI VENDITA")

    account_number = models.CharField(_("account number"), **TEXT, help_text="CONTO DELL'ORDINE")
    customer_name = models.CharField(_("customer name"), **TEXT, help_text="NOME VENDITE:")

    delivery_name = models.CharField(_("delivery name"), **TEXT, help_text=_("NOME DI CONSEGNA (the first of two)"))
    delivery_address = models.CharField(
        _("delivery address"), **TEXT, help_text=_("NOME DI CONSEGNA (the second of two, mislabelled: the address)")
    )

    pieces = models.DecimalField(_("pieces"), **NUMBER, null=True, help_text="TOTALE")
    customer_reference = models.CharField(_("customer reference"), **TEXT, help_text="RIFERIMENTO CLIENTE")
    description = models.CharField(_("description"), **TEXT, help_text="DESCRIZIONE:")

    tracking = models.CharField(_("tracking"), **TEXT, help_text=_("NUMERO DI TRACCIABILITÀ (the text of its link)"))
    delivery_terms = models.CharField(_("delivery terms"), **TEXT, help_text="TERMINI DI CONSEGNA:")

    delivery_mode = models.CharField(_("delivery mode"), **TEXT, help_text="MODALITÀ DI CONSEGNA")
    attention_to = models.CharField(_("attention to"), **TEXT, help_text="ALL'ATTENZIONE DI")
    delivery_city = models.CharField(
        _("delivery city"), **TEXT, help_text=_("CITTÀ DI CONSEGNA (mislabelled: often an e-mail address)")
    )

    class Meta:
        verbose_name = _("DDT")
        verbose_name_plural = _("DDT")
        indexes = (
            models.Index(fields=["number"]),
            models.Index(fields=["order_number"]),
            models.Index(fields=["account_number"]),
            models.Index(fields=["delivery_date"]),
            *list_indexes("ddt", "delivery_date", "id"),
        )

    def __str__(self) -> str:
        return self.number or f"ID {self.erp_id}"

    @property
    def customer(self) -> Customer | None:
        return Customer.objects.find_match(account_number=self.account_number)

    @property
    def order(self) -> Order | None:
        return Order.objects.find_match(number=self.order_number)

    @property
    def invoices(self) -> models.QuerySet[Invoice]:
        return Invoice.objects.matching(order_number=self.order_number)

    @property
    def shipment(self) -> Shipment:
        return Shipment.parse(self.tracking)


class Invoice(MirroredModel):
    """An invoice, or a credit note: its amounts are negative. All amounts are in euro."""

    search_fields = ("number", "customer_name", "order_number", "account_number")
    list_order = ("-invoice_date", "-pk")

    number = models.CharField(_("invoice number"), unique=True, help_text="ID FATTURA")
    invoice_date = models.DateField(_("invoice date"), null=True, help_text="DATA FATTURA")
    account_number = models.CharField(_("account number"), **TEXT, help_text="CONTO FATTURE")

    customer_name = models.CharField(_("customer name"), **TEXT, help_text="NOME DI FATTURAZIONE")
    quantity = models.DecimalField(_("quantity"), **NUMBER, null=True, help_text="QUANTITÀ")
    sales_balance = models.DecimalField(_("sales balance"), **AMOUNT, null=True, help_text="SALDO VENDITE MST")

    line_discount = models.DecimalField(_("line discount"), **AMOUNT, null=True, help_text="SOMMA LINEA SCONTO MST")
    total_discount = models.DecimalField(_("total discount"), **AMOUNT, null=True, help_text="SCONTO TOTALE:")
    tax_amount = models.DecimalField(_("tax"), **AMOUNT, null=True, help_text="SOMMA FISCALE MST")
    total_amount = models.DecimalField(_("total amount"), **AMOUNT, null=True, help_text="IMPORTO FATTURA MST")

    purchase_order = models.CharField(_("purchase order"), **TEXT, help_text="ORDINE DI ACQUISTO")
    customer_reference = models.CharField(_("customer reference"), **TEXT, help_text="RIFERIMENTO CLIENTE")
    due_date = models.DateField(_("due date"), null=True, help_text="SCADENZA")

    payment_terms = models.CharField(_("payment terms"), **TEXT, help_text="ID TERMINE DI PAGAMENTO")
    days_left = models.IntegerField(
        _("days left"),
        null=True,
        help_text=_("OLTRE I GIORNI DI SCADENZA (until the due date, when it was exported; 0 once it is closed)"),
    )

    settled_amount = models.DecimalField(_("settled amount"), **AMOUNT, null=True, help_text="LIQUIDA IMPORTO MST")
    last_payment_number = models.CharField(_("last payment"), **TEXT, help_text="IDENTIFICATIVO ULTIMO PAGAMENTO:")
    last_settlement_date = models.DateField(_("last settlement"), null=True, help_text="DATA DI ULTIMA LIQUIDAZIONE")

    closed_date = models.DateField(_("closed on"), null=True, help_text=_("CHIUSO (a date: when it was closed)"))
    remaining_amount = models.DecimalField(
        _("remaining amount"), **AMOUNT, null=True, help_text="IMPORTO RIMANENTE MST"
    )
    order_number = models.CharField(_("order number"), **TEXT, help_text="ID VENDITE")

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        indexes = (
            models.Index(fields=["order_number"]),
            models.Index(fields=["account_number"]),
            models.Index(fields=["invoice_date"]),
            *list_indexes("invoices", "invoice_date", "id"),
        )

    def __str__(self) -> str:
        return self.number

    @property
    def customer(self) -> Customer | None:
        return Customer.objects.find_match(account_number=self.account_number)

    @property
    def order(self) -> Order | None:
        return Order.objects.find_match(number=self.order_number)

    @property
    def ddts(self) -> models.QuerySet[Ddt]:
        return Ddt.objects.matching(order_number=self.order_number)

    @property
    def is_overdue(self) -> bool | None:
        """Whether an amount is still to be paid after the due date, by today's date; None if that is not known."""
        if self.due_date is None or self.remaining_amount is None:
            return None
        return self.remaining_amount > 0 and self.due_date < clock.today()

    @staticmethod
    def build_overdue_condition() -> models.Q:
        """The condition of a query for those of which `is_overdue` is true."""
        return models.Q(remaining_amount__gt=0, due_date__lt=clock.today())

    @property
    def days_overdue(self) -> int | None:
        """Since the due date, today; 0 if nothing is overdue, None if that is not known."""
        if self.is_overdue is None or self.due_date is None:
            return None
        return (clock.today() - self.due_date).days if self.is_overdue else 0

    @property
    def overdue_amount(self) -> Decimal | None:
        """In euro; 0 if nothing is overdue, None if that is not known."""
        if self.is_overdue is None:
            return None
        return self.remaining_amount if self.is_overdue else Decimal("0.00")

    @property
    def is_credit_note(self) -> bool:
        return self.total_amount is not None and self.total_amount < 0
