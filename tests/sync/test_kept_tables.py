"""Page tables that are kept from one export of a list to the next: what is read is what would be read without them."""

import gzip
import random
import re
import stat
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pikepdf
import pytest

from customers.models import Customer
from sync.exceptions import ControlTotalMismatch, ExportError
from sync.exports import erp_page
from sync.exports.kept_tables import MADE_BY, KeptTables
from sync.exports.limits import check_ends
from sync.exports.pages import open_pages
from sync.exports.process import PageProcess
from sync.exports.reader import read_export
from sync.models import SyncRun
from tests.sync.drawing import LAYOUT, draw, row

ROWS = [row("1.001"), row("1.002", name="Studio Beta")]
ALTERED = [row("1.001"), row("1.002", name="Studio Gamma")]


@contextmanager
def keeping(file, path, limits, progress):
    """As the process that reads does it."""
    check_ends(path, limits)
    kept = KeptTables(file)
    with open_pages(path, limits, kept) as pages:
        yield pages
        kept.save()


def read(path, file=None, *, layout=LAYOUT):
    with read_export(path, layout, open_pages=partial(keeping, file)) as records:
        return [record.values for record in records]


def altered(path, alter):
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        alter(pdf)
        pdf.save(path)


def forge(file, old, new):
    """Change a text in the tables that are kept, to see whether they are what is read."""
    tables = gzip.decompress(file.read_bytes())
    assert old in tables
    file.write_bytes(gzip.compress(tables.replace(old, new)))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kept" / "list"


@pytest.fixture
def path(tmp_path):
    return draw(tmp_path / "list.pdf", ROWS)


def test_a_page_that_is_the_same_is_not_read_again(path, file):
    first = read(path, file)
    forge(file, b"Studio Beta", b"Studio Zeta")
    assert [values[1] for values in read(path, file)] == ["Studio Alfa", "Studio Zeta"]
    assert first == read(path)


def test_the_totals_are_compared_all_the_same(path, file):
    read(path, file)
    forge(file, "1.200,50 €".encode("ascii", "backslashreplace").replace(rb"\u20ac", b"\\u20ac"), b"1.200,51 \\u20ac")
    with pytest.raises(ControlTotalMismatch):
        read(path, file)


def test_a_page_that_has_changed_is_read_anew(path, file):
    read(path, file)
    draw(path, ALTERED)
    assert read(path, file) == read(path)
    assert "Studio Gamma" in read(path, file)[1]


def test_a_font_that_shows_other_characters_is_read_anew(path, file):
    """Nothing of the page itself is another: only what its codes stand for."""
    before = read(path, file)

    def exchange_letters(pdf):
        for font in pdf.pages[0].Resources.Font.values():
            codes = font.ToUnicode.read_bytes()
            font.ToUnicode.write(codes.replace(b"<0041>", b"<005A>").replace(b"<0061>", b"<007A>"))

    altered(path, exchange_letters)
    assert read(path, file) == read(path) != before


def test_fonts_that_have_exchanged_their_names_are_read_anew(path, file):
    def add_font(pdf, *, names):
        fonts = pdf.pages[0].Resources.Font
        (font,) = list(fonts.values())
        other = pdf.make_indirect(pikepdf.Dictionary(font))
        codes = font.ToUnicode.read_bytes().replace(b"<0061>", b"<007A>")
        other.ToUnicode = pdf.make_stream(codes)
        for name in list(fonts.keys()):
            del fonts[name]
        for name, each in zip(names, (font, other), strict=True):
            fonts[name] = each

    with pikepdf.open(path) as pdf:
        (name,) = pdf.pages[0].Resources.Font.keys()
    altered(path, partial(add_font, names=[name, "/Other"]))
    before = read(path, file)

    def exchange(pdf):
        fonts = pdf.pages[0].Resources.Font
        fonts[name], fonts["/Other"] = fonts["/Other"], fonts[name]

    altered(path, exchange)
    assert read(path, file) == read(path) != before


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_export_is_read_as_if_nothing_were_kept(path, file, seed):
    """Bytes anywhere: the same records, or the same error."""
    read(path, file)
    chance, data = random.Random(seed), bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 3)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    path.write_bytes(data)
    outcomes = []
    for kept in (None, file):
        try:
            outcomes.append(read(path, kept))
        except ExportError as error:
            outcomes.append((type(error), error.facts))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("damage", ["cut", "one bit", "other version", "no gzip", "empty"])
def test_a_file_that_cannot_be_used_is_left_aside(path, file, damage):
    before = read(path, file)
    data = file.read_bytes()
    match damage:
        case "cut":
            data = data[:-20]
        case "one bit":
            data = data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 4]) + data[len(data) // 2 + 1 :]
        case "other version":
            version, _, tables = gzip.decompress(data).partition(b"\n")
            data = gzip.compress(version[::-1] + b"\n" + tables.replace(b"Beta", b"Zeta"))
        case "no gzip":
            data = b"something else"
        case "empty":
            data = b""
    file.write_bytes(data)
    assert read(path, file) == before
    forge(file, b"Studio Beta", b"Studio Zeta")  # it is a good one again
    assert read(path, file) != before


def test_all_that_reads_a_page_tells_one_version_from_another():
    """But the limits: the one that counts is told with each page."""
    source = Path(erp_page.__file__).read_text()
    reads = {f"{name}.py" for name in re.findall(r"^from sync\.exports\.(\w+) import", source, re.MULTILINE)}
    assert "code_maps.py" in reads
    assert reads - {"limits.py"} <= {*MADE_BY}


def test_only_the_last_export_s_tables_are_kept(path, file):
    read(path, file)
    draw(path, ALTERED)
    read(path, file)
    assert b"Studio Beta" not in gzip.decompress(file.read_bytes())


def test_an_unchanged_export_writes_nothing(path, file):
    read(path, file)
    written = file.stat().st_ino
    read(path, file)
    assert file.stat().st_ino == written


def test_what_is_kept_has_a_bound(path, file, monkeypatch):
    monkeypatch.setattr("sync.exports.kept_tables.MOST_BYTES", 500)
    before = read(path, file)
    assert len(gzip.decompress(file.read_bytes())) < 1000
    assert read(path, file) == before


def test_its_owner_alone_can_read_it(path, file):
    read(path, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_an_export_is_read_although_nothing_can_be_kept(path, tmp_path, caplog):
    (tmp_path / "kept").write_text("where the folder should be")
    open_pages = partial(PageProcess, kept_tables=tmp_path / "kept" / "list")
    with read_export(path, LAYOUT, open_pages=open_pages) as records:
        assert [record.values for record in records] == read(path)
    assert "Page tables could not be kept" in caplog.text


def test_a_run_reads_what_the_one_before_has_kept(sync_customers, settings, tmp_path):
    settings.PAGE_TABLES_DIR = tmp_path / "kept"
    customer = {"erp_id": "1", "account_number": "1001", "name": "Beta"}
    assert sync_customers([customer]).status == SyncRun.Status.SUCCEEDED
    forge(settings.PAGE_TABLES_DIR / "customers", b'"Beta"', b'"Zeta"')
    assert sync_customers([customer]).status == SyncRun.Status.SUCCEEDED
    assert Customer.objects.get().name == "Zeta"
