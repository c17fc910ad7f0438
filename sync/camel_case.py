"""Names as JSON shows them."""

from __future__ import annotations

from typing import Any


def to_camel_case(name: str) -> str:
    """`started_at` is startedAt."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def convert_names(value: Any) -> Any:
    """Facts as JSON shows them, all the way down."""
    match value:
        case dict():
            return {to_camel_case(key): convert_names(inner) for key, inner in value.items()}
        case list():
            return [convert_names(inner) for inner in value]
        case _:
            return value
