"""What the documents say of the code is what the code says."""

import ast
import re
from functools import cache
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command

DOCS = settings.BASE_DIR / "docs"
HEADINGS = ["fact", "how well known", "where it is in the code", "test"]
HOW_WELL = {"measured", "read from the grid", "seen by others", "relied on by others", "assumed"}
CODE = re.compile(r"`([\w/]+\.py)`(?:: (`[\w.]+`(?:, `[\w.]+`)*))?")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
GUIDES = ("CONTRIBUTING.md", "docs/architecture.md")
PATH = re.compile(r"`(\w[\w.-]*/[\w./-]*)`")
LINK = re.compile(r"\]\((?!http)([^)#]+)")


def test_the_tables_of_columns_are_those_of_the_declarations():
    printed = StringIO()
    call_command("exportcolumns", stdout=printed)
    text = (DOCS / "exports.md").read_text()
    declared = printed.getvalue().strip()
    assert text.partition("prints.\n\n")[2].strip() == declared, "Put what exportcolumns prints into docs/exports.md"


@pytest.fixture
def facts():
    """The rows of the tables of facts."""
    lines = [line for line in (DOCS / "erp-facts.md").read_text().splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [cells for cells in rows if cells != HEADINGS and set(cells) != {"---"}]


def test_every_fact_says_how_well_it_is_known_where_it_is_and_what_shows_it(facts):
    assert facts
    for cells in facts:
        fact, how_well, code, test = cells
        assert how_well in HOW_WELL, fact
        assert any(names for _, names in CODE.findall(code)) or code.startswith(("no code", "not mirrored")), fact
        assert TEST.search(test) or test.startswith("no test"), fact


def test_every_test_that_the_facts_name_exists(facts):
    for fact, _, code, test in facts:
        assert test.count("::") == len(TEST.findall(test)), fact
        for path, name in TEST.findall(test):
            assert name in names_in(path), f"{path}::{name}"
        assert code.count(".py`") == len(CODE.findall(code)), fact
        for path, names in CODE.findall(code):
            for name in re.findall(r"[\w.]+", names):
                assert name in names_in(path), f"{path}: {name}"


@pytest.mark.parametrize("guide", GUIDES)
def test_all_files_and_all_code_that_a_guide_names_exist(guide):
    file = settings.BASE_DIR / guide
    text = " ".join(file.read_text().split())
    for path in PATH.findall(text):
        assert (settings.BASE_DIR / path).exists(), path
    for path in LINK.findall(text):
        assert (file.parent / path).exists(), path
    named = [(path, name) for path, names in CODE.findall(text) for name in re.findall(r"[\w.]+", names)]
    assert named
    for path, name in named:
        assert name in names_in(path), f"{path}: {name}"


@cache
def names_in(path):
    """The functions, classes, methods and constants that a file defines."""
    return set(names_of(ast.parse((settings.BASE_DIR / path).read_text())))


def names_of(scope, prefix=""):
    for node in scope.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (prefix + target.id for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from names_of(node, f"{prefix}{node.name}.")
