"""What every part of the API is made of: strict values, questions, pages, permissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from sync.serializers import ModelSerializer, Serializer, for_reader

LARGEST_INTEGER = 2**31 - 1  # as databases keep them, and
LARGEST_NUMBER = 2**63 - 1  # as they keep their keys
LAST_PAGE = 1_000_000
NO_UUID = UUID(int=0)


class Given(Serializer):
    """What a client sends. A name that means nothing is an error: misspelt, it would be taken for not given."""

    besides: ClassVar[frozenset[str]] = frozenset()  # names that mean something to others

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields) - self.besides):
            raise ValidationError({name: [_("There is no such field.")] for name in sorted(map(str, unknown))})
        return super().to_internal_value(data)


class Envelope(Serializer):
    success = serializers.BooleanField(default=True, read_only=True, help_text="true: an error says false.")


# Values as JSON writes them: "5" is no number, and 5 is no text


class StrictInteger(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBoolean(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictText(serializers.CharField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictUuid(serializers.UUIDField):
    def get_value(self, dictionary: Any) -> Any:
        """An empty field of a form is a wrong value too: taken for none, it would mean another one."""
        return dictionary.get(self.field_name, serializers.empty)

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or len(data) != len(str(NO_UUID)):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """One that has a time in every time zone."""

    def enforce_timezone(self, value: Any) -> Any:
        try:
            return super().enforce_timezone(value)
        except OverflowError:
            self.fail("overflow")


# Questions


class Query(Given):
    @classmethod
    def of(cls, request: Request) -> dict[str, Any]:
        """What a request asks for. Raises ValidationError, which names the parameter."""
        query = cls()
        query.initial_data = {
            name: values if is_repeatable(query.fields.get(name)) else the_one(name, values)
            for name, values in request.query_params.lists()
        }
        query.is_valid(raise_exception=True)
        return cast(dict[str, Any], query.validated_data)


def is_repeatable(field: Any) -> bool:
    return isinstance(field, serializers.MultipleChoiceField)


def the_one(name: str, values: list[Any]) -> Any:
    """The value of a parameter that has one."""
    if len(values) > 1:
        raise ValidationError({name: [_("This parameter can be given once.")]})
    return values[0]


class PageQuery(Query):
    page = serializers.IntegerField(min_value=1, max_value=LAST_PAGE, default=1, help_text="From 1.")
    page_size = serializers.IntegerField(min_value=1, max_value=100, default=20, help_text="Records on a page.")


class ListAnswer(Envelope):
    """A page of a list; each list says what its results are."""

    count = serializers.IntegerField(help_text="Of all pages.")
    next = serializers.URLField(allow_null=True, help_text="The next page; null on the last.")
    previous = serializers.URLField(allow_null=True)


def list_answer(record: type[Serializer | ModelSerializer], name: str) -> type[ListAnswer]:
    """The answer that shows a list of such records, for the schema."""
    return type(name, (ListAnswer,), {"results": record(many=True), "__doc__": record.__doc__})


def page_of(
    records: QuerySet[Any],
    request: Request,
    record: type[Serializer | ModelSerializer],
    *,
    query: dict[str, Any],
    keys: Sequence[int] | None = None,
    counted_to: int | None = None,
) -> Response:
    """One page of records, or of those with these primary keys, in their order. A page after the last is empty.

    `query` is what a PageQuery says of the request.
    `counted_to` is where counting stops, so that a long history costs no more than a short one.
    """
    number, size = query["page"], query["page_size"]
    first, after = (number - 1) * size, number * size
    if keys is None:
        rows = list(records[first : after + 1])
        count = records.order_by()[:counted_to].count()
    else:
        found = records.in_bulk(keys[first : after + 1])
        rows = [found[key] for key in keys[first : after + 1] if key in found]
        count = len(keys)
    address = request.build_absolute_uri()
    return Response(
        {
            "success": True,
            "count": count,
            "next": replace_query_param(address, "page", number + 1) if len(rows) > size else None,
            "previous": replace_query_param(address, "page", number - 1) if number > 1 else None,
            "results": record(rows[:size], many=True, context=for_reader(request.user)).data,
        }
    )


# Who may


class MayChangeSyncs(BasePermission):
    """Staff who may do the same in the admin; `needs` of the view names the permission."""

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        self.message = _("Only staff with the permission “{name}” may do this.").format(name=view.needs)
        return bool(user.is_staff and user.has_perm(view.needs))


def user_of(request: Request) -> User:
    """Who is signed in: views without one let nobody in."""
    return cast(User, request.user)
