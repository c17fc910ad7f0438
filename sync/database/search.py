"""Finding records by what people type: parts of words, in any order, whatever their case, accents and punctuation.

A record's search text is made of the words of some of its fields. A word is what stands between blanks, with nothing
but its letters and digits left: `9801.314.016` is `9801314016`, `S.R.L.` is `srl`, `D'Angelo` is `dangelo`. Initials,
and codes and numbers that are printed with blanks, are one word besides: `D. B. S.` is `dbs` too.

What is typed is looked for as it is (exact), then, if that finds little, with the words that a slip may stand for
(similar): `sync/database/similar_words.py` says which these are.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from typing import Any, cast

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, Q, QuerySet
from django.db.models.expressions import RawSQL

from sync.database import similar_words
from sync.database.similar_words import LAST, Place, SimilarWord

MOST = 1000  # records that a search gives; who does not find theirs among them types more
RANKED = 500  # of equally good matches, the first of their list, that are sorted by what their list weighs them by
CANDIDATES = 5000  # that are ranked: every record of a list of the usual size
FEW = 10  # exact matches, with fewer of which similar ones are looked for: a list of the order form has room for them
SIMILAR_CANDIDATES = 500  # that are ranked of those that are similar, or have the details
MATCHED = 6000  # that SQLite's index may give, if they are narrowed further
LENGTH = 200  # characters of a typed text, and
WORDS = 10  # of its words, that are considered
TEXT_BYTES = 2000  # of a search text; PostgreSQL indexes at most 2,704
NOT_SEPARABLE = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i"})
PUNCTUATION = re.compile(r"[\W_]+")
NAME = re.compile(r"[^\W\d_]{2}")  # a code or an abbreviation has none: 9801.314, S.r.l.
INITIALS = re.compile(r"(?<!\w)[^\W\d_](?:\.\s*[^\W\d_])+(?!\w)")  # D. B. S.
# A VAT number's IT, a telephone number's +39 or 0039: those of Italy go without saying.
COUNTRY = re.compile(
    r"(?<!\S)(?:IT[\s.-]*(?=\d{11}(?!\S))|(?:\+|00)39[\s./-]*(?=\d[\d\s./-]{4,}(?![^\W_])))", re.IGNORECASE
)
UNGLUED = re.compile(r"(?<=\d)(?=[^\d]{2,}$)|(?<=[^\d]{3})(?=\d+$)")  # 14mm, conica016
MATCHING = "SELECT rowid FROM {index} WHERE {index} MATCH %s LIMIT %s"
FILLERS = frozenset(
    {"a", "al", "con", "da", "dal", "del", "di", "e", "ed", "il", "in", "la", "le", "per", "su"}
)  # left out
MOST_ZEROS = 4  # before a number that was typed with more or fewer
LONGEST_PART = 4  # characters of a number that may be a part of a code: 016, 314, 9801
SHORTEST_NUMBER = 3  # characters of a code without the zeros before it, that is sought with more or fewer of them

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

    def list_unglued(self) -> tuple[str, ...]:
        """Its pieces, a number apart from the unit or the name that was typed without a blank beside it."""
        number, *unit = UNGLUED.split(self.whole)
        return (number, *unit) if unit else self.pieces

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
    texts = list(values)
    joined = [word for text in texts for word in list_joined_words(text)]
    return normalise(" ".join([*texts, *joined])).encode()[:TEXT_BYTES].decode(errors="ignore")


def list_joined_words(text: str) -> Iterator[str]:
    """What a value has as one word, though it is printed with blanks: initials, and a code or number."""
    if " " in text.strip():
        yield from map(compact, INITIALS.findall(text))
        if not NAME.search(text) and any(map(str.isdigit, text)):
            yield compact(text)


# Typed words


def parse_words(text: str) -> list[Word]:
    """What to look for; nothing if there is no letter or digit.

    Punctuation beside a name may stand for a blank: `dott.rossi` finds `Dott. Rossi` too.
    """
    found: dict[Word, None] = {}
    for word in COUNTRY.sub("", text[:LENGTH]).split():
        if whole := compact(word):
            is_name = NAME.search(word) and "@" not in word
            pieces = tuple(split_words(PUNCTUATION.sub(" ", word)))[:WORDS] if is_name else ()
            found[Word(whole, pieces or (whole,))] = None
    return list(found)[:WORDS]


def build_condition(typed: list[Word]) -> Q:
    """The records that contain every piece; the longest is the rarest, and SQLite looks for it first."""
    pieces = {piece for word in typed for piece in word.pieces}
    return Q(*(("search_text__contains", piece) for piece in sorted(pieces, key=lambda piece: (-len(piece), piece))))


# Records


@dataclass(frozen=True)
class Matches:
    """The primary keys of the records that a text finds, the best first: the exact ones, then those only similar."""

    exact: list[int]
    similar: list[int]

    @property
    def keys(self) -> list[int]:
        return self.exact + self.similar


def search(records: QuerySet[Any], text: str) -> Matches:
    """Those of these records that a typed text finds, at most MOST of them.

    The best are those that begin with the text, if their list is sorted by theirs; then those in which every word
    begins a word; then those that contain every word. Each of the three is in the order of the list, or sorted by what
    its records are weighed by. Of a text that more than CANDIDATES records contain, the last two are chosen from the
    first CANDIDATES. If these are fewer than FEW, and none has every word as it was typed, more follow: exact ones by
    the details that a list has besides, then similar ones, the nearest first. A text without a letter or digit finds
    nothing: whoever takes it for no search shows the list instead.
    """
    typed = parse_words(text)
    if not typed:
        return Matches([], [])
    ordered = records.order_by(*records.model.list_order)
    keys = find_beginning_with(ordered, text) if records.model.list_order[0] == "search_text" else []
    found: list[tuple[int, str]] = []
    if len(keys) < MOST:
        found = find_containing(ordered, typed)
        keys += rank(ordered.model, found, typed)
    exact = list(dict.fromkeys(keys))[:MOST]
    if len(exact) >= FEW or any(has_every_word(text, typed) for _key, text in found):
        return Matches(exact, [])
    by_details, similar = find_similar(ordered, typed, known=set(exact))
    exact = (exact + by_details)[:MOST]
    return Matches(exact, similar[: MOST - len(exact)])


def has_every_word(text: str, typed: list[Word]) -> bool:
    words = set(text.split())
    return all(word.whole in words or words.issuperset(word.pieces) for word in typed)


def find_beginning_with(ordered: QuerySet[Any], text: str) -> list[int]:
    """The records whose search text begins with a text, a range of its index."""
    start = normalise(text[:LENGTH])
    found = ordered.filter(search_text__gte=start, search_text__lt=start + LAST)
    return sort_equal(ordered.model, list(found.values_list("pk", flat=True)[:MOST]))


def find_containing(ordered: QuerySet[Any], typed: list[Word]) -> list[tuple[int, str]]:
    """The keys and search texts of the records that contain every typed word."""
    return list(ordered.filter(build_condition(typed)).values_list("pk", "search_text")[:CANDIDATES])


def rank(model: type[Model], found: list[tuple[int, str]], typed: list[Word]) -> list[int]:
    """Those in which every word begins a word come first."""
    first = {key for key, text in found if all(word.begins_in(text) for word in typed)}
    best, rest = ([key for key, _ in found if (key in first) is is_best] for is_best in (True, False))
    return sort_equal(model, best, rest)


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


# Details and slips


def find_similar(ordered: QuerySet[Any], typed: list[Word], *, known: set[int]) -> tuple[list[int], list[int]]:
    """Further records that have for each typed word that word or a similar one: first, exact, those that have each as
    it was typed, some among their details; then those that do not."""
    pieces = list(dict.fromkeys(piece for word in typed for piece in word.list_unglued()))[:WORDS]
    words = similar_words.find_similar_words(ordered.model._meta.db_table, pieces, using=ordered.db)
    sought = [words.get(piece) or list_spellings(piece, is_alone=not words) for piece in pieces]
    names = list_search_texts(ordered.model)
    by_distance: dict[int, list[int]] = defaultdict(list)
    for key, *texts in filter_similar(ordered, sought, names).values_list("pk", *names)[:SIMILAR_CANDIDATES]:
        distances = [find_distance(each, "".join(texts)) for each in sought]
        if key not in known and None not in distances:
            by_distance[sum(filter(None, distances))].append(key)
    found = sort_equal(ordered.model, *(by_distance[each] for each in sorted(by_distance)))
    exact = len(by_distance[0])
    return found[:exact], found[exact:]


def list_search_texts(model: type[Model]) -> list[str]:
    """The names of the fields that searches look into."""
    return [field.attname for field in model._meta.concrete_fields if hasattr(field, "build_text")]


def list_search_sources(model: type[Model]) -> set[str]:
    """The names of the fields that those are made of."""
    return {source for name in list_search_texts(model) for source in cast("Any", model._meta.get_field(name)).sources}


def list_spellings(word: str, *, is_alone: bool) -> list[SimilarWord]:
    """A word that is not corrected: as it was typed, and a number with more or fewer zeros before it.

    A short number beside words may be any part of a code, as in an exact search, which has looked for it alone.
    """
    if word in FILLERS and not is_alone:
        return [SimilarWord(word, 0, Place.START), SimilarWord("", 1, Place.ANYWHERE)]
    is_part = not (is_alone or word.isalpha() or len(word) > LONGEST_PART)
    spellings = [SimilarWord(word, 0, Place.ANYWHERE if is_part else Place.START)]
    bare = word.lstrip("0")
    if word[0].isdigit() and len(bare) >= SHORTEST_NUMBER:
        spellings += [SimilarWord("0" * zeros + bare, 1, Place.START) for zeros in range(MOST_ZEROS + 1)]
    return spellings


def find_distance(alternatives: list[SimilarWord], text: str) -> int | None:
    """How far the nearest of these that a record has is from what was typed; None if it has none."""
    return min((each.distance for each in alternatives if each.is_in(text)), default=None)


def filter_similar(ordered: QuerySet[Any], sought: list[list[SimilarWord]], names: list[str]) -> QuerySet[Any]:
    """The records that may have one of each of these alternatives, by an index of its words or of its letters."""
    remaining = sought
    if connections[ordered.db].vendor == "sqlite":
        remaining = [each for each in sought if any(word.place == Place.ANYWHERE for word in each)]
        if terms := [build_match(each) for each in sought if each not in remaining]:
            query = MATCHING.format(index=f"{ordered.model._meta.db_table}_words")
            most = MATCHED if remaining else SIMILAR_CANDIDATES
            ordered = ordered.filter(pk__in=RawSQL(query, [" AND ".join(terms), most]))  # noqa: S611
    for each in remaining:
        parts = sorted({word.text if word.place == Place.ANYWHERE else f" {word.text}" for word in each})
        conditions = [Q((f"{name}__contains", part)) for part in parts for name in names]
        ordered = ordered.filter(reduce(or_, conditions))
    return ordered


def build_match(alternatives: list[SimilarWord]) -> str:
    """A term of SQLite's full-text search."""
    starts = {word.text for word in alternatives if word.place == Place.START}
    wholes = {word.text for word in alternatives} - starts
    terms = [f'"{text}"*' for text in sorted(starts)] + [f'"{text}"' for text in sorted(wholes)]
    return f"({' OR '.join(terms)})"


def rebuild_words(connection: BaseDatabaseWrapper, model: type[Model]) -> None:
    """Make SQLite's full-text index of a list anew: what is taken out of it otherwise stays in its file for long."""
    if connection.vendor == "sqlite":
        index = f"{model._meta.db_table}_words"
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {index}({index}) VALUES ('rebuild')")  # noqa: S608
