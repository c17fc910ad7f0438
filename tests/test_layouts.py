"""Each layout declares every column that the list's exports have, and each of its fields is one of the model's."""

from datetime import date
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import models

from sync.exceptions import LayoutChanged
from sync.exports.layout import Footer, Source, normalise_header
from sync.exports.reader import read_export
from sync.models import MirroredModel
from sync.models.search_field import SearchField
from sync.service import get_service
from tests.factories import MIRRORED_AT

HEADERS = {
    "customers": """
        ID | PROFILO CLIENTE: | NOME | PARTITA IVA:
        PEC: | SDI: | CODICE FISCALE: | TERMINI DI CONSEGNA
        VIA: | INDIRIZZO LOGISTICO CAP | CITTÀ
        TELEFONO: | CELLULARE: | URL: | ALL’ATTENZIONE DI: | DATA DELL'ULTIMO ORDINE
        CONTEGGI DEGLI ORDINI EFFETTIVI | TIPO DI CLIENTE | CONTEGGIO DEGLI ORDINI PRECEDENTE
        VENDITE PRECEDENTE | CONTEGGIO DEGLI ORDINI PRECEDENTE 2 | VENDITE PRECEDENTE
        DESCRIZIONE: | TYPE: | NUMERO DI CONTO ESTERNO
        IL NOSTRO NUMERO DI CONTO
    """,
    "orders": """
        ID | ID DI VENDITA | PROFILO CLIENTE: | NOME VENDITE:
        NOME DI CONSEGNA | INDIRIZZO DI CONSEGNA
        DATA DI CREAZIONE | DATA DI CONSEGNA | RIMANI VENDITE FINANZIARIE
        RIFERIMENTO CLIENTE | STATO DELLE VENDITE | TIPO DI ORDINE | STATO DEL DOCUMENTO
        ORIGINE VENDITE: | STATO DEL TRASFERIMENTO | DATA DI TRASFERIMENTO
        DATA DI COMPLETAMENTO | PREVENTIVO: | APPLICA SCONTO %: | IMPORTO LORDO:
        IMPORTO TOTALE | ORDINE OMAGGIO: | E-MAIL
    """,
    "ddt": """
        PDF DDT | ID | DOCUMENTO DI TRASPORTO: | DATA DI CONSEGNA | ID DI VENDITA
        CONTO DELL'ORDINE | NOME VENDITE:
        NOME DI CONSEGNA | NOME DI CONSEGNA
        TOTALE | RIFERIMENTO CLIENTE | DESCRIZIONE:
        NUMERO DI TRACCIABILITÀ | TERMINI DI CONSEGNA:
        MODALITÀ DI CONSEGNA | ALL'ATTENZIONE DI | CITTÀ DI CONSEGNA
    """,
    "invoices": """
        FATTURA PDF | ID FATTURA | DATA FATTURA | CONTO FATTURE
        NOME DI FATTURAZIONE | QUANTITÀ | SALDO VENDITE MST
        SOMMA LINEA SCONTO MST | SCONTO TOTALE: | SOMMA FISCALE MST | IMPORTO FATTURA MST
        ORDINE DI ACQUISTO | RIFERIMENTO CLIENTE | SCADENZA
        ID TERMINE DI PAGAMENTO | OLTRE I GIORNI DI SCADENZA
        LIQUIDA IMPORTO MST | IDENTIFICATIVO ULTIMO PAGAMENTO: | DATA DI ULTIMA LIQUIDAZIONE
        CHIUSO | IMPORTO RIMANENTE MST | ID VENDITE
    """,
    "products": """
        ID ARTICOLO | NOME ARTICOLO: | DESCRIZIONE
        GRUPPO ARTICOLO: | IMMAGINE: | CONTENUTO DELL'IMBALLAGGIO | NOME DELLA RICERCA
        UNITÀ DI PREZZO: | ID GRUPPO DI PRODOTTI | DESCRIZIONE GRUPPO ARTICOLO: | QTÀ MINIMA:
        QTÀ MULTIPLI: | QTÀ MASSIMA: | FIGURA: | ID IN BLOCCO DELL'ARTICOLO | PACCO | GAMBA | GRANDEZZA
        ID DI CONFIGURAZIONE | CREATO DA: | DATA CREATA | DATAAREAID | QTÀ PREDEFINITA:
        VISUALIZZA IL NUMERO DI PRODOTTO | SCONTO ASSOLUTO TOTALE: | ID | SCONTO LINEA | MODIFICATO DA:
        DATETIME MODIFICATO | ARTICOLO ORDINABILE: | PURCH PRICE PCS | ID DI CONFIGURAZIONE STANDARD
        QTÀ STANDARD: | FERMATO | ID UNITÀ | ID ELEMENTO IVAID
    """,
    "prices": """
        ID | CODICE CONTO | ACCOUNT: | DESCRIZIONE ACCOUNT: | ITEM SELECTION:
        ITEM DESCRIPTION: | DA DATA | DATA | QUANTITÀIMPORTODA
        QUANTITÀIMPORTO | UNITÀ DI PREZZO | IMPORTO UNITARIO: | VALUTA | PREZZO NETTO BRASSELER
    """,
}
IGNORED = {"orders": ["E-MAIL"], "ddt": ["PDF DDT"], "invoices": ["FATTURA PDF"], "products": ["IMMAGINE:"]}
REQUIRED = {  # the key, and what a record is nothing without
    "customers": ["ID", "PROFILO CLIENTE:", "NOME"],
    "orders": ["ID", "ID DI VENDITA", "PROFILO CLIENTE:"],
    "ddt": ["ID", "DOCUMENTO DI TRASPORTO:", "CONTO DELL'ORDINE"],
    "invoices": ["ID FATTURA", "CONTO FATTURE"],
    "products": ["ID ARTICOLO", "NOME ARTICOLO:", "DESCRIZIONE"],
    "prices": ["ID", "CODICE CONTO", "ACCOUNT:", "ITEM SELECTION:", "IMPORTO UNITARIO:", "VALUTA"],
}
SHOWN_BY_A_FRESH_SESSION = """
    ID ARTICOLO | NOME ARTICOLO: | DESCRIZIONE | GRUPPO ARTICOLO: | IMMAGINE: | CONTENUTO DELL'IMBALLAGGIO
    NOME DELLA RICERCA | UNITÀ DI PREZZO: | ID GRUPPO DI PRODOTTI | DESCRIZIONE GRUPPO ARTICOLO: | QTÀ MINIMA:
    QTÀ MULTIPLI: | QTÀ MASSIMA: | FIGURA: | DATAAREAID | ID | DATETIME MODIFICATO | FERMATO
"""
NOT_MIRRORED = {
    "discounts": """
        ID | CODICE CONTO | ACCOUNT: | DESCRIZIONE ACCOUNT: | CODICE ARTICOLO | ITEM SELECTION: | ITEM DESCRIPTION:
        DA DATA | DATA | QUANTITÀIMPORTODA | QUANTITÀIMPORTO | PERCENTUALE1 | PERCENTUALE2 | UNITÀ DI PREZZO
        IMPORTO UNITARIO:
    """,
    "order lines": """
        LINEA: | NOME ARTICOLO: | QTÀ ORDINATA | UNITÀ DI PREZZO: | SCONTO %: | APPLICA SCONTO %:
        IMPORTO DELLA LINEA | PREZZO NETTO: | NOME
    """,
}
SAMPLES = {
    "customers": "Clienti.pdf",
    "orders": "Ordini.pdf",
    "ddt": "Documenti di trasporto.pdf",
    "invoices": "Fatture.pdf",
}
OWN_FIELDS = {"id", *(field.name for field in MirroredModel._meta.fields)}


@pytest.fixture(params=settings.SYNC_TYPES)
def service(request):
    return get_service(request.param)


def headers_of(service):
    name = service.sync_type
    shown = " | ".join(column.header for column in service.layout.columns)
    assert name in HEADERS, f'Write into HEADERS of {__file__} what an export shows: "{name}": "{shown}"'
    return split(HEADERS[name])


def split(headers):
    return [header.strip() for line in headers.split("\n") for header in line.split("|") if line.strip()]


def list_fields(model):
    return [
        field for field in model._meta.fields if field.name not in OWN_FIELDS and not isinstance(field, SearchField)
    ]


def test_every_column_is_declared_in_the_export_s_order(service):
    columns = service.layout.columns
    assert [column.header for column in columns] == headers_of(service)
    ignored = [column.header for column in columns if not column.field]
    assert ignored == IGNORED.get(service.sync_type, [])


def test_a_header_that_stands_twice_is_told_apart_by_its_occurrence(service):
    seen: list[str] = []
    for column in service.layout.columns:
        seen.append(column.header)
        assert column.occurrence == seen.count(column.header)


def test_every_column_is_found_in_an_export_with_all_of_them(service):
    binding = service.layout.bind(headers_of(service))
    assert [*binding.positions.values()] == [*range(len(service.layout.columns))]
    assert not binding.notes


def test_no_two_columns_share_a_header_but_those_told_apart_by_their_occurrence(service):
    names = [normalise_header(column.header) for column in service.layout.columns]
    repeated = {name for name in names if names.count(name) > 1}
    assert repeated == {normalise_header(column.header) for column in service.layout.columns if column.occurrence > 1}


def test_columns_and_fields_are_the_same_and_in_the_same_order(service):
    columns = [column.field for column in service.layout.columns if column.field]
    assert columns == [field.name for field in list_fields(service.model)]


def test_a_field_s_help_is_its_header_in_the_erp(service):
    for column in service.layout.columns:
        if column.field:
            text = str(service.model._meta.get_field(column.field).help_text)
            assert text == column.header or text.startswith(f"{column.header} ("), column


def test_only_what_a_record_is_nothing_without_is_required(service):
    name = service.sync_type
    required = [column.header for column in service.layout.columns if column.required]
    assert name in REQUIRED, f'Write into REQUIRED of {__file__}, if that is so: "{name}": {required}'
    assert required == REQUIRED[name]


def test_what_was_never_seen_is_not_required(service):
    unseen = [each.header for each in service.layout.columns if each.required and each.source is Source.ASSUMED]
    assert not unseen, (
        f"{service.sync_type}: nobody has seen {', '.join(unseen)}, and an export without them is refused. Leave out "
        "`required` in the layout; or look at an export of the list, and leave out `source` of what you saw there"
    )


def test_the_measured_lists_are_measured(service):
    unmeasured = [column.header for column in service.layout.columns if column.source is not Source.MEASURED]
    every = headers_of(service)
    known = {"orders": ["E-MAIL"], "products": every, "prices": every}.get(service.sync_type, [])
    assert unmeasured == known, f'Write into this test, if that is so: "{service.sync_type}": {unmeasured}'


def test_a_fresh_session_s_eighteen_columns_of_products_are_enough():
    shown = split(SHOWN_BY_A_FRESH_SESSION)
    binding = get_service("products").layout.bind(shown)
    assert (len(shown), len(binding.positions)) == (18, 18)


@pytest.mark.parametrize(
    ("sync_type", "header", "occurrence", "field", "cell", "value"),
    [
        ("customers", "TIPO DI CLIENTE", 1, "sales_this_year", "1.729,22 €", Decimal("1729.22")),
        ("customers", "VENDITE PRECEDENTE", 1, "sales_last_year", "221,17 €", Decimal("221.17")),
        ("customers", "VENDITE PRECEDENTE", 2, "sales_two_years_ago", "78,3 €", Decimal("78.3")),
        ("customers", "TERMINI DI CONSEGNA", 1, "delivery_mode", "FedEx", "FedEx"),
        ("orders", "RIMANI VENDITE FINANZIARIE", 1, "description", "spedire lunedì", "spedire lunedì"),
        ("ddt", "NOME DI CONSEGNA", 2, "delivery_address", "Via Roma, 1", "Via Roma, 1"),
        ("ddt", "TOTALE", 1, "pieces", "1.015", Decimal(1015)),
        ("ddt", "CITTÀ DI CONSEGNA", 1, "delivery_city", "studio@alfa.example;", "studio@alfa.example;"),
        ("invoices", "OLTRE I GIORNI DI SCADENZA", 1, "days_left", "31", 31),
        ("invoices", "CHIUSO", 1, "closed_date", "31/08/2022", date(2022, 8, 31)),
    ],
)
def test_a_mislabelled_column_becomes_what_it_holds(sync_type, header, occurrence, field, cell, value):
    columns = get_service(sync_type).layout.columns
    [column] = [each for each in columns if (each.header, each.occurrence) == (header, occurrence)]
    assert (column.field, column.convert(cell)) == (field, value)


@pytest.mark.parametrize("headers", NOT_MIRRORED.values(), ids=NOT_MIRRORED)
def test_a_list_that_is_not_mirrored_is_not_taken_for_one_that_is(headers, service):
    with pytest.raises(LayoutChanged):
        service.layout.bind(split(headers))


def test_a_header_that_wraps_within_a_word_is_the_same():
    assert normalise_header("QUANTITÀIMPORTO DA") == normalise_header("QUANTITÀIMPORTODA")
    assert (
        normalise_header("NOME ARTICOLO :") == normalise_header("NOME ARTICOLO") == normalise_header("Nome  articolo:")
    )


def test_the_key_is_unique(service):
    assert service.model._meta.get_field(service.layout.key).unique


def test_empty_is_blank_in_a_text_and_null_in_all_else(service):
    for column in service.layout.columns:
        if column.field and column.field != service.layout.key:
            field = service.model._meta.get_field(column.field)
            is_text = isinstance(field, models.CharField)
            assert (field.null, field.blank) == (not is_text, is_text), field
            assert column.convert("") == ("" if is_text else None), field


def test_only_products_and_prices_may_lack_control_totals(service):
    optional = service.layout.footer is Footer.OPTIONAL
    assert optional == (service.sync_type in ("products", "prices"))


def test_only_customers_have_smart_syncs(service):
    assert service.smart == (service.sync_type == "customers")


@pytest.mark.django_db
@pytest.mark.parametrize("sync_type", SAMPLES)
def test_what_a_sample_export_shows_comes_back_from_the_mirror_unchanged(sync_type, erp_exports):
    service = get_service(sync_type)
    with read_export(erp_exports / SAMPLES[sync_type], service.layout) as records:
        shown = [record.values for record in records]
        fields = records.fields

    kept = {"created_at": MIRRORED_AT, "changed_at": MIRRORED_AT}
    service.model.objects.bulk_create(
        service.model(**dict(zip(fields, values, strict=True)), **kept) for values in shown
    )

    assert [*service.model.objects.order_by("pk").values_list(*fields)] == shown
    assert records.totals
    assert not records.notes
