"""What people read is there in Italian and in English."""

import ast
import re
from gettext import GNUTranslations
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.utils import translation

from sync import exceptions
from sync.models import SyncRun
from tests.lists import APPS, MODELS

MESSAGES = settings.LOCALE_PATHS[0] / "it" / "LC_MESSAGES"
SCRIPTS = settings.BASE_DIR / "orders" / "static" / "orders"
TEMPLATES = settings.BASE_DIR / "templates"
CATALOGUES = [MESSAGES / "django", MESSAGES / "djangojs"]


def compiled(catalogue):
    with catalogue.with_suffix(".mo").open("rb") as file:
        return GNUTranslations(file)._catalog  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def in_italian():
    return compiled(CATALOGUES[0])


def words():
    """Every label of the apps, their models and their fields, in English."""
    with translation.override("en"):
        for model in MODELS:
            yield str(model._meta.app_config.verbose_name)
            yield from (str(model._meta.verbose_name), str(model._meta.verbose_name_plural))
            yield from (str(field.verbose_name) for field in model._meta.fields if not field.primary_key)


def titles():
    """Every heading of the admin's pages, in English."""
    with translation.override("en"):
        for model, page in admin.site._registry.items():
            if model in MODELS:
                yield from (str(title) for title, _fields in page.fieldsets or () if title)


def check_none_is_missing(texts):
    lines = "".join(f'\nmsgid "{text}"\nmsgstr "…"\n' for text in sorted(texts))
    assert not texts, f"Write into {CATALOGUES[0]}.po, and compile it with msgfmt:{lines}"


def test_every_label_and_heading_has_an_italian_translation(in_italian):
    # A plural is a tuple; a word may have its context before it.
    translated = {text.rpartition("\x04")[2] for text in in_italian if isinstance(text, str)}
    check_none_is_missing({*words(), *titles()} - translated)


def calls():
    """Of each call with a text in it: the function's name, and the text."""
    for app in APPS:
        for path in Path(app.path).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(text)), *_]):
                        yield name, text


def test_every_text_of_the_code_has_an_italian_translation(in_italian):
    marks = ("_", "gettext", "gettext_lazy", "gettext_noop", "ngettext")
    texts = {text for name, text in calls() if name in marks}
    assert len(texts) > 500
    check_none_is_missing(texts - {key if isinstance(key, str) else key[0] for key in in_italian})


def test_every_text_of_the_templates_has_an_italian_translation(in_italian):
    pages = "".join(path.read_text() for path in TEMPLATES.rglob("*.html"))
    texts = {text for _quote, text in re.findall(r"""\{%\s*translate\s+(["'])(.+?)\1""", pages)}
    assert len(texts) > 100
    keys = [key if isinstance(key, str) else key[0] for key in in_italian]
    check_none_is_missing(texts - {key.rpartition("\x04")[2] for key in keys})


def test_every_error_and_every_word_that_stands_in_one_has_an_italian_translation(in_italian):
    errors = [each.message for each in vars(exceptions).values() if hasattr(each, "message")]
    lists = {*settings.SYNC_TYPES} - {"ddt"}  # which are called so in Italian too
    check_none_is_missing({*errors, *SyncRun.Status.values, *lists} - {*in_italian})


def test_no_message_is_made_of_words_that_are_not_marked():
    unmarked = {re.sub(r"\{.*?\}", "", text) for name, text in calls() if name == "Message"}
    assert not [text for text in unmarked if re.search(r"\w", text)]


def test_a_message_s_translation_has_all_its_facts(in_italian):
    marked = {text for name, text in calls() if name in ("_", "gettext_noop")}
    facts = {
        text: [sorted(re.findall(r"\{.*?\}", each)) for each in (text, in_italian[text])]
        for text in marked & {*in_italian}
    }
    assert {text for text, (ours, theirs) in facts.items() if ours != theirs} == set()


def test_every_text_of_the_pages_scripts_has_an_italian_translation():
    scripts = "".join(path.read_text() for path in SCRIPTS.glob("*.js"))
    texts = re.findall(r'\bn?gettext\(\s*"((?:[^"\\]|\\.)+)"', scripts)
    kept = set(re.findall(r'^msgid "(.+)"$', CATALOGUES[1].with_suffix(".po").read_text(), re.MULTILINE))
    assert texts
    assert set(texts) == kept


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.name)
def test_no_message_waits_for_its_translation(catalogue):
    text = catalogue.with_suffix(".po").read_text()
    assert not re.findall(r'^msgid ".+"\nmsgstr ""\n(?!")', text, re.MULTILINE)
    assert "#, fuzzy" not in text


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.name)
def test_what_is_used_was_compiled_from_what_is_kept(catalogue):
    kept = catalogue.with_suffix(".po").read_text().replace('"\n"', "").replace('\\"', '"')
    entries = re.findall(r'^(?:msgctxt "(.+)"\n)?msgid "(.+)"\nmsgstr "(.*)"$', kept, re.MULTILINE)
    pairs = {f"{context}\x04{text}" if context else text: translation for context, text, translation in entries}
    assert pairs.items() <= compiled(catalogue).items()


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "words"), [("it", ["Clienti", "Prezzi"]), ("en", ["Customers", "Prices"])])
def test_the_admin_speaks_the_reader_s_language(language, words, admin_client):
    html = admin_client.get("/admin/", headers={"accept-language": language}).content.decode()
    assert all(word in html for word in words)
