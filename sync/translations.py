"""Messages in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from sync.messages import Message

PRIVATE_FACTS = {  # what agents read in their place
    "username": _("this service"),
    "folder": _("a folder of the server"),
    "place": _("a folder of the server"),
}


def translate(text: str) -> str:
    """A message in the reader's language; any other text as it is."""
    return text.render(gettext) if isinstance(text, Message) else text


def hide_private_facts(text: str) -> str:
    """A message as agents may read it: it names neither the ERP's user nor the server's folders."""
    if not isinstance(text, Message):
        return text
    facts = {name: hide_private_facts(fact) if isinstance(fact, str) else fact for name, fact in text.facts.items()}
    facts |= {name: Message(PRIVATE_FACTS[name]) for name in PRIVATE_FACTS.keys() & facts.keys()}
    return Message(text.template, **facts)
