"""Exports damaged at random: each is records or a named error, and costs no more than it may. More: `make fuzz`."""

import json
import subprocess
import sys
from contextlib import suppress
from random import Random

import pytest

from tests.hostile.fuzzing import CANNOT, CHANGES, broken_rules, mutated, small_exports

FILES = 25
FUZZ = """
import json, sys
from pathlib import Path
from tests.hostile.fuzzing import fuzz, small_exports
seed, files, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
print(json.dumps(fuzz(small_exports(), seed=seed, until=lambda done: done == files, folder=folder)))
"""


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.usefixtures("real_processes")
def test_whatever_is_done_to_an_export_is_records_or_a_named_error_within_bounds(tmp_path, seed):
    # In a process of its own: one that is forked takes over the memory that the tests before have left.
    command = [sys.executable, "-c", FUZZ, str(seed), str(FILES), str(tmp_path)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert found["broken"] == []
    assert found["files"] == sum(found["ends"].values()) == FILES
    assert len(found["ends"]) > 2


def test_the_same_seed_damages_alike():
    exports = [data for data, _layout in small_exports()]
    once, again = ([mutated(data, Random(5), exports) for data in exports] for _ in range(2))
    assert once == again
    assert once != exports


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_each_change_changes_something(change):
    exports = [data for data, _layout in small_exports()]
    changed = []
    for seed in range(8):
        with suppress(*CANNOT):
            changed.append(change(exports[0], Random(seed), exports))
    assert {exports[0]} < {exports[0], *changed}


@pytest.mark.parametrize(
    ("told", "rule"),
    [
        ({"error": "ZeroDivisionError"}, "ZeroDivisionError is no named error"),
        ({"error": "PageUnreadable", "seconds": 11}, "it took 11.0 s"),
        ({"records": 2, "peak_of_child": 501}, "it took 20 and 501 MB"),
        ({"records": 2, "peak": 501}, "it took 501 and 30 MB"),
    ],
)
def test_a_broken_rule_is_found(told, rule):
    assert list(broken_rules({"seconds": 1, "peak": 20, "peak_of_child": 30} | told, 1000)) == [rule]


def test_what_keeps_the_rules_breaks_none():
    assert list(broken_rules({"error": "ExportDamaged", "seconds": 9, "peak": 20, "peak_of_child": 499}, 1000)) == []
