"""Reading a list that somebody pasted: which products and quantities its lines name.

A list comes from a spreadsheet, with tabs or semicolons between its cells, or from a message: `9801.314.016 x 5`.
Nothing is guessed: a product is the one whose code a line has in full, whatever its dots, blanks and leading zeros, and
what leaves a choice is said.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from itertools import combinations, groupby

from django.utils.formats import get_format
from django.utils.translation import gettext as _

from orders.models import Product
from sync.database.search import compact

MOST_LINES = 200
LONGEST_LINE = 300  # characters: more is a text
LONGEST_CODE = 6  # words, as in `17431.654. S1`
SHORTEST_CODE = 4  # letters and digits of a code that may lack its leading zeros
LARGEST_QUANTITY = 1_000_000

UNITS = {"x", "×", "pz", "pezzi", "pezzo", "pcs", "pc", "pieces", "n", "nr", "qta", "quantita", "qty", "quantity"}
PACKS = {"conf", "confezione", "confezioni", "scatola", "scatole", "pack", "packs", "box", "boxes"}
QUANTITY_HEADERS = {"qta", "quantita", "qty", "quantity", "pezzi", "pz"}
CELL_ENDS = re.compile(r"[\t;|]")
GLUED = re.compile(r"(?:x|×|n[.°]?|nr\.?)?(\d[\d.,]*)(?:x|×|pz\.?|pezzi|pcs?\.?)?", re.IGNORECASE)
WRAPPING = "\"'`,:()[]{}*•·–—-=>"  # beside a word, it means nothing


class Doubt(StrEnum):
    """What is not clear about a line."""

    CODE = "code"  # no product has a code that the line names
    CODES = "codes"  # it names several articles, or other ones if its words are read as one code
    PACKS = "packs"  # its article comes in several packs
    QUANTITY = "quantity"  # several numbers may be the quantity, or it counts packs
    NO_QUANTITY = "no_quantity"
    TOO_LONG = "too_long"  # it is longer than LONGEST_LINE, and was not read


class TooManyLines(Exception):
    """The list is longer than MOST_LINES: the text says so."""


@dataclass(frozen=True)
class Word:
    text: str
    cell: int

    @cached_property
    def compact(self) -> str:
        return compact(self.text)

    @cached_property
    def number(self) -> Decimal | None:
        """The quantity that it is, `x5` and `5pz` included; None if it is none."""
        found = GLUED.fullmatch(self.text)
        return parse_quantity(found[1]) if found else None

    @property
    def is_marked(self) -> bool:
        """Whether it says itself that it is a quantity."""
        return self.number is not None and not (self.text[0].isdigit() and self.text[-1].isdigit())

    @cached_property
    def is_unit(self) -> bool:
        return self.compact in UNITS or self.text in UNITS


@dataclass(frozen=True)
class PastedLine:
    text: str  # as it was pasted
    code: str  # what stands for the product, as it was written
    quantity: Decimal | None
    products: list[Product] = field(default_factory=list)  # the packs of the article
    doubts: list[Doubt] = field(default_factory=list)


@dataclass(frozen=True)
class PastedList:
    lines: list[PastedLine]
    skipped: list[str]  # lines that name no product and have no digit, such as headers


class Codes:
    """The codes of all products, by letters and digits: articles' names and IDs. Read in one query."""

    def __init__(self) -> None:
        self.whole: dict[str, set[int]] = defaultdict(set)
        for key, *codes in Product.objects.present().values_list("pk", "name", "erp_id"):
            for code in filter(None, map(compact, codes)):
                self.whole[code].add(key)
        self.without_zeros: dict[str, set[int]] = defaultdict(set)
        for code, keys in self.whole.items():
            self.without_zeros[code.lstrip("0")] |= keys

    def find(self, code: str) -> set[int]:
        """The products with this code; if there are none, those whose code it is but for leading zeros."""
        shortened = code.lstrip("0")
        if len(shortened) < SHORTEST_CODE:
            return self.whole.get(code, set())
        return self.whole.get(code) or self.without_zeros.get(shortened, set())


def read_list(text: str) -> PastedList:
    """The lines of a pasted list, in two queries. Raises TooManyLines."""
    texts = [line.strip(" \r") for line in text.split("\n") if line.strip()]
    if len(texts) > MOST_LINES:
        message = _("A list may have {most} lines, and this one has {count}. Paste it in parts.")
        raise TooManyLines(message.format(most=MOST_LINES, count=len(texts)))
    codes = Codes()
    read: list[tuple[PastedLine, set[int]]] = []
    skipped = []
    column = None
    for line in texts:
        if len(line) > LONGEST_LINE:
            read.append((PastedLine(line, line[:LONGEST_LINE], None, doubts=[Doubt.TOO_LONG]), set()))
            continue
        words = split_line(line)
        found = find_code(words, codes)
        if not found and not any(character.isdigit() for character in line):
            skipped.append(line)
            column = find_quantity_column(line) or column
        else:
            read.append(read_line(line, words, found, column))
    products = Product.objects.in_bulk(set().union(*(keys for _line, keys in read)))
    return PastedList([add_products(line, keys, products) for line, keys in read], skipped)


def split_line(line: str) -> list[Word]:
    words = []
    for place, cell in enumerate(CELL_ENDS.split(line)):
        for text in cell.split():
            is_whole = "," not in text or parse_quantity(text.strip(WRAPPING)) is not None
            parts = [text] if is_whole else text.split(",")
            words += [Word(part.strip(WRAPPING), place) for part in parts if part.strip(WRAPPING)]
    return words


def find_quantity_column(header: str) -> int | None:
    """The cell of the quantities, if a header names it."""
    cells = [compact(cell) for cell in CELL_ENDS.split(header)]
    return next((place for place, cell in enumerate(cells) if cell in QUANTITY_HEADERS and len(cells) > 1), None)


def find_code(words: list[Word], codes: Codes) -> dict[range, set[int]]:
    """The products that words name, by the place of the words; a number is a code only if nothing else is one.

    Words are read as one code if they are one together. If some of them alone name other products, it is not clear
    which are meant: these words are given, with no products.
    """
    found: dict[range, set[int]] = {}
    for start in range(len(words)):
        code = ""
        for end, word in enumerate(words[start : start + LONGEST_CODE], start + 1):
            code += word.compact
            if word.cell == words[start].cell and (keys := codes.find(code)):
                found[range(start, end)] = keys
    longest: list[range] = []
    for _start, places in groupby(found, key=lambda place: place.start):
        place = max(places, key=len)
        if not longest or place.stop > longest[-1].stop:
            longest.append(place)
    named = [place for place in longest if len(place) > 1 or words[place.start].number is None] or longest
    clear: dict[range, set[int]] = {}
    for place in named:
        parts = [part for part in list_parts(place) if part in found and found[part].isdisjoint(found[place])]
        clear.update({part: set() for part in parts} if parts else {place: found[place]})
    return clear


def list_parts(place: range) -> Iterator[range]:
    """The shorter runs of words within one."""
    for start, end in combinations(range(place.start, place.stop + 1), 2):
        if end - start < len(place):
            yield range(start, end)


def read_line(
    line: str, words: list[Word], found: Mapping[range, set[int]], column: int | None
) -> tuple[PastedLine, set[int]]:
    """A line without its products, and their keys."""
    taken = {place for run in found for place in run}
    quantities = find_quantities(words, taken, column)
    counts_packs = any(word.compact in PACKS for word in words)
    places = next(iter(quantities), None)
    is_clear = len(quantities) == 1 and not counts_packs
    quantity = words[places].number if places is not None and is_clear else None
    keys = set.intersection(*found.values()) if found else set()
    doubts = []
    if not keys:
        doubts.append(Doubt.CODES if found else Doubt.CODE)
    if quantity is None:
        doubts.append(Doubt.QUANTITY if quantities else Doubt.NO_QUANTITY)
    if found:
        code = " ".join(words[place].text for place in max(found, key=len))
    else:
        code = name_code(words, places if quantity is not None else None) or line
    return PastedLine(line, code, quantity, doubts=doubts), keys


def name_code(words: list[Word], quantity: int | None) -> str:
    """What a line says of a product that is not found: the first cell that is more than the quantity."""
    rest = [word for place, word in enumerate(words) if place != quantity and not word.is_unit]
    return " ".join(word.text for word in rest if word.cell == rest[0].cell)


def find_quantities(words: list[Word], taken: set[int], column: int | None) -> list[int]:
    """The places of the numbers that may be the quantity.

    Those in the quantities' column; else those that say so, by `x` or `pz`; else those that have a cell of their own;
    else those beside the code and at the ends of the line.
    """
    numbers = [place for place, word in enumerate(words) if place not in taken and word.number is not None]
    sizes = Counter(word.cell for word in words)
    in_column = [place for place in numbers if words[place].cell == column]
    marked = [place for place in numbers if words[place].is_marked or is_beside_unit(words, place)]
    alone = [place for place in numbers if sizes[words[place].cell] == 1 and len(sizes) > 1]
    edges = {0, len(words) - 1} | {place + step for place in taken for step in (-1, 1)}
    return in_column or marked or alone or [place for place in numbers if place in edges]


def is_beside_unit(words: list[Word], place: int) -> bool:
    around = [words[each] for each in (place - 1, place + 1) if 0 <= each < len(words)]
    return any(word.is_unit and word.cell == words[place].cell for word in around)


def add_products(line: PastedLine, keys: Iterable[int], products: Mapping[int, Product]) -> PastedLine:
    packs = sorted((products[key] for key in keys), key=lambda product: (product.search_text, product.pk))
    doubts = [*([Doubt.PACKS] if len(packs) > 1 else []), *line.doubts]
    return PastedLine(line.text, line.code, line.quantity, packs, doubts)


def parse_quantity(text: str) -> Decimal | None:
    """A number in the active language, as boxes of the order form take it; None if it is none."""
    separator = get_format("THOUSAND_SEPARATOR")
    group = re.escape(separator)
    if separator in text and re.fullmatch(rf"[1-9]\d{{0,2}}({group}\d{{3}})+([.,]\d+)?", text):
        text = re.sub(rf"{group}(?=\d{{3}})", "", text)
    plain = text.replace(",", ".")
    is_number = re.fullmatch(r"\d{1,7}(\.\d{1,4})?", plain, re.ASCII)
    return Decimal(plain) if is_number and Decimal(plain) <= LARGEST_QUANTITY else None
