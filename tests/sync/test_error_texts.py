"""What syncs say is told in the reader's language, and kept in English."""

import ast
import re
import time
from html import unescape
from string import Formatter

import pytest
from django.conf import settings
from django.utils import translation

from sync import error_texts, exceptions
from sync.coordinator import runner
from sync.coordinator.kept_exports import FROM_THE_FUTURE
from sync.exceptions import SyncError
from sync.mirror import cross_checks
from sync.models import SyncEvent, SyncRun
from sync.service import all_services
from tests.factories import SyncRunFactory
from tests.sync.pages import url

Kind = SyncEvent.Kind

ERRORS = [each for each in vars(exceptions).values() if isinstance(each, type) and issubclass(each, SyncError)]
PHRASES = [(name, phrase) for name, phrases in error_texts.PHRASES.items() for phrase in phrases]
SOURCES = [
    path
    for pattern in ("sync/*.py", "sync/[cem]*/*.py", "orders/sync.py")
    for path in sorted(settings.BASE_DIR.glob(pattern))
]
UNTOLD = ("setting",)  # facts that are names in every language
ITALIAN = {"accept-language": "it"}

Status = SyncRun.Status


def facts_of(template):
    """Something for each fact of a template."""
    names = [name for _literal, name, _spec, _conversion in Formatter().parse(template) if name]
    return {name: str(at) if name in error_texts.NUMBERS else f"~{name}~" for at, name in enumerate(names, 1000)}


def without_names(template):
    """A template as it can be compared with another that calls its facts otherwise."""
    return re.sub(r"\{[^}]*\}", "{}", template)


def without_names_of(templates):
    return {without_names(template) for template in templates}


def in_italian(tell, said):
    with translation.override("it"):
        return tell(said)


# In Italian, and in English


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_is_told_in_italian_with_all_its_facts(error):
    facts = facts_of(error.template())
    raised = error(**facts)
    said = in_italian(error_texts.told, raised)
    assert said != str(raised)
    assert [name for name, fact in facts.items() if fact not in said] == []
    assert not re.search(r"[{}]", said)


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_is_told_in_english_as_it_is_kept(error):
    raised = error(**facts_of(error.template()))
    with translation.override("en"):
        assert error_texts.told(raised) == str(raised)


@pytest.mark.parametrize(("name", "phrase"), PHRASES)
def test_every_phrase_is_told_in_italian_with_all_its_facts(name, phrase):
    facts = facts_of(phrase)
    with translation.override("it"):
        translated = translation.gettext(phrase)
        assert translated != phrase
        assert error_texts.fact(name, phrase.format(**facts)) == translated.format(**facts)


@pytest.mark.parametrize("template", error_texts.NOTES)
def test_every_note_is_told_in_italian_with_all_its_facts(template):
    facts = facts_of(template)
    with translation.override("it"):
        translated = translation.gettext(template)
        assert translated != template
        assert error_texts.note(template.format(**facts)) == translated.format(**facts)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (exceptions.CannotCancel(run=7, status="running"), "L'esecuzione 7 non si può annullare: è in corso."),
        (
            exceptions.CannotAccept(run=7, reason="it is failed, not quarantined."),
            "L'esecuzione 7 non si può accettare: è fallita, non in quarantena.",
        ),
        (
            exceptions.UnreadableValue(
                page=3,
                row=2,
                header="VENDITE: is not",
                text="it's",
                kind="a number of at most 4 decimals and 15 digits",
                record="ID 60.757",
            ),
            'Pagina 3, riga 2, colonna VENDITE: is not: "it\'s" non è un numero con al massimo 4 decimali e 15 cifre.'
            " Correggi il valore nell'ERP, o nascondi questa colonna nell'elenco dell'ERP, poi esporta di nuovo."
            " Il record: ID 60.757.",
        ),
        (
            exceptions.LayoutChanged(missing="ID, NOME (not known, and there instead: CHIAVE, NOTE)"),
            "Nell'esportazione mancano colonne necessarie: ID, NOME (sconosciute, e presenti al loro posto: CHIAVE,"
            " NOTE). Mostrale di nuovo nell'elenco dell'ERP, in italiano, poi esportalo.",
        ),
        (
            exceptions.ControlTotalMismatch(column="VENDITE PRECEDENTE", function="Sum", found="1,0", stated="2,0 €"),
            "Nell'esportazione Sum di VENDITE PRECEDENTE è 1,0, ma la riga dei totali dice 2,0 €: non applicata."
            " Esporta di nuovo l'elenco.",
        ),
        (
            exceptions.WrongList(found="customers", expected="orders"),
            "Questa è un'esportazione di clienti, non di ordini. Non è stato applicato nulla.",
        ),
        (
            exceptions.ExportNotFound(folder="/a or b", expected="A.pdf or B.pdf or C.pdf"),
            "In /a or b non c'è un'esportazione di questo elenco: il file atteso si chiama A.pdf o B.pdf o C.pdf.",
        ),
        (
            exceptions.ExportTooLarge(what="page 2, unpacked,", limit="9 bytes", setting="EXPORT_MAX_PAGE_BYTES"),
            "L'esportazione è troppo grande per essere letta senza rischi: la pagina 2, decompressa, supera il"
            " limite di 9 byte. Se è autentica, aumenta EXPORT_MAX_PAGE_BYTES.",
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_an_error_reads_as_a_sentence(error, said):
    assert in_italian(error_texts.told, error) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "database or disk is full",
        "The run's process was lost.",  # said otherwise today
        "no such {thing}",
    ],
)
def test_what_was_never_ours_to_say_stays_as_it_is(text):
    assert in_italian(error_texts.sentence, text) == text
    assert in_italian(error_texts.note, text) == text


def test_a_fact_in_the_erp_s_own_words_stays_as_it_is():
    error = exceptions.ExportDamaged(reason="unable to find trailer\ndictionary {0}")
    assert in_italian(error_texts.told, error).startswith(
        "L'esportazione è danneggiata: unable to find trailer\ndictionary {0}."
    )


def nearly(template, length):
    """Texts that begin and end as the template does and say the rest of it again and again, but never one piece."""
    first, *between, last = re.split(r"\{.*?\}", template)
    for left_out in range(len(between)):
        rest = between[:left_out] + between[left_out + 1 :] or [first]
        for fact in ("", "1", " ", "'x'"):
            middle = fact + fact.join(rest)
            yield first + middle * (length // len(middle)) + last


def work(length):
    """What it takes to tell such texts from what we say: the processor's seconds, whoever else wants it."""
    templates = [each for each in (*error_texts.ERRORS, *error_texts.NOTES) if "{" in each]
    texts = [text for template in templates for text in nearly(template, length)]

    def once():
        before = time.thread_time()
        for text in texts:
            in_italian(error_texts.sentence, text)
            in_italian(error_texts.note, text)
        return time.thread_time() - before

    return min(once() for _ in range(3))


def test_no_cell_of_an_export_takes_long_to_be_told_from_what_we_say():
    longest = work(1700)
    assert longest < 24 * work(1700 // 4), "the square of four times the length is 16 times as much, the cube 64"
    assert work(100_000) < longest, "longer ones are not looked at"


def test_where_a_number_belongs_nothing_else_is_taken_for_one():
    text = exceptions.ProcessLost.template().format(times="countless")
    assert in_italian(error_texts.sentence, text) == text


def test_a_text_too_long_to_be_ours_stays_as_it_is():
    text = str(exceptions.ExportDamaged(reason="x" * 2000))
    assert in_italian(error_texts.sentence, text) == text


# All that is said can be translated


def test_the_message_of_every_error_is_among_the_texts():
    assert set(error_texts.ERRORS) == {error.template() for error in ERRORS}


def test_every_status_is_among_the_texts():
    assert set(error_texts.PHRASES["status"]) == set(Status)


def test_every_cross_check_is_among_the_texts():
    declared = {check.text for service in all_services() for check in service.cross_checks}
    assert set(error_texts.PHRASES["check"]) == declared


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_phrase_of_an_error_is_among_the_texts(path):
    kept = {name: without_names_of(phrases) for name, phrases in error_texts.PHRASES.items()}
    assert [(name, phrase) for name, phrase in phrases(path) if phrase not in kept.get(name, ())] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_note_is_among_the_texts(path):
    assert set(noted(path)) <= without_names_of(error_texts.NOTES)


def test_what_is_looked_for_in_the_sources_is_found_there():
    found = [each for path in SOURCES for each in phrases(path)]
    made_elsewhere = {"status", "expected", "files", "missing", "place", "check"}
    assert {name for name, _phrase in found} == {*error_texts.PHRASES} - made_elsewhere
    by_checks = [cross_checks.DISAGREE, cross_checks.DISAGREE_IF_ASSUMED, cross_checks.WRONG_CHECK]
    by_runs = without_names_of([runner.APPLIED_BEFORE, FROM_THE_FUTURE, *by_checks])
    assert {text for path in SOURCES for text in noted(path)} | by_runs == without_names_of(error_texts.NOTES)


def phrases(path):
    """The phrases that a source makes facts of errors from, each with the fact's name."""
    for name, node in facts_in(path):
        if name not in UNTOLD and (phrase := template_of(node)):
            yield name, phrase


def facts_in(path):
    makers = {"decimal", *(error.__name__ for error in ERRORS)}
    reads_exports = path.parent.name == "exports"
    for node in nodes(path):
        match node:
            case ast.Call(func=ast.Name(id="ValueError"), args=[expected]) if reads_exports:
                yield "kind", expected
            case ast.Call(func=ast.Name(id=maker), keywords=facts) if maker in makers:
                yield from ((fact.arg, fact.value) for fact in facts)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if reads_exports and name in error_texts.PHRASES:
                yield name, value


def noted(path):
    """The notes that a source makes."""
    for node in nodes(path):
        match node:
            case ast.Call(func=ast.Attribute(attr="append"), args=[note]) if "notes." in ast.unparse(node.func):
                yield template_of(note)


def nodes(path):
    return ast.walk(ast.parse(path.read_text()))


def template_of(node):
    """A literal text with `{}` for what is put into it; None of what is no literal text."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
    return None


# On the admin's pages


@pytest.fixture
def truncated(db):
    """A run that failed, after an attempt that failed for the same reason."""
    text = str(exceptions.ExportTruncated(reason="it has no pages"))
    attempt = {"outcome": "failed", "startedAt": None, "endedAt": "2026-01-20T11:00:00+00:00"}
    return SyncRunFactory(
        status=Status.FAILED,
        error_class="ExportTruncated",
        error_text=text,
        ended_attempts=[attempt | {"error": "ExportTruncated", "text": text}],
        notes=["The columns stand in another order than usual."],
    )


SAID = "L'esportazione è incompleta: non ha pagine. Esporta di nuovo l'elenco."


def page_in_italian(client, address):
    return unescape(client.get(address, headers=ITALIAN).content.decode())


def test_the_list_of_runs_tells_errors_in_the_reader_s_language(admin_client, truncated):
    html = page_in_italian(admin_client, url(SyncRun, "changelist"))
    assert SAID in html
    assert truncated.error_text not in html


def test_a_run_s_page_tells_its_error_its_attempts_and_its_notes_in_the_reader_s_language(admin_client, truncated):
    html = page_in_italian(admin_client, url(SyncRun, "change", truncated.pk))
    assert f'<p class="error-text">{SAID}</p>' in html
    assert f'<div class="quiet">{SAID}</div>' in html
    assert "<li>Le colonne sono in un ordine diverso dal consueto.</li>" in html
    assert truncated.error_text not in html


def test_the_question_whether_to_accept_tells_the_error_in_the_reader_s_language(admin_client, truncated):
    assert SAID in page_in_italian(admin_client, url(SyncRun, "accept", truncated.pk))


def test_events_tell_errors_in_the_reader_s_language(admin_client, truncated):
    SyncEvent.objects.record(
        Kind.RUN_FAILED, run=truncated, error_class=truncated.error_class, error=truncated.error_text
    )
    assert f"errore</span> {SAID}" in page_in_italian(admin_client, url(SyncEvent, "changelist"))


def test_what_cannot_be_done_is_said_in_the_reader_s_language(admin_client, truncated):
    address = url(SyncRun, "do", truncated.pk, "cancel")
    html = admin_client.post(address, headers=ITALIAN, follow=True).content.decode()
    assert f"L'esecuzione {truncated.pk} non si può annullare: è fallita." in unescape(html)
