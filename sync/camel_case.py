"""Names as JSON shows them."""

from __future__ import annotations

from typing import Any


def camel(name: str) -> str:
    """`started_at` is startedAt."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def camel_keys(value: Any) -> Any:
    """Facts as JSON shows them, all the way down."""
    match value:
        case dict():
            return {camel(key): camel_keys(inner) for key, inner in value.items()}
        case list():
            return [camel_keys(inner) for inner in value]
        case _:
            return value
