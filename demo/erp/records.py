"""What a record of each list holds, as typed values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from demo.erp.text import round_to_cents

NOTHING = Decimal("0.00")
NEVER = datetime.min  # noqa: DTZ901  # Italian, as all of them


class OrderState:
    """How far an order is: its sales state, document state and transfer state."""

    PENDING = ("Ordine aperto", "Nessuno", "Modifica")
    OPEN = ("Ordine aperto", "Nessuno", "Trasferito")
    DELIVERED = ("Consegnato", "Documento di trasporto:", "Trasferito")
    INVOICED = ("Fatturato", "Fattura:", "Trasferito")


@dataclass(frozen=True, slots=True)
class Customer:
    """A practice; without an account number it is a prospect, or not yet approved."""

    id: int
    account: str
    name: str
    vat_number: str
    pec: str
    sdi: str
    fiscal_code: str
    delivery_mode: str
    street: str
    postcode: str
    city: str
    province: str
    phone: str
    mobile: str
    url: str
    attention: str
    email: str
    description: str
    type: str
    external_account: str
    our_account: str
    last_order: date | None = None
    orders_this_year: int = 0
    sales_this_year: Decimal = NOTHING
    orders_last_year: int = 0
    sales_last_year: Decimal = NOTHING
    orders_two_years_ago: int = 0
    sales_two_years_ago: Decimal = NOTHING

    @property
    def address(self) -> str:
        return f"{self.street}\n{self.postcode} {self.city} {self.province}"


@dataclass(frozen=True, slots=True)
class Order:
    """An order. `total` is not rounded: the ERP adds it up like this, and prints it to the cent."""

    id: int
    number: str  # empty while pending
    account: str
    customer_name: str
    delivery_name: str
    address: str
    email: str
    created_at: datetime
    delivery_date: date
    description: str
    customer_reference: str
    sales_state: str
    document_state: str
    type: str
    origin: str
    transfer_state: str
    transfer_date: date | None
    completion_date: date | None
    is_quote: bool
    is_gift: bool
    discount: Decimal  # percent
    gross: Decimal
    total: Decimal
    pieces: int
    vat_group: str
    modified_at: datetime = field(default=NEVER, compare=False, repr=False)

    @property
    def net(self) -> Decimal:
        return round_to_cents(self.total)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line of an order. `amount` is after the line's discount, and before the order's."""

    number: int
    article: str
    quantity: Decimal
    price_unit: Decimal
    discount: Decimal  # percent
    order_discount: Decimal  # percent
    amount: Decimal
    is_net_price: bool
    name: str


@dataclass(frozen=True, slots=True)
class Ddt:
    """A delivery note of an order, or of a part of it."""

    id: int
    number: str
    delivery_date: date
    order_number: str
    account: str
    customer_name: str
    delivery_name: str
    address: str
    pieces: int
    customer_reference: str
    description: str
    tracking: str
    terms: str
    delivery_mode: str
    attention: str
    delivery_city: str
    modified_at: datetime = field(default=NEVER, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice of one order; a credit note is negative."""

    number: str
    issued_on: date
    account: str
    customer_name: str
    quantity: Decimal
    net: Decimal
    line_discount: Decimal
    total_discount: Decimal
    tax: Decimal
    total: Decimal
    purchase_order: str
    customer_reference: str
    due_date: date
    payment_terms: str
    days_left: int  # until the due date; 0 once it is closed
    settled: Decimal
    last_payment: str
    settled_on: date | None
    closed_on: date | None
    remaining: Decimal
    order_number: str
    modified_at: datetime = field(default=NEVER, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Product:
    """One pack of an article: each pack has its own ID, minimum and multiple."""

    id: str
    name: str
    description: str
    group: str
    image: str
    pack_pieces: Decimal
    search_name: str
    price_unit: Decimal
    product_group: str
    group_description: str
    minimum: Decimal
    multiple: Decimal
    maximum: Decimal
    figure: str
    data_area: str
    record_id: int
    modified_at: datetime
    is_stopped: bool
    bulk_id: str
    pack: str
    shank: str
    size: str
    configuration: str
    created_by: str
    created_at: datetime
    default_quantity: Decimal
    display_number: str
    total_discount: Decimal
    line_discount: str
    modified_by: str
    is_orderable: bool
    purchase_price: Decimal
    standard_configuration: str
    standard_quantity: Decimal
    vat_group: str  # the key of a VAT group: neither its name nor its rate
    unit: str


@dataclass(frozen=True, slots=True)
class Price:
    """What an article costs a price group or one customer, from a day to a day, from a quantity to a quantity.

    The article need not be among the products.
    """

    id: int
    account_code: str  # says what the account is: Group, or Table for one customer
    account: str
    account_name: str
    product_id: str
    product_name: str
    valid_from: date
    valid_to: date | None
    quantity_from: Decimal
    quantity_to: Decimal | None
    price_unit: Decimal
    unit_price: Decimal
    currency: str
    is_net_price: bool
    modified_at: datetime = field(default=NEVER, compare=False, repr=False)
