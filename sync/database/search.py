"""Finding records by what people type: parts of words, in any order, whatever their case, accents and punctuation.

A record's search text is made of the words of some of its fields. A word is what stands between blanks, with nothing
but its letters and digits left: `9801.314.016` is `9801314016`, `S.R.L.` is `srl`, `D'Angelo` is `dangelo`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import Model, Q, QuerySet

MOST = 1000  # records that a search gives; who does not find theirs among them types more
RANKED = 500  # of equally good matches, the first of their list, that are sorted by what their list weighs them by
CANDIDATES = 5000  # that are ranked: every record of a list of the usual size
LENGTH = 200  # characters of a typed text, and
WORDS = 10  # of its words, that are considered
TEXT_BYTES = 2000  # of a search text; PostgreSQL indexes at most 2,704
NOT_SEPARABLE = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i"})
PUNCTUATION = re.compile(r"[\W_]+")
NAME = re.compile(r"[^\W\d_]{2}")  # a code or an abbreviation has none: 9801.314, S.r.l.
LAST = "\U0010ffff"  # sorts after whatever else may follow a text


Weigh = Callable[[list[int]], Mapping[int, Any]]  # by primary key, what equally good matches are sorted by
weighings: dict[type[Model], Weigh] = {}  # of the lists that are not simply in their order


def weighs(model: type[Model]) -> Callable[[Weigh], Weigh]:
    """Declare what sorts equally good matches of a list, the least first."""

    def register(weigh: Weigh) -> Weigh:
        weighings[model] = weigh
        return weigh

    return register


@dataclass(frozen=True)
class Word:
    """A typed word: whole, and as the pieces of it that a record has to contain."""

    whole: str
    pieces: tuple[str, ...]

    def begins_in(self, text: str) -> bool:
        """Whether it, or each of its pieces, begins a word of a search text."""
        return f" {self.whole}" in text or all(f" {piece}" in text for piece in self.pieces)


# Texts


@lru_cache(maxsize=4096)
def compact(word: str) -> str:
    """A word's letters and digits, without case and accents; "" if it has none."""
    letters = "".join(filter(str.isalnum, unicodedata.normalize("NFKD", word)))
    return letters.casefold().translate(NOT_SEPARABLE)


def split_words(text: str) -> Iterator[str]:
    """The words of a text, compact."""
    return filter(None, map(compact, text.split()))


def normalise(text: str) -> str:
    """A text's words, each once, with a blank before each: where ` ross` is found, a word begins with it."""
    return "".join(f" {word}" for word in dict.fromkeys(split_words(text)))


def build_search_text(values: Iterable[str]) -> str:
    """What a record is found by, from the values of its fields; those that lists are sorted by come first."""
    return normalise(" ".join(values)).encode()[:TEXT_BYTES].decode(errors="ignore")


# Typed words


def parse_words(text: str) -> list[Word]:
    """What to look for; nothing if there is no letter or digit.

    Punctuation beside a name may stand for a blank: `dott.rossi` finds `Dott. Rossi` too.
    """
    found: dict[Word, None] = {}
    for word in text[:LENGTH].split():
        if whole := compact(word):
            pieces = tuple(split_words(PUNCTUATION.sub(" ", word)))[:WORDS] if NAME.search(word) else ()
            found[Word(whole, pieces or (whole,))] = None
    return list(found)[:WORDS]


def build_condition(typed: list[Word]) -> Q:
    """The records that contain every piece; the longest is the rarest, and SQLite looks for it first."""
    pieces = {piece for word in typed for piece in word.pieces}
    return Q(*(("search_text__contains", piece) for piece in sorted(pieces, key=lambda piece: (-len(piece), piece))))


# Records


def search(records: QuerySet[Any], text: str) -> list[int]:
    """The primary keys of those of these records that a typed text finds, the best first; at most MOST of them.

    The best are those that begin with the text, if their list is sorted by theirs; then those in which every word
    begins a word; then those that contain every word. Each of the three is in the order of the list, or sorted by what
    its records are weighed by. Of a text that more than CANDIDATES records contain, the last two are chosen from the
    first CANDIDATES. A text without a letter or digit finds nothing: whoever takes it for no search shows the list
    instead.
    """
    typed = parse_words(text)
    if not typed:
        return []
    ordered = records.order_by(*records.model.list_order)
    found = find_beginning_with(ordered, text) if records.model.list_order[0] == "search_text" else []
    if len(found) < MOST:
        found += find_ranked(ordered, typed)
    return list(dict.fromkeys(found))[:MOST]


def find_beginning_with(ordered: QuerySet[Any], text: str) -> list[int]:
    """The records whose search text begins with a text, a range of its index."""
    start = normalise(text[:LENGTH])
    found = ordered.filter(search_text__gte=start, search_text__lt=start + LAST)
    return sort_equal(ordered.model, list(found.values_list("pk", flat=True)[:MOST]))


def find_ranked(ordered: QuerySet[Any], typed: list[Word]) -> list[int]:
    """The keys of the records that contain every typed word, first those in which every one begins a word."""
    found = list(ordered.filter(build_condition(typed)).values_list("pk", "search_text")[:CANDIDATES])
    first = {key for key, text in found if all(word.begins_in(text) for word in typed)}
    best, rest = ([key for key, _ in found if (key in first) is is_best] for is_best in (True, False))
    return sort_equal(ordered.model, best, rest)


def sort_equal(model: type[Model], *groups: list[int]) -> list[int]:
    """Groups of equally good matches, each given in the order of its list, and sorted by what that weighs them by."""
    keys = [key for group in groups for key in group]
    weigh = weighings.get(model)
    if weigh is None or len(keys) <= 1:
        return keys
    weights = weigh(keys[:RANKED])
    return [
        key for group in groups for key in sorted(group, key=lambda key: (key not in weights, weights.get(key, ())))
    ]
