"""Words like a typed one: with a letter wrong, missing, too many or changed round, in another gender or number, or cut.

They are chosen among the words that the records of a list have, which are kept in a table of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from string import ascii_lowercase

from django.db import connections

TABLE = "sync_searchword"
SHORTEST, LONGEST = 4, 20  # letters of a typed word that is corrected: shorter ones are like too many others
SHORTEST_ABBREVIATION = 3  # letters: STR. of STRUMENTO
LONGEST_KEPT = 40  # letters of a word that is kept
MOST_WORDS = 4  # typed words that are corrected, the longest
MOST_SIMILAR = 12  # words that a typed one is taken for
LAST = "\U0010ffff"  # sorts after whatever else may follow a text
ENDINGS = "aeio"  # of Italian genders and numbers; before e and i, c and g may take an h: lunga, lunghe

FIND = """
    WITH variants(word) AS (VALUES {variants})
    SELECT word, EXISTS (SELECT 1 FROM {table} WHERE table_name = %s AND {table}.word = variants.word) FROM variants
    WHERE EXISTS (
        SELECT 1 FROM {table}
        WHERE table_name = %s AND {table}.word >= variants.word AND {table}.word < variants.word || %s
    )
"""


class Place(Enum):
    """Where in a word of a record a text has to stand."""

    WHOLE = "whole"
    START = "start"
    ANYWHERE = "anywhere"


@dataclass(frozen=True)
class SimilarWord:
    """What a typed word may stand for, and how far that is from it: 0 for the typed word itself."""

    text: str
    distance: int
    place: Place

    def is_in(self, text: str) -> bool:
        """Whether a word of a search text has it in its place."""
        match self.place:
            case Place.WHOLE:
                return f" {self.text} " in f"{text} "
            case Place.START:
                return f" {self.text}" in text
        return self.text in text


def can_be_corrected(word: str) -> bool:
    """Whether a typed word may be a slip; one with a digit is a code, and another code is another article."""
    return SHORTEST <= len(word) <= LONGEST and word.isalpha()


def split_kept(search_text: str) -> set[str]:
    """The words of a search text that are kept as those that typed ones may stand for."""
    return {word for word in search_text.split() if word.isalpha() and len(word) <= LONGEST_KEPT}


def find_similar_words(table: str, typed: Iterable[str], *, using: str) -> dict[str, list[SimilarWord]]:
    """For each typed word the words of a list's table that it may stand for, itself first; in one query.

    Only those that begin no word of the list are corrected, or all of them if each begins one.
    """
    words = sorted({word for word in typed if can_be_corrected(word)}, key=lambda word: (-len(word), word))[:MOST_WORDS]
    variants = {word: dict(list_variants(word)) for word in words}
    known = find_known(table, {*words, *(variant for each in variants.values() for variant in each)}, using=using)
    unknown = [word for word in words if word not in known]
    return {
        word: [SimilarWord(word, 0, Place.START), *choose(word, variants[word], known)] for word in unknown or words
    }


def choose(word: str, variants: dict[str, int], known: dict[str, bool]) -> list[SimilarWord]:
    """The nearest of a word's variants that a list has: whole words before beginnings of words."""
    found = []
    for variant, distance in variants.items():
        if variant not in known:
            continue
        if known[variant]:
            found.append(SimilarWord(variant, distance, Place.WHOLE))
        if not word.startswith(variant):  # whose words begin with a part of what was typed: any word may
            found.append(SimilarWord(variant, distance + 1, Place.START))
    return sorted(found, key=lambda similar: (similar.distance, similar.text))[:MOST_SIMILAR]


def find_known(table: str, variants: set[str], *, using: str) -> dict[str, bool]:
    """Those variants that begin a word of a list, each with whether it is one."""
    if not variants:
        return {}
    values = ", ".join(["(%s)"] * len(variants))
    with connections[using].cursor() as cursor:
        cursor.execute(FIND.format(variants=values, table=TABLE), [*sorted(variants), table, table, LAST])
        return {word: bool(is_word) for word, is_word in cursor.fetchall()}


def list_variants(word: str) -> Iterator[tuple[str, int]]:
    """What a typed word may stand for, each with its distance; the last of equal ones is the nearest."""
    for end in range(SHORTEST_ABBREVIATION, len(word) - 1):
        yield word[:end], 4
    places = range(len(word))
    yield from ((word[:place] + word[place + 1 :], 2) for place in places)
    yield from (
        (word[:place] + letter + word[place + 1 :], 2)
        for place in places
        for letter in ascii_lowercase
        if letter != word[place]
    )
    yield from ((word[:place] + letter + word[place:], 1) for place in places for letter in ascii_lowercase)
    yield from (
        (word[:place] + word[place + 1] + word[place] + word[place + 2 :], 1)
        for place in places[:-1]
        if word[place] != word[place + 1]
    )
    yield from ((variant, 1) for variant in list_inflections(word))


def list_inflections(word: str) -> Iterator[str]:
    """The same word in other genders and numbers."""
    stem, end = word[:-1], word[-1]
    if end not in ENDINGS:
        return
    stem = stem[:-1] if stem[-2:] in ("ch", "gh") else stem
    hard = f"{stem}h" if stem[-1] in "cg" else stem
    for ending in ENDINGS:
        for each in {stem, hard if ending in "ei" else stem}:
            if each + ending != word:
                yield each + ending
