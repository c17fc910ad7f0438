"""Erasing a customer's data from what syncs keep: whose it is, and where it is kept.

Which records are a customer's, and what else holds his data, says `orders.erasure`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sync.models import MirroredModel

Pause = Callable[[], object]


@dataclass(frozen=True)
class Subject:
    """Whose data is to be erased.

    `gone` are his records that the ERP no longer shows, by list: they are anonymised. Those that it still `shown` come
    again with every export: they stay, and only what they were before goes. `texts` tell who he is wherever they stand.
    """

    account_number: str
    gone: Mapping[str, Sequence[MirroredModel]]
    shown: Mapping[str, Sequence[MirroredModel]]
    texts: frozenset[str]


class Store(ABC):
    """A place where personal data is kept."""

    @abstractmethod
    def find(self, subject: Subject, pause: Pause) -> list[str]:
        """Look for what is to be erased, and tell it, a line for each kind. Calls `pause` now and then."""

    @abstractmethod
    def erase(self) -> None:
        """Erase what was found, in the caller's transaction."""


def format_plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
