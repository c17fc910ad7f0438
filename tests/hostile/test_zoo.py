"""Small hostile files: each ends as it must, and takes no more than a small file may."""

import json
import subprocess
import sys

import pytest

from sync.exports.child import READING_OF_SIZE
from sync.exports.limits import Limits
from tests.hostile.zoo import READ, ZOO

MOST_BYTES = 1024**2  # of a file that is called small
MOST_MEMORY = 500  # MB, of the process that reads
MOST_MEMORY_OF_PARENT = 200  # MB, of the one that keeps what it is told


@pytest.fixture(scope="module")
def measure(real_processes):
    """What a small process, which loads neither Django nor a test, tells of a file."""
    command = [sys.executable, "-m", "tests.hostile.measuring"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        requests, answers = process.stdin, process.stdout

        def ask(path):
            requests.write(json.dumps({"path": str(path)}) + "\n")
            requests.flush()
            return json.loads(answers.readline())

        yield ask
        requests.close()


@pytest.mark.parametrize("animal", ZOO, ids=lambda animal: animal.name)
def test_a_small_hostile_file_ends_as_it_must_and_costs_little(measure, record_property, tmp_path, animal):
    path = tmp_path / "list.pdf"
    path.write_bytes(animal.write())
    told = measure(path)
    assert told.get("error", f"{told.get('records')} records") == animal.ends, told
    assert animal.says in told["text"]
    for figure in ("seconds", "peak", "peak_of_child"):
        record_property(figure, told[figure])
    size = path.stat().st_size
    assert size < MOST_BYTES
    assert told["seconds"] <= 10 + Limits().seconds * READING_OF_SIZE * size
    assert told["peak_of_child"] < MOST_MEMORY
    assert told["peak"] < MOST_MEMORY_OF_PARENT


def test_there_are_enough_of_them():
    assert len({animal.name for animal in ZOO}) == len(ZOO) > 40
    assert any(animal.ends == READ for animal in ZOO)
