"""What syncs say is kept as a template with its facts, and read in the reader's language."""

import copy
from html import unescape

import pytest
from django.utils import translation

from sync import exceptions
from sync.messages import Message, from_json, to_json
from sync.models import Alert, SyncEvent, SyncRun
from sync.translations import hide_private_facts, translate
from tests.factories import AlertFactory, SyncRunFactory
from tests.sync.pages import url

ITALIAN = {"accept-language": "it"}
NESTED = Message("the given file {file} no longer exists.", file="Clienti.pdf")

Status, Kind = SyncRun.Status, SyncEvent.Kind


def in_italian(text):
    with translation.override("it"):
        return translate(text)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            exceptions.CannotCancel(run=7, status=Message("running")),
            "L'esecuzione 7 non si può annullare: è in corso.",
        ),
        (
            exceptions.CannotRetry(run=7, reason=NESTED),
            "L'esecuzione 7 non si può ritentare: il file indicato Clienti.pdf non esiste più.",
        ),
        (
            exceptions.UnreadableValue(
                page=3,
                row=2,
                header="VENDITE: is not",
                text="it's",
                kind=Message(
                    "{kind} of at most {places} decimals and {digits} digits",
                    kind=Message("a number"),
                    places=4,
                    digits=15,
                ),
                record="ID 60.757",
            ),
            'Pagina 3, riga 2, colonna VENDITE: is not: "it\'s" non è un numero con al massimo 4 decimali e 15 cifre.'
            " Correggi il valore nell'ERP, o nascondi questa colonna nell'elenco dell'ERP, poi esporta di nuovo."
            " Il record: ID 60.757.",
        ),
        (
            exceptions.WrongList(found=Message("customers"), expected=Message("orders")),
            "Questa è un'esportazione di clienti, non di ordini. Non è stato applicato nulla.",
        ),
        (
            exceptions.ExportDamaged(reason="unable to find trailer\ndictionary {0}"),
            "L'esportazione è danneggiata: unable to find trailer\ndictionary {0}. Esporta di nuovo l'elenco.",
        ),
        (
            exceptions.ExportDamaged(reason="x" * 5000),
            f"L'esportazione è danneggiata: {'x' * 5000}. Esporta di nuovo l'elenco.",
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_an_error_reads_as_a_sentence(error, said):
    assert in_italian(error.text) == said


@pytest.mark.parametrize("text", ["", "database or disk is full", "no such {thing}"])
def test_a_text_alone_stays_as_it_is(text):
    assert in_italian(text) == text


def test_a_message_is_kept_with_its_facts_and_what_stands_in_them():
    message = Message("{check} not so: {records} and {count}", check=NESTED, records="a\0b", count=3)
    kept = to_json({"notes": [message, "a text alone"]})
    assert from_json(kept) == {"notes": [message.replace("\0", "\ufffd"), "a text alone"]}
    [found, _text] = from_json(kept)["notes"]
    assert (found.template, found.facts["count"], found.facts["check"].facts) == (message.template, 3, NESTED.facts)


def test_a_copy_of_a_message_is_a_message():
    copied = copy.deepcopy(NESTED)
    assert (copied, copied.template, copied.facts) == (NESTED, NESTED.template, NESTED.facts)


def test_a_private_fact_is_hidden_wherever_it_stands():
    reason = Message("{folder} cannot be read ({cause})", folder="/srv/riservata", cause="Is a directory")
    hidden = hide_private_facts(exceptions.ErpUnavailable(reason=reason).text)
    assert "a folder of the server cannot be read (Is a directory)" in hidden
    assert "una cartella del server" in in_italian(hidden)


@pytest.mark.django_db
def test_rows_give_back_the_messages_that_they_were_given():
    error = exceptions.CannotRetry(run=7, reason=NESTED).text
    run = SyncRunFactory(error_text=error, notes=[NESTED], ended_attempts=[{"outcome": "failed", "text": error}])
    SyncEvent.objects.record(Kind.RUN_FAILED, run=run, error=error)
    AlertFactory(error=error)
    run.refresh_from_db()
    kept = [run.error_text, run.ended_attempts[0]["text"], SyncEvent.objects.get(run=run).facts["error"]]
    assert [in_italian(each) for each in (*kept, Alert.objects.get().error)] == [in_italian(error)] * 4
    assert in_italian(run.notes[0]) == in_italian(NESTED)
    assert run.error_facts == {"run": "7", "reason": str(NESTED)}


# On the admin's pages


@pytest.fixture
def truncated(db):
    """A run that failed, after an attempt that failed for the same reason."""
    text = exceptions.ExportTruncated(reason=Message("it has no pages")).text
    attempt = {"outcome": "failed", "startedAt": None, "endedAt": "2026-01-20T11:00:00+00:00"}
    return SyncRunFactory(
        status=Status.FAILED,
        error_class="ExportTruncated",
        error_text=text,
        ended_attempts=[attempt | {"error": "ExportTruncated", "text": text}],
        notes=[Message("The columns are in a different order than usual.")],
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
