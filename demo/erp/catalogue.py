"""The demo ERP's products and their prices: invented, and always the same for the same seed, scale and day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from demo.erp import invented
from demo.erp import vocabulary as words
from demo.erp.records import NOTHING, Price, Product

# Of 4,540 products and 4,955 prices, as they were seen in the real ERP's lists.
VAT_STANDARD, VAT_REDUCED, NO_VAT = "5", "1", "0"  # keys of VAT groups: 22 %, 4 %, none
REDUCED_VAT = 121  # products
FIRST_REDUCED, COURSE = 5, 10  # places; the course is the only product without VAT
UNPRICED = 20  # products, the latest
UNKNOWN_ARTICLES = 430  # have a price, and are not among the products
SECOND_PRICES = 5  # of articles that have one already
WITHOUT_ACCOUNT = 3  # of the second prices; of which articles the real ones are is not known
PRICE_GROUP = ("002", "DETTAGLIO (consigliato)")
PRICED_FOR_EVER = date(2154, 12, 31)
ANY_QUANTITY = Decimal(100_000_000)

# One article name comes in several packs: 22 products have 19 names, so 4,540 have 3,920.
PACKS = {"K1": 10, "K2": 5, "K3": 1, "K4": 100}  # pieces
ROUND = 19  # articles, whose packs come again with the next ones
SEVERAL_PACKS = {0: ("K1", "K2", "K3"), 9: ("K2", "K3")}  # of a round's articles
ONLY_PACK = ("K2", "K3", "K2", "K1", "K4")  # of the others, by turns
PRODUCTS_OF_ROUND = [
    (article, pack) for article in range(ROUND) for pack in range(len(SEVERAL_PACKS.get(article, ("only",))))
]


class Catalogue:
    """So many products, and how many prices they have."""

    def __init__(self, *, seed: int, scale: float, today: date, products: int) -> None:
        self.seed = seed
        self.scale = scale
        self.today = today
        self.products = products
        self.priced_products = products - self.scale_number(UNPRICED)
        self.second_prices = max(SECOND_PRICES, self.scale_number(SECOND_PRICES))
        self.without_account = max(WITHOUT_ACCOUNT, self.scale_number(WITHOUT_ACCOUNT))
        self.first_second_price = self.priced_products + self.scale_number(UNKNOWN_ARTICLES)
        self.prices = self.first_second_price + self.second_prices

    def scale_number(self, number: int) -> int:
        """What is left of a number of records at this scale; at least one."""
        return max(1, round(number * self.scale))

    def make_product(self, place: int) -> Product:
        rounds, rest = divmod(place, len(PRODUCTS_OF_ROUND))
        in_round, pack_place = PRODUCTS_OF_ROUND[rest]
        article = rounds * ROUND + in_round
        is_course = place == COURSE
        packs = SEVERAL_PACKS.get(in_round) or (ONLY_PACK[article % len(ONLY_PACK)],)
        pack = "" if is_course else packs[pack_place]
        pieces = Decimal(PACKS.get(pack, 0))
        random = invented.make_random(self.seed, "article", article)
        name = make_article_name(9801, article)
        figure, shank, size = name.split(".")
        group, group_description, description = words.COURSE if is_course else random.choice(words.PRODUCT_GROUPS)
        created_at = datetime.combine(self.today - timedelta(days=400 + random.randrange(3000)), time(9, 12, 4))
        modified = invented.make_random(self.seed, "product", place)
        return Product(
            id=f"{1627 + article * 7:06d}{pack}",
            name=name,
            description=(
                description
                if is_course
                else f"{description} Ø {int(size) / 10:.1f} MM{random.choice(words.PRODUCT_REMARKS)}"
            ),
            group=group,
            image="System.Byte[]",
            pack_pieces=pieces,
            search_name=f"{figure}{shank}{size}",
            price_unit=Decimal(article % 3 != 0),
            product_group=f"{group}{article % 9:02d}",
            group_description=group_description,
            minimum=pieces,
            multiple=pieces,
            maximum=Decimal(0),
            figure=figure,
            data_area="it1",
            record_id=5_637_000 + place,
            modified_at=datetime.combine(
                self.today - timedelta(days=1 + modified.randrange(360)), time(7 + modified.randrange(12), 30, 15)
            ),
            is_stopped=random.random() < 0.02,
            bulk_id="",
            pack=pack,
            shank=shank,
            size=size,
            configuration=pack,
            created_by="admin",
            created_at=created_at,
            default_quantity=pieces,
            display_number=f"{name} {pack}".rstrip(),
            total_discount=Decimal(0),
            line_discount="",
            modified_by=modified.choice(("admin", "listino")),
            is_orderable=True,
            purchase_price=NOTHING,
            standard_configuration=pack,
            standard_quantity=pieces,
            vat_group=self.find_vat_group(place),
            unit="pz",
        )

    def find_vat_group(self, place: int) -> str:
        if place == COURSE:
            return NO_VAT
        is_reduced = invented.is_one_of(place, self.scale_number(REDUCED_VAT), self.products, first=FIRST_REDUCED)
        return VAT_REDUCED if is_reduced else VAT_STANDARD

    def make_price(self, place: int) -> Price:
        """First those of products, then those of articles that are no products, then second prices."""
        if place < self.priced_products:
            product = self.make_product(place)
            return self.make_list_price(place, product.id, product.name)
        unknown = place - self.priced_products
        if place < self.first_second_price:
            return self.make_list_price(place, f"{1630 + unknown * 7:06d}K2", make_article_name(7401, unknown))
        return self.make_second_price(place)

    def make_list_price(self, place: int, product_id: str, product_name: str) -> Price:
        random = invented.make_random(self.seed, "price", place)
        account, account_name = PRICE_GROUP
        return Price(
            id=5_637_100 + place * 3,
            account_code="Group",
            account=account,
            account_name=account_name,
            product_id=product_id,
            product_name=product_name,
            valid_from=date(2022 + random.randrange(3), 1 + random.randrange(12), 1),
            valid_to=PRICED_FOR_EVER,
            quantity_from=Decimal(1),
            quantity_to=ANY_QUANTITY,
            price_unit=Decimal(0),
            unit_price=invented.make_amount(random, 4, 240),
            currency="EUR",
            is_net_price=False,
            modified_at=datetime.combine(self.today - timedelta(days=1 + place % 360), time(6, 30)),
        )

    def make_second_price(self, place: int) -> Price:
        """A higher price of a product from a later day; the first ones have no account."""
        rank = place - self.first_second_price
        first = self.make_price(rank * self.priced_products // self.second_prices)
        account, account_name = ("", "") if rank < self.without_account else PRICE_GROUP
        return replace(
            first,
            id=5_637_100 + place * 3,
            account=account,
            account_name=account_name,
            valid_from=date(2025, 3, 1 + rank % 28),
            unit_price=invented.take_percent(first.unit_price, 108),
        )


def make_article_name(first_figure: int, article: int) -> str:
    """Figure, shank and size: `9801.314.016`."""
    shank, size = words.SHANKS[article // 12 % 4], words.SIZES[article % 12]
    return f"{first_figure + article // 48}.{shank}.{size}"
