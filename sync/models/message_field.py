"""A column for messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from sync.messages import from_json, to_json

if TYPE_CHECKING:
    JSONField = models.JSONField[Any, Any]
else:
    JSONField = models.JSONField


class MessageField(JSONField):
    """JSON whose texts may be messages."""

    def get_prep_value(self, value: Any) -> Any:
        return to_json(super().get_prep_value(value))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return from_json(super().from_db_value(value, expression, connection))

    def value_to_string(self, obj: models.Model) -> Any:
        return to_json(self.value_from_object(obj))
