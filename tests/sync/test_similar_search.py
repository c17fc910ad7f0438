"""What people find in spite of a slip, how far down, and what stays as it was."""

import pytest
from django.db import connection, transaction
from django.utils import timezone

from customers.models import Customer
from orders.models import Order, Product
from sync.database import search, similar_words
from sync.database.similar_words import Place, SimilarWord
from sync.models import SearchWord
from sync.service import list_services
from tests.factories import CustomerFactory, OrderFactory, ProductFactory
from tests.plans import explain
from tests.sync.conftest import customers

pytestmark = pytest.mark.django_db

CUSTOMERS = {
    "roccasegna": {
        "name": "Studio Dentistico Dott. Roccasegna",
        "city": "Courmayeur",
        "account_number": "068631",
        "vat_number": "06864650004",
        "phone": "+390165449143",
        "street": "Via T. Tasso, 12",
        "postcode": "11013",
        "certified_email": "roccasegna@pec.example",
    },
    "albaverde": {
        "name": "Clinica Dentale Albaverde S.r.l.",
        "city": "L'Aquila",
        "account_number": "1002345",
        "vat_number": "12895060007",
        "phone": "0862 44 55 66",
        "mobile": "333 1234567",
        "street": "Viale dei Tigli, 7",
        "postcode": "67100",
        "certified_email": "posta@dentalealba.example",
    },
    "betulle": {
        "name": "Centro Odontoiatrico Le Betulle",
        "city": "San Benedetto del Tronto",
        "account_number": "1002346",
        "vat_number": "10716950001",
        "street": "Corso Garibaldi, 100",
        "postcode": "63074",
    },
    "castelneve": {"name": "Laboratorio Castelneve", "city": "Forlì", "account_number": "1002347"},
    "montelume": {"name": "Poliambulatorio Montelume", "city": "Vipiteno - Sterzing", "account_number": "1002348"},
    "dbs": {"name": "D. B. S. Odontoiatria", "city": "Terni", "account_number": "1002349"},
    "sasso": {"name": "Sasso", "city": "Terni"},
    "rossi": {"name": "Rossi", "city": "Sassari"},
    "rosini": {"name": "Rosini", "city": "Sassari"},
}
PRODUCTS = {
    "carbide": {"name": "9801.314.016", "erp_id": "001627K2", "description": "FRESA CARB. TUNGSTENO Ø 1.6 MM"},
    "diamond": {"name": "6801.314.014", "erp_id": "002911K3", "description": "STRUMENTO DIAMANTATO Ø 1.4 MM, CONICO"},
    "polisher": {"name": "17431.654. S1", "erp_id": "004040K1", "description": "LUCIDANTE IN SILICONE, GRANA FINE"},
    "surgical": {"name": "H162.104.023", "erp_id": "003003K2", "description": "FRESA CHIRURGICA LINDEMANN, LUNGA"},
    "root": {"name": "D.B.S.25", "erp_id": "005005K1", "description": "STRUMENTO CANALARE NI-TI PER D. B. S."},
}
SLIPS = [  # kind, typed, the record that is meant, the last rank at which it may come
    ("a letter is missing", "rocasegna", "roccasegna", 1),
    ("a letter is missing", "occasegna dentistico", "roccasegna", 1),
    ("a letter is missing", "roccasegn dentisico", "roccasegna", 1),
    ("a letter is missing", "albaverd dentle", "albaverde", 1),
    ("a letter is missing", "castelnve", "castelneve", 1),
    ("a letter is missing", "rosi", "rossi", 2),
    ("a letter is wrong", "roccasegma", "roccasegna", 1),
    ("a letter is wrong", "toccasegna", "roccasegna", 1),
    ("a letter is wrong", "montelime", "montelume", 1),
    ("a letter is wrong", "bettlle", "betulle", 1),
    ("a letter is wrong", "courmaieur", "roccasegna", 1),
    ("a letter is wrong", "kastelneve forli", "castelneve", 1),
    ("a letter is too many", "roccasegnaa", "roccasegna", 1),
    ("a letter is too many", "monttelume", "montelume", 1),
    ("a letter is too many", "castellneve", "castelneve", 1),
    ("two letters are changed round", "rocacsegna", "roccasegna", 1),
    ("two letters are changed round", "orccasegna", "roccasegna", 1),
    ("two letters are changed round", "albavedre", "albaverde", 1),
    ("two letters are changed round", "montelmue", "montelume", 1),
    ("two letters are changed round", "dentsitico roccasegna", "roccasegna", 1),
    ("a slip in a part of a word", "rocase", "roccasegna", 1),
    ("a slip in a part of a word", "albavre", "albaverde", 1),
    ("a slip in a part of a word", "poliamubl", "montelume", 1),
    ("parts in any order", "segna studio", "roccasegna", 1),
    ("parts in any order", "aquila albav clin", "albaverde", 1),
    ("parts in any order", "betul odonto benedetto", "betulle", 1),
    ("a slip in one of several words", "studio rocasegna courmayeur", "roccasegna", 1),
    ("a slip in one of several words", "forli castelnevve", "castelneve", 1),
    ("a slip in each of two words", "clinca albavrede", "albaverde", 1),
    ("a telephone number", "0165 449143", "roccasegna", 1),
    ("a telephone number", "0165/449143", "roccasegna", 1),
    ("a telephone number", "+39 0165 449143", "roccasegna", 1),
    ("a telephone number", "00390165449143", "roccasegna", 1),
    ("a telephone number", "0862445566", "albaverde", 1),
    ("a telephone number", "+390862445566", "albaverde", 1),
    ("a telephone number", "0862 445566", "albaverde", 1),
    ("a telephone number", "+39 333 123 4567", "albaverde", 1),
    ("a VAT number", "IT06864650004", "roccasegna", 1),
    ("a VAT number", "it 12895060007", "albaverde", 1),
    ("a VAT number", "12895 060007", "albaverde", 1),
    ("zeros before a number", "68631", "roccasegna", 1),
    ("zeros before a number", "0068631", "roccasegna", 1),
    ("zeros before a number", "001002345", "albaverde", 1),
    ("initials", "D.B.S.", "dbs", 1),
    ("initials", "dbs", "dbs", 1),
    ("initials", "d b s odontoiatria", "dbs", 1),
    ("initials", "albaverde s. r. l.", "albaverde", 1),
    ("a street", "via tasso", "roccasegna", 1),
    ("a street", "via t.tasso 12", "roccasegna", 1),
    ("a street", "roccasegna tasso", "roccasegna", 1),
    ("a street", "corso garibladi", "betulle", 1),
    ("a postcode", "67100", "albaverde", 1),
    ("a postcode", "63074 odontoiatrico", "betulle", 1),
    ("certified mail", "roccasegna@pec.example", "roccasegna", 1),
    ("certified mail", "posta@dentalealba", "albaverde", 1),
    ("a code", "9801314016", "carbide", 1),
    ("a code", "9801 314 016", "carbide", 1),
    ("a code", "98 01.314 016", "carbide", 1),
    ("a code with a blank in the ERP", "17431.654. S1", "polisher", 1),
    ("a code with a blank in the ERP", "17431.654.S1", "polisher", 1),
    ("a code with a blank in the ERP", "17431654s1", "polisher", 1),
    ("a code with a blank in the ERP", "17431 654 s1", "polisher", 1),
    ("zeros before a code", "1627K2", "carbide", 1),
    ("zeros before a code", "0001627k2", "carbide", 1),
    ("gender and number", "diamantata", "diamond", 1),
    ("gender and number", "strumenti diamantati", "diamond", 1),
    ("gender and number", "frese tungsteno", "carbide", 1),
    ("gender and number", "frese lunghe", "surgical", 1),
    ("gender and number", "conica", "diamond", 1),
    ("gender and number", "chirurgiche", "surgical", 1),
    ("gender and number", "lucidanti", "polisher", 1),
    ("an abbreviation", "carburo tungsteno", "carbide", 1),
    ("an abbreviation", "fresa in carburo", "carbide", 1),
    ("a unit without its blank", "1.4mm diamantato", "diamond", 1),
    ("a unit without its blank", "1,6mm", "carbide", 1),
    ("a slip beside a code", "lindeman 023", "surgical", 1),
    ("a slip beside a code", "tugsteno 016", "carbide", 1),
    ("initials of a product", "D.B.S.", "root", 1),
    ("initials of a product", "dbs canalare", "root", 1),
]


@pytest.fixture
def known():
    """The records of the table, by their name in it."""
    return {
        **{name: CustomerFactory(**values) for name, values in CUSTOMERS.items()},
        **{name: ProductFactory(**values) for name, values in PRODUCTS.items()},
    }


def find(typed, model=Customer):
    return search.search(model.objects.present(), typed)


def named(*names):
    return [CustomerFactory(name=name).pk for name in names]


@pytest.mark.parametrize(("kind", "typed", "meant", "rank"), SLIPS, ids=[f"{slip[0]}: {slip[1]}" for slip in SLIPS])
def test_what_is_meant_is_found_in_spite_of_a_slip(kind, typed, meant, rank, known):
    record = known[meant]
    assert record.pk in find(typed, type(record)).keys[:rank]


# Exact and similar


@pytest.mark.parametrize("typed", ["rosa", "studio rosa", "alba", "osa", "00012", "rosa 12"])
def test_exact_ones_come_first_as_if_nothing_similar_was_there(typed):
    named("Albarosa", "Studio Rosa", "Rosa 00012")
    exact = find(typed)
    named("Rossa", "Rose", "Studio Rossa", "Albe", "Rosso 00913", "Ossa")
    again = find(typed)
    assert exact.exact
    assert again.exact == exact.exact
    assert again.keys[: len(exact.exact)] == exact.exact


def test_similar_ones_follow_the_exact_ones_and_the_nearest_come_first():
    rosini, rossi, rosato, bianchi = named("Rosini", "Rossi", "Rosato", "Bianchi")
    found = find("rosi")
    assert found.exact == [rosini]
    assert found.similar[0] == rossi
    assert bianchi not in found.keys
    assert rosato in found.similar


def test_who_types_a_whole_word_is_shown_nothing_similar():
    rossi, _rosso, _rosini = named("Rossi", "Rosso", "Rosini")
    assert (find("rossi").exact, find("rossi").similar) == ([rossi], [])


def test_who_finds_enough_is_shown_nothing_similar():
    named(*(f"Rosini {number}" for number in range(10)), "Rossi")
    assert len(find("rosi").exact) == 10
    assert find("rosi").similar == []


def test_a_code_is_taken_for_no_other():
    ProductFactory(name="9801.314.016", erp_id="001627K2")
    assert find("9801.314.018", Product).keys == []
    assert find("9801.314.061", Product).keys == []


def test_a_short_word_is_taken_for_no_other():
    named("Ros", "Rom")
    assert find("roz").keys == []


def test_only_words_that_no_record_has_are_corrected_if_there_are_any():
    CustomerFactory(name="Rossi", city="Romano")
    CustomerFactory(name="Rosso", city="Romana")
    assert len(find("rossi romsno").keys) == 1


def test_details_are_exact_and_come_after_what_is_found_without_them():
    in_street = CustomerFactory(name="Bianchi", street="Via Romagnoli").pk
    in_name = CustomerFactory(name="Zanni Romagnolini").pk
    assert find("romagnol").exact == [in_name, in_street]


def test_a_search_keeps_to_the_records_it_is_given_and_to_those_present():
    CustomerFactory(name="Roccasegna", city="Roma", removed_at=timezone.now())
    CustomerFactory(name="Roccasegna", city="Roma")
    milan = CustomerFactory(name="Roccasegna", city="Milano").pk
    assert search.search(Customer.objects.present().filter(city="Milano"), "rocasegna").similar == [milan]
    assert len(find("rocasegna").similar) == 2


def test_lists_without_details_have_similar_ones_too():
    order = OrderFactory(customer_name="Studio Roccasegna").pk
    assert find("rocasegna", Order).similar == [order]


def test_words_of_one_list_are_none_of_another():
    ProductFactory(description="ROCCASEGNA")
    assert similar_words.find_similar_words("customers_customer", ["rocasegna"], using="default") == {
        "rocasegna": [SimilarWord("rocasegna", 0, Place.START)]
    }


@pytest.mark.parametrize(
    "typed", ['"', 'rosa"*', "rosa OR rossi", "NEAR(rosa)", "rosa*", "-rosa", "rosa:x", "search_text"]
)
def test_signs_of_a_full_text_search_have_no_meaning(typed):
    named("Bianchi")
    assert find(typed).keys == []


# Where the words come from


def test_a_sync_brings_the_words_of_what_it_brings(sync_customers):
    sync_customers(customers(1, name="Roccasegna"))
    assert len(find("rocasegna").similar) == 1
    sync_customers([{"erp_id": "1", "name": "Montelume"}])
    assert find("rocasegna").keys == []
    assert len(find("montelme").similar) == 1


def test_words_are_kept_once_and_without_digits():
    named("Studio Rosa", "Studio Rosa 12 K2")
    words = SearchWord.objects.of(Customer).values_list("word", flat=True)
    assert sorted(word for word in words if word in ("studio", "rosa", "12", "k2")) == ["rosa", "studio"]


def test_all_words_of_rows_that_were_there_before_are_added():
    named("Roccasegna")
    SearchWord.objects.all().delete()
    assert find("rocasegna").keys == []
    SearchWord.objects.add_all_words(Customer)
    assert len(find("rocasegna").similar) == 1


# Plans


@pytest.mark.parametrize("service", list_services(), ids=lambda service: service.sync_type)
def test_slips_are_found_by_indexes_alone(service):
    table, names = service.model._meta.db_table, search.list_search_texts(service.model)
    sought = [[SimilarWord("roccasegna", 1, Place.WHOLE), SimilarWord("roccasegno", 2, Place.START)]]
    if connection.vendor == "sqlite":
        plan = search.filter_similar(service.model.objects.present(), sought, names).values_list("pk").explain()
        assert f"{table}_words VIRTUAL TABLE INDEX" in plan
        assert f"SEARCH {table} USING INTEGER PRIMARY KEY" in plan
        return
    for name in names:
        index = f"{table}{'' if name == 'search_text' else f'_{name}'}_trigrams"
        found = search.filter_similar(service.model.objects.present(), sought, [name])
        assert index in explain_with_only(index, found)


def explain_with_only(index, found):
    """The plan on PostgreSQL without other indexes: any of them holds all of an empty table."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for name, each in connection.introspection.get_constraints(cursor, found.model._meta.db_table).items():
            if each["index"] and not each["unique"] and name != index:
                cursor.execute(f'DROP INDEX "{name}"')
        plan = found.explain()
        transaction.set_rollback(True)
    return plan


def test_words_are_looked_up_by_their_index():
    query = similar_words.FIND.format(variants="('rossi'), ('rosso')", table=similar_words.TABLE)
    plan = explain(query.replace("%s", "'customers_customer'", 2).replace("%s", "'~'"))
    assert "SCAN sync_searchword" not in plan
    assert "Seq Scan on sync_searchword" not in plan
