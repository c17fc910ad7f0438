"""Every address of the service, as its URL configuration has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")


def all_addresses(arguments: Mapping[str, object]) -> list[str]:
    """Each address once, with these values for the arguments in it; those that take anything at all are left out."""
    return sorted(set(addresses_of(get_resolver().url_patterns, "/", arguments)))


def addresses_of(
    patterns: Sequence[URLPattern | URLResolver], prefix: str, arguments: Mapping[str, object]
) -> Iterator[str]:
    for each in patterns:
        if isinstance(each.pattern, RoutePattern):
            address = prefix + ARGUMENT.sub(lambda found: str(arguments[found[1]]), str(each.pattern))
            if isinstance(each, URLResolver):
                yield from addresses_of(each.url_patterns, address, arguments)
            else:
                yield address
