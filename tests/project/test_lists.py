"""A list is declared once, in SYNC_TYPES: what has to be said of it elsewhere is missed by name."""

import ast
import re
import tomllib
from datetime import date, timedelta
from itertools import zip_longest

import pytest
from django.conf import settings
from django.urls import reverse

from demo.erp.data import REAL_SIZES, BaseData
from demo.erp.english import HEADERS
from demo.erp.life import FREQUENCIES, HAPPENINGS
from demo.erp.lists import LISTS
from sync.service import get_service, list_services
from tests.factories import CustomerFactory
from tests.lists import APPS, DEMO_TYPES, TYPES

PROJECT = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())
CONTRACTS = {each["name"]: each for each in PROJECT["tool"]["importlinter"]["contracts"]}
NAMES = {app.name for app in APPS}
OF_LISTS = {settings.SYNC_TYPES[sync_type]["service"].partition(".")[0] for sync_type in TYPES}

SAME_IN_ENGLISH = {  # headers that the ERP does not translate
    "ACCOUNT:", "DATAAREAID", "E-MAIL", "ID", "ITEM DESCRIPTION:", "ITEM SELECTION:", "PEC:", "PURCH PRICE PCS", "SDI:",
    "TYPE:", "URL:",
}  # fmt: skip

# Where sync names a list, and why.
MAY_NAME_LISTS = {
    "sync/management/database.py": {"customers", "orders"},  # apps, whose migrations from before the release it knows
    "sync/monitoring/serializers.py": {"customers"},  # the example of a run, in the API's documentation
}


def lists_named_in(path):
    """The lists that code names: their types, models and apps, in whatever is neither docstring nor comment."""
    tree = ast.parse(path.read_text())
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    words, names = set(), set()
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if node not in docstrings:
                words.update(re.findall(r"\w+", text))
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) | ast.ImportFrom(module=str(name)):
                names.update(name.split("."))
    return {
        sync_type
        for sync_type in TYPES
        if {sync_type, sync_type.capitalize(), sync_type.upper()} & words
        or {sync_type, get_service(sync_type).model.__name__} & names
    }


def test_sync_knows_no_list_by_name():
    paths = (settings.BASE_DIR / "sync").rglob("*.py")
    named = {str(path.relative_to(settings.BASE_DIR)): lists_named_in(path) for path in paths}
    assert {path: lists for path, lists in named.items() if lists} == MAY_NAME_LISTS


# What does not follow from the declaration


def test_the_import_contracts_cover_every_app():
    order = next(contract for name, contract in CONTRACTS.items() if name.startswith("demo ->"))
    layers = {layer for line in order["layers"] for layer in line.split(" | ")}
    wiring = CONTRACTS["Nothing below knows the wiring"]
    pdf = CONTRACTS["A PDF is opened in a process of its own, and nowhere else"]
    lacking = {
        "root_packages": NAMES - set(PROJECT["tool"]["importlinter"]["root_packages"]),
        f"layers of “{order['name']}” (a list's app beside customers: “customers | …”)": NAMES - layers,
        f"source_modules of “{wiring['name']}”": NAMES - set(wiring["source_modules"]),
        f"source_modules of “{pdf['name']}”": OF_LISTS - set(pdf["source_modules"]),
    }
    lines = [f"add {', '.join(sorted(apps))} to {where}" for where, apps in lacking.items() if apps]
    assert not lines, "In pyproject.toml, below [tool.importlinter]: " + "; ".join(lines)


def test_a_distribution_has_every_app():
    packages = PROJECT["tool"]["setuptools"]["packages"]["find"]
    assert set(packages) == {"exclude", "namespaces"}
    assert not any(re.match(pattern.replace("*", ".*"), name) for pattern in packages["exclude"] for name in NAMES)
    for app in NAMES:
        folders = {path.parent for path in (settings.BASE_DIR / app).rglob("*.py")}
        assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_readme_s_table_has_every_list_and_its_schedule():
    """Two lists stand in each row: the more urgent half at the left."""
    cells = []
    for sync_type in TYPES:
        declared = settings.SYNC_TYPES[sync_type]
        every, first = (declared[name] // timedelta(minutes=1) for name in ("every", "first_at"))
        cells.append(f"| {sync_type} | {declared['priority']} | {every} min | {f'+{first} min' if first else 0} |")
    half = (len(cells) + 1) // 2
    rows = [f"{left} {right}" for left, right in zip_longest(cells[:half], cells[half:], fillvalue="| | | | |")]
    table = "\n".join(rows)
    assert table in (settings.BASE_DIR / "README.md").read_text(), f"The table of README.md is to have\n{table}"


def test_the_demo_erp_has_every_list():
    parts = {
        "demo/erp/lists.py: LISTS": DEMO_TYPES,
        "demo/erp/data.py: REAL_SIZES": REAL_SIZES,
        "demo/erp/data.py: makers": BaseData(seed=1, scale=0, today=date(2026, 1, 20)).makers,
    }
    missing = {part: sorted(set(TYPES) - set(lists)) for part, lists in parts.items()}
    lines = [f"add {', '.join(lists)} to {part}" for part, lists in missing.items() if lists]
    assert not lines, "; ".join(lines)
    assert len(LISTS) == len(TYPES)


@pytest.mark.parametrize("demo_list", LISTS, ids=DEMO_TYPES)
def test_a_list_of_the_demo_erp_has_all_that_its_faults_make_wrong(demo_list):
    """One that hides the last column of the second page, say."""
    pages = [[column.header for column in page] for page in demo_list.pages]
    assert len(pages) > 1, f"demo/erp/lists.py: give {demo_list.sync_type} columns for two pages, by their width"
    assert len(pages[1]) > 1, f"demo/erp/lists.py: give {demo_list.sync_type} two columns on its second page"
    required = {column.header for column in get_service(demo_list.sync_type).layout.columns if column.required}
    hidden = required & {page[-1] for page in pages[1:]}
    assert not hidden, (
        f"demo/erp/lists.py: let {hidden} of {demo_list.sync_type} not be a page's last: faults hide that"
    )


def test_what_happens_in_the_demo_erp_happens_by_itself_too():
    assert set(FREQUENCIES) == set(HAPPENINGS), "Write into FREQUENCIES of demo/erp/life.py how often it happens"


def test_every_header_of_the_demo_erp_has_its_english():
    missing = {column.header for each in LISTS for column in each.columns} - set(HEADERS) - SAME_IN_ENGLISH
    lines = "".join(f'\n    "{header}": "…",' for header in sorted(missing))
    assert not missing, f"Write into HEADERS of demo/erp/english.py, or into SAME_IN_ENGLISH of this test:{lines}"


# What follows


@pytest.mark.parametrize("sync_type", TYPES)
def test_a_list_is_read_by_the_api_under_its_name(sync_type, db, client, admin_user):
    client.force_login(admin_user)
    assert client.get(f"/api/{sync_type}").status_code == 200


def test_a_customer_s_page_leads_to_every_list_that_names_customers(db, admin_client):
    customer = CustomerFactory(account_number="068631")
    html = admin_client.get(reverse("admin:customers_customer_change", args=[customer.pk])).content.decode()
    naming = [service for service in list_services() if service.account_field]
    assert len(naming) >= 4
    for service in naming:
        options = service.model._meta
        address = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
        assert f'href="{address}?{service.account_field}=068631"' in html
