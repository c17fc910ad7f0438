"""A PDF damaged outside of its contents gives the very same records, or a named error."""

import random
import re

import pikepdf
import pytest

from sync.exceptions import ExportDamaged, ExportError, PageUnreadable
from sync.service import get_service
from tests.sync.drawing import LAYOUT, draw, notes, read
from tests.sync.test_fallback import other_producer

LENGTH = re.compile(rb"/Length (\d+)")
STREAM = re.compile(rb"stream\r?\n.*?endstream", re.DOTALL)
SAMPLES = {
    "customers": "Clienti.pdf",
    "orders": "Ordini.pdf",
    "ddt": "Documenti di trasporto.pdf",
    "invoices": "Fatture.pdf",
}
EDITS = 60  # of each file


def with_byte(data, at, byte):
    return data[:at] + bytes([byte]) + data[at + 1 :]


def outcomes(path, data, edits, layout):
    """What becomes of a file by single bytes: how often it was read, and which edits changed what was read."""
    path.write_bytes(data)
    expected = read(path, layout)
    read_whole, changed = 0, []
    for at, byte in edits:
        path.write_bytes(with_byte(data, at, byte))
        try:
            records = read(path, layout)
        except ExportError:
            continue
        read_whole += records == expected
        if records != expected:
            changed.append((at, byte, data[max(0, at - 20) : at + 20]))
    return read_whole, changed


def length_edits(data, digits=b"0123456789"):
    places = [at for match in LENGTH.finditer(data) for at in range(*match.span(1))]
    return [(at, digit) for at in places for digit in digits if digit != data[at]]


@pytest.mark.parametrize("drawn_by", [draw, other_producer])
def test_a_stream_whose_length_is_wrong_is_read_whole(tmp_path, drawn_by):
    path = drawn_by(tmp_path / "list.pdf")
    edits = length_edits(path.read_bytes())
    read_whole, changed = outcomes(path, path.read_bytes(), edits, LAYOUT)
    assert changed == []
    assert read_whole > 0.9 * len(edits)


def test_a_wrong_length_is_noted(tmp_path):
    path = draw(tmp_path / "list.pdf")
    with pikepdf.open(path) as pdf:
        (number, _), length = pdf.pages[1].Contents.objgen, int(pdf.pages[1].Contents.Length)
    whole = path.read_bytes()
    at = whole.index(b"/Length %d" % length, whole.index(b"%d 0 obj" % number))
    path.write_bytes(whole[:at] + whole[at:].replace(b"/Length %d" % length, b"/Length %d" % (length - 20), 1))
    assert "The PDF's structure was damaged and was rebuilt." in notes(path)


@pytest.mark.parametrize("sync_type", SAMPLES)
def test_a_wrong_length_in_a_sample_changes_nothing(erp_exports, tmp_path, sync_type):
    data = (erp_exports / SAMPLES[sync_type]).read_bytes()
    edits = random.Random(sync_type).sample(length_edits(data), EDITS)
    edits += [(23862, ord("0"))] if sync_type == "invoices" else []  # an account number became empty
    read_whole, changed = outcomes(tmp_path / "list.pdf", data, edits, get_service(sync_type).layout)
    assert changed == []
    assert read_whole > 0.9 * len(edits)


@pytest.mark.parametrize("drawn_by", [draw, other_producer])
def test_any_other_byte_outside_of_the_contents_changes_nothing_that_is_read(tmp_path, drawn_by):
    path = drawn_by(tmp_path / "list.pdf")
    data = path.read_bytes()
    inside = {at for match in STREAM.finditer(data) for at in range(*match.span())}
    outside = [at for at in range(len(data)) if at not in inside]
    chance = random.Random(7)
    edits = [(chance.choice(outside), chance.choice(b"0123456789 /<>[]Ran\0\xe1")) for _ in range(5 * EDITS)]
    read_whole, changed = outcomes(path, data, edits, LAYOUT)
    assert changed == []
    assert read_whole


def altered(path, alter):
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        alter(pdf)
        pdf.save(path)
    return path


def test_a_page_without_content_is_refused(tmp_path):
    def alter(pdf):
        del pdf.pages[2].obj["/Contents"]

    with pytest.raises(ExportDamaged, match="page 3 has no content"):
        read(altered(draw(tmp_path / "list.pdf"), alter))


def test_a_page_that_lacks_a_part_of_its_content_is_refused(tmp_path):
    def alter(pdf):
        pdf.pages[2].obj.Contents = pikepdf.Array([pdf.pages[2].Contents, pikepdf.Dictionary()])

    with pytest.raises(ExportDamaged, match="page 3 has no content"):
        read(altered(draw(tmp_path / "list.pdf"), alter))


def test_a_page_that_shows_another_page_s_content_is_refused(tmp_path):
    def alter(pdf):
        pdf.pages[3].Contents = pdf.pages[2].Contents

    with pytest.raises(ExportDamaged, match="page 4 shows the content of page 3"):
        read(altered(draw(tmp_path / "list.pdf"), alter))


def test_pages_that_are_counted_otherwise_are_refused(tmp_path):
    path = draw(tmp_path / "list.pdf")
    path.write_bytes(path.read_bytes().replace(b"/Count 4", b"/Count 5"))
    with pytest.raises(ExportDamaged, match="it has 4 pages, although it declares 5"):
        read(path)


@pytest.mark.parametrize("name", [b"/FlateDecode", b"/Filter", b"/FNT0", b"/Identity-H"])
def test_a_name_that_is_no_text_is_refused(tmp_path, name):
    path = draw(tmp_path / "list.pdf")
    path.write_bytes(path.read_bytes().replace(name, name[:-1] + b"\xe1"))
    with pytest.raises((ExportDamaged, PageUnreadable)):
        read(path)
