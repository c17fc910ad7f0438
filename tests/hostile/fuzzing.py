"""Damages real-looking exports at random, and reads them: records or a named error, within bounds, whatever was done.

    python -m tests.hostile.fuzzing --minutes 15 --seed 7

It tells what became of the files, and keeps those that broke a rule in var/hostile.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import django
import pikepdf

from sync import exceptions
from sync.exports.child import READING_OF_SIZE
from sync.exports.layout import ExportLayout
from sync.exports.limits import Limits
from tests.hostile.measuring import LAYOUT, measured
from tests.hostile.writing import FOOTER, HEADERS, HELVETICA, ROWS, Pdf, drawn_otherwise, list_of_two

KEPT = Path(__file__).parents[2] / "var" / "hostile"
MOST_MEMORY = 500  # MB, of either process
MOST_SECONDS = 10  # beside what the file's size deserves
NAMED = {
    name
    for name, kind in vars(exceptions).items()
    if isinstance(kind, type) and issubclass(kind, exceptions.ExportError)
}
NUMBER = re.compile(rb"(?<![\w.])-?\d+(?![\w.])")
TOKENS = [
    b"endobj",
    b"stream\n",
    b"<<",
    b">>",
    b"[",
    b"]",
    b"0 R",
    b"xref",
    b"null",
    b"%%EOF",
    b"(",
    b"\0",
    b"R",
    b"obj",
]

Export = tuple[bytes, ExportLayout]
Change = Callable[[bytes, Random, Sequence[bytes]], bytes]


# Byte by byte


def set_bytes(data: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 5, 50])):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def set_digits(data: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    digits = [at for at, byte in enumerate(changed) if 48 <= byte <= 57]
    for at in rng.sample(digits, min(len(digits), rng.choice([1, 1, 3]))):
        changed[at] = rng.choice(b"0123456789")
    return bytes(changed)


def take_out(data: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.choice([1, 2, 10, 100, 1000, 20_000]) :]


def put_in(data: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.choice([rng.choice(TOKENS), rng.randbytes(20), b" " * 5000]) + data[at:]


def repeat(data: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at : at + rng.choice([10, 1000, 20_000])] * rng.choice([2, 3, 20]) + data[at:]


def set_number(data: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    found = list(NUMBER.finditer(data))
    if not found:
        return data
    match = rng.choice(found)
    number = rng.choice(
        [b"-1", b"0", b"1", b"2147483648", b"99999999999", b"9" * 400, b"1e99", b"%d" % rng.randrange(999)]
    )
    return data[: match.start()] + number + data[match.end() :]


def splice(data: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    other = rng.choice(others)
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


def swap_objects(data: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    bodies = list(re.finditer(rb"\d+ 0 obj\b(.*?)endobj", data, re.DOTALL))
    theirs: list[bytes] = re.findall(rb"\d+ 0 obj\b(.*?)endobj", rng.choice([data, *others]), re.DOTALL)
    if not (bodies and theirs):
        return data
    match = rng.choice(bodies)
    return data[: match.start(1)] + rng.choice(theirs) + data[match.end(1) :]


# By its structure


def change_structure(data: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    with pikepdf.open(BytesIO(data)) as pdf:
        for _ in range(rng.choice([1, 1, 2, 4])):
            change_object(pdf, rng)
        file = BytesIO()
        pdf.save(file, object_stream_mode=rng.choice(list(pikepdf.ObjectStreamMode)), static_id=True)
    return file.getvalue()


def change_object(pdf: pikepdf.Pdf, rng: Random) -> None:
    held = [each for each in pdf.objects if isinstance(each, pikepdf.Dictionary | pikepdf.Stream) and each.keys()]
    owner = rng.choice(held)
    key = rng.choice(list(owner.keys()))
    value = rng.choice(
        [
            lambda: owner,
            lambda: rng.choice(held),
            lambda: pikepdf.Array([owner, owner]),
            lambda: pikepdf.Array(),
            lambda: pikepdf.Dictionary(),
            lambda: pikepdf.Name("/" + "A" * rng.choice([1, 10_000])),
            lambda: pikepdf.String("x" * rng.choice([0, 10_000])),
            lambda: rng.choice([-1, 0, 1, 2**31, 10**15, True]),
        ]
    )
    if rng.random() < 0.3:
        del owner[key]
    else:
        owner[key] = value()


def change_pages(data: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    with pikepdf.open(BytesIO(data)) as pdf:
        pages = pdf.pages
        one, two = rng.randrange(len(pages)), rng.randrange(len(pages))
        match rng.randrange(4):
            case 0 if len(pages) > 1:
                del pages[one]
            case 1:
                pages.append(pages[one])
            case 2:
                pages[one].obj.Contents, pages[two].obj.Contents = pages[two].obj.Contents, pages[one].obj.Contents
            case _:
                pages[one].obj.Resources = pages[two].obj.Resources
                pages[one].obj.MediaBox = [0, 0, rng.choice([0, -5, 10**9]), 5]
        file = BytesIO()
        pdf.save(file, static_id=True)
    return file.getvalue()


def change_stream(data: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """What is in a stream, packed anew."""
    with pikepdf.open(BytesIO(data)) as pdf:
        streams = [each for each in pdf.objects if isinstance(each, pikepdf.Stream)]
        chosen = rng.choice(streams)
        with suppress(pikepdf.PdfError):
            content = bytes(chosen.read_bytes()) or b" "
            chosen.write(rng.choice(BY_BYTES)(content, rng, [content]))
        file = BytesIO()
        pdf.save(file, static_id=True)
    return file.getvalue()


BY_BYTES: list[Change] = [set_bytes, set_digits, take_out, put_in, repeat, set_number, splice]
# A change by structure is not made to what pikepdf no longer opens, or cannot write.
CANNOT = (pikepdf.PdfError, RuntimeError, ValueError, TypeError, AttributeError, LookupError)
BY_STRUCTURE: list[Change] = [change_structure, change_structure, change_pages, change_stream, change_stream]
CHANGES: list[Change] = [*BY_BYTES, swap_objects, *BY_STRUCTURE]


def mutated(data: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        with suppress(*CANNOT):
            data = rng.choice(CHANGES)(data, rng, others)[: 3 * 1024**2] or data
    if rng.random() < 0.5 and b"%%EOF" not in data[-1024:]:
        data += b"\n%%EOF\n"
    return data


def small_exports() -> list[Export]:
    """Lists of two, as the ERP draws them and otherwise."""
    otherwise = Pdf()
    otherwise.add_page(drawn_otherwise([HEADERS, *ROWS, FOOTER]), HELVETICA)
    return [(list_of_two().written(), LAYOUT), (otherwise.written(), LAYOUT)]


def all_exports() -> list[Export]:
    """The demo ERP's lists, and the ERP's own sample exports where they stand beside the project."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from demo.erp.erp import DemoErp
    from sync.service import list_services
    from tests.test_layouts import SAMPLES

    samples = Path(__file__).parents[3] / "shared" / "erp-exports"
    exports = small_exports()
    with TemporaryDirectory() as folder:
        for service in list_services():
            path = Path(folder) / service.sync_type
            DemoErp(scale=0.02).write_export(service.sync_type, path)
            exports.append((path.read_bytes(), service.layout))
            if samples.is_dir() and service.sync_type in SAMPLES:
                exports.append(((samples / SAMPLES[service.sync_type]).read_bytes(), service.layout))
    return exports


def broken_rules(told: dict[str, Any], size: int) -> Iterator[str]:
    if told.get("error") and told["error"] not in NAMED:
        yield f"{told['error']} is no named error"
    if told["seconds"] > MOST_SECONDS + Limits().seconds * READING_OF_SIZE * size:
        yield f"it took {told['seconds']:.1f} s"
    if max(told["peak"], told["peak_of_child"]) > MOST_MEMORY:
        yield f"it took {told['peak']:.0f} and {told['peak_of_child']:.0f} MB"


def fuzz(exports: Sequence[Export], *, seed: int, until: Callable[[int], bool], folder: Path) -> dict[str, Any]:
    """Damage and read, until it is enough. What broke a rule stays in the folder."""
    rng = Random(seed)
    ends: Counter[str] = Counter()
    broken, longest, most = [], 0.0, 0.0
    contents = [data for data, _layout in exports]
    while not until(ends.total()):
        data, layout = rng.choice(exports)
        changed = mutated(data, rng, contents)
        path = folder / f"{seed}-{ends.total()}.pdf"
        path.write_bytes(changed)
        told = measured({"path": str(path)}, layout)
        ends[told.get("error") or "records"] += 1
        longest, most = max(longest, told["seconds"]), max(most, told["peak_of_child"])
        if rules := list(broken_rules(told, len(changed))):
            broken.append({"file": path.name, "rules": rules, "told": told})
            print(json.dumps(broken[-1])[:3000], file=sys.stderr, flush=True)
        else:
            path.unlink()
    return {
        "files": ends.total(),
        "ends": dict(ends.most_common()),
        "seconds": longest,
        "memory": most,
        "broken": broken,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Damage exports at random, and read them.")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * options.minutes
    found = fuzz(all_exports(), seed=options.seed, until=lambda done: time.monotonic() > end, folder=KEPT)
    print(f"{found['files']} files, seed {options.seed}")
    for name, count in found["ends"].items():
        print(f"  {name:<28}{count:>7}")
    print(f"  longest {found['seconds']:.1f} s of processor time, largest {found['memory']:.0f} MB")
    print(f"  {len(found['broken'])} broke a rule" + (f"; they are in {KEPT}" if found["broken"] else ""))
    sys.exit(bool(found["broken"]))


if __name__ == "__main__":
    main()
