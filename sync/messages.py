"""Messages: texts that know the template and the facts they are made of, so that each reader reads his language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

KEPT_CHARACTERS = 10_000  # of a text: a bug's can weigh megabytes, and so would every page that shows it


def gettext_noop(text: str) -> str:
    """Marks a text for makemessages, as Django's function does, where Django is not to be imported."""
    return text


class Message(str):
    """A template whose facts stand in braces. As a text it is English; a fact may be a message itself."""

    template: str
    facts: dict[str, Any]

    def __new__(cls, template: str, /, **facts: Any) -> Self:
        message = super().__new__(cls, template.format(**facts))
        message.template, message.facts = template, facts
        return message

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:  # copies are made of the same
        return (self.template,), self.facts

    def render(self, gettext: Callable[[str], str]) -> str:
        """The text in another language."""
        facts = {name: fact.render(gettext) if isinstance(fact, Message) else fact for name, fact in self.facts.items()}
        return gettext(self.template).format(**facts)


def to_json(value: Any) -> Any:
    """As JSON keeps messages, and what holds them: with storable texts."""
    match value:
        case Message():
            return {"message": value.template, "facts": to_json(value.facts)}
        case dict():
            return {to_json(name): to_json(each) for name, each in value.items()}
        case list() | tuple():
            return [to_json(each) for each in value]
        case None | bool() | int() | float():
            return value
    return make_storable(value)


def make_storable(value: object) -> str:
    """A text that any database takes and any page shows, whatever an export put into it."""
    return str(value)[:KEPT_CHARACTERS].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def from_json(value: Any) -> Any:
    """What `to_json` was given."""
    match value:
        case {"message": str(template), "facts": dict(facts), **others} if not others:
            return Message(template, **from_json(facts))
        case dict():
            return {name: from_json(each) for name, each in value.items()}
        case list():
            return [from_json(each) for each in value]
    return value
