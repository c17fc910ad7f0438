"""The ERP is not trusted: whatever it answers, nothing is sent elsewhere, nothing grows over its limit, and the fetch
ends with an error that says why."""

import gzip
import re
import socket
from datetime import timedelta
from functools import partial
from itertools import repeat
from pathlib import Path

import pytest

from sync.erp.client import ErpList
from sync.erp.http import HttpClient
from sync.erp.session import COOKIES, LARGEST_PAGE
from sync.exceptions import (
    ErpAnswerUnexpected,
    ErpLeadsElsewhere,
    ErpLoginRejected,
    ErpSessionExpired,
    ErpUnavailable,
    ExportTooLarge,
)
from sync.progress import ignore_progress
from tests.erp.conftest import UNLIMITED, transfers_end
from tests.erp.hostile_erp import LIST, LOGIN_FORM, head, hostile_erp, page, redirect, without_end

LIST_OF_ERP = ErpList("list", ("Lista.pdf",), "ID")
LARGEST = 1024**2  # bytes of an export
MEMORY = 300  # MB more than before, of which the attacking server in the same process takes none; pages have 4 MB
BRIEFLY = timedelta(seconds=2)  # for what ends by its deadline alone
LONGEST = timedelta(seconds=60)

HTML = head("Content-Type: text/html")
PDF = head("Content-Type: application/pdf")
CHUNKED = head("Content-Type: application/pdf", "Transfer-Encoding: chunked")
FULL = LARGEST_PAGE - 1024  # bytes


@pytest.fixture
def attacked(network, tmp_path):
    """What a fetch from a hostile ERP ends with; of its memory and its file each must stay within bounds."""

    def attacked(at_most=LONGEST, **hostile):
        path = tmp_path / "export.pdf"
        sizes = [0]
        with hostile_erp(**hostile) as erp:
            client = HttpClient(erp.url, "agente", "segreto-7", largest=LARGEST, **UNLIMITED)
            before = start_of_peak()
            with pytest.raises(Exception) as caught:  # noqa: PT011  # which, says the table
                client.fetch(LIST_OF_ERP, to=path, at_most=at_most, progress=lambda *args: sizes.append(args[1]))
            transfers_end()
            grown = peak() - before
            assert (erp.elsewhere.connections, bytes(erp.elsewhere.received)) == (0, b"")
        assert max(sizes) <= LARGEST
        assert not list(tmp_path.iterdir())
        assert len(client.cookies) <= COOKIES
        assert grown < MEMORY
        return caught.value, erp

    return attacked


def start_of_peak() -> int:
    """The memory of this process in MB, which is its peak from now on."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) // 1024


def redirected(target, status="302 Found"):
    return lambda erp: redirect(target.format(elsewhere=erp.elsewhere.address, erp=f"127.0.0.1:{erp.port}"), status)


def form(target, body):
    return lambda erp: page(body, action=target.format(elsewhere=erp.elsewhere.address))


ELSEWHERE = "http://{elsewhere}/erp/list/"
SECURE = "https://{erp}/erp/list/"

LEADING_ELSEWHERE = {
    "the list redirects": {"start": redirected(ELSEWHERE)},
    "the list redirects for ever": {"start": redirected(ELSEWHERE, "308 Permanent Redirect")},
    "without a scheme": {"start": redirected("//{elsewhere}/erp/list/")},
    "with another scheme": {"start": redirected(SECURE)},
    "with a login in the address": {"start": redirected("http://{erp}@{elsewhere}/erp/list/")},
    "with a backslash": {"start": redirected("http://{erp}\\@{elsewhere}/erp/list/")},
    "the login is redirected": {"login": redirected(ELSEWHERE)},
    "the page after the login redirects": {"page": redirected(ELSEWHERE)},
    "the click is redirected": {"export": redirected(ELSEWHERE)},
    "the login form leads elsewhere": {"start": form(ELSEWHERE, LOGIN_FORM)},
    "the login form leads to another scheme": {"start": lambda erp: page(LOGIN_FORM, action=f"https{erp.url[4:]}/")},
    "the list's form leads elsewhere": {"page": form(ELSEWHERE, LIST)},
    "a base and a form lead elsewhere": {"start": form(ELSEWHERE, f"<base href='{ELSEWHERE}'>{LOGIN_FORM}")},
}


@pytest.mark.parametrize("hostile", LEADING_ELSEWHERE.values(), ids=LEADING_ELSEWHERE)
def test_nothing_is_sent_to_another_origin_and_the_error_names_it(attacked, hostile):
    error, erp = attacked(**hostile)
    assert isinstance(error, ErpLeadsElsewhere)
    assert error.facts["url"] == f"http://127.0.0.1:{erp.port}"
    other = {f"http://{erp.elsewhere.address}", f"https://127.0.0.1:{erp.port}"}
    assert error.facts["address"] in other
    assert error.facts["suggested"] == f"{error.facts['address']}/erp"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Again", "308 Again"])
def test_the_password_is_not_posted_to_where_the_login_is_redirected(attacked, status):
    error, erp = attacked(login=redirected(ELSEWHERE, status))
    assert erp.asked == ["start", "login"]
    assert isinstance(error, ErpLeadsElsewhere if status[:3] < "307" else ErpAnswerUnexpected)


def bomb(text):
    """A page of the largest size, of one text again and again."""
    content = (text * (FULL // len(text))).encode()
    return {"page": lambda erp: [HTML, b"<html>", content]}


def stuffed(*parts):
    """A page of the largest size: each part is repeated until it has its share of it."""
    content = "".join(part * (FULL // len(parts) // len(part)) for part in parts).encode()
    return {"page": lambda erp: [HTML, b"<html>", content]}


def cookies(count, size=1):
    return [f"Set-Cookie: c{number}={'x' * size}; path=/" for number in range(count)]


def more_cookies_each_time():
    numbers = iter(range(1000))

    def answer(erp):
        number = next(numbers)
        return redirect("/erp/list/", "302 Found", *(f"Set-Cookie: c{number}-{each}=x" for each in range(90)))

    return answer


PACKED = gzip.compress(bytes(100 * 1024**2))
UNEXPECTED, UNAVAILABLE, TOO_LARGE = ErpAnswerUnexpected, ErpUnavailable, ExportTooLarge
endless_tags = partial(without_end, HTML + b"<html>")
moved = partial(head, "Location: /erp/list/", status="302 Found")

HOSTILE = {
    # Pages
    "an endless page": ({"page": lambda erp: endless_tags(b" " * 4096)}, UNEXPECTED, "its page has more than 4194304"),
    "an endless page of tags": ({"page": lambda erp: endless_tags(b"<b>" * 9999)}, UNEXPECTED, "more than 4194304"),
    "an endless login page": ({"start": lambda erp: endless_tags(b"<br>" * 999)}, UNEXPECTED, "more than 4194304"),
    "an endless page where the export is due": (
        {"export": lambda erp: endless_tags(b"<br>" * 999)},
        UNEXPECTED,
        "its page has more than 4194304",
    ),
    "tags within tags": (bomb("<b>"), UNEXPECTED, "no export button"),
    "tags beside tags": (bomb("<br>"), UNEXPECTED, "no export button"),
    "tags that do not end": (bomb("<a"), UNEXPECTED, "no export button"),
    "quotes that do not end": (bomb('<a b="'), UNEXPECTED, "no export button"),
    "comments that do not end": (bomb("<!--"), UNEXPECTED, "no export button"),
    "end tags that do not end": (bomb("</a"), UNEXPECTED, "no export button"),
    "instructions that do not end": (bomb("<?"), UNEXPECTED, "no export button"),
    "attributes": (stuffed("<a ", "a=1 ", ">"), UNEXPECTED, "no export button"),
    "fields": (bomb("<input type=hidden name=a>"), UNEXPECTED, "no export button"),
    "links within links": (bomb("<a id=_Menu_DXI1>x"), UNEXPECTED, "no export button"),
    "an id without an end": (stuffed("<a id=", "_Menu_DXI1", ">"), UNEXPECTED, "no export button"),
    # Redirects
    "a redirect with an endless answer": (
        {"start": lambda erp: without_end(moved(), b" " * 65536)},
        UNEXPECTED,
        "redirects more than 10 times in a row",
    ),
    "a redirect in a circle": (
        {"start": redirected("/erp/list/")},
        UNEXPECTED,
        "redirects more than 10 times in a row",
    ),
    "a login form that is redirected": (
        {"login": redirected("/erp/Login.aspx", "307 Again")},
        UNEXPECTED,
        r"redirects a form that was sent to it \(status 307\)",
    ),
    "a redirect in folded lines": (
        {"start": redirected("http://\r\n {elsewhere}/erp/list/")},
        ErpLeadsElsewhere,
        "nothing was sent there",
    ),
    "a redirect to a script": (
        {"start": redirected("javascript:alert(1)")},
        UNEXPECTED,
        "javascript:.*not a web address",
    ),
    "a redirect to a file": ({"start": redirected("file:///etc/passwd")}, UNEXPECTED, "not a web address"),
    "a redirect to no address": ({"start": redirected("http://[::1")}, UNEXPECTED, "not a web address"),
    "a redirect to no port": ({"start": redirected("http://127.0.0.1:99999/")}, UNEXPECTED, "not a web address"),
    "a redirect to a path like a host": ({"start": redirected("/\\{elsewhere}/")}, UNEXPECTED, "status 404"),
    "a form that leads to no address": ({"start": form("http://[::1", LOGIN_FORM)}, UNEXPECTED, "not a web address"),
    "a page that refreshes itself elsewhere": (
        {"page": form(ELSEWHERE, f"<meta http-equiv=refresh content='0;url={ELSEWHERE}'><iframe src='{ELSEWHERE}'>")},
        UNEXPECTED,
        "no export button",
    ),
    # Exports
    "an endless export": (
        {"export": lambda erp: without_end(PDF, b"%PDF" * 9999)},
        TOO_LARGE,
        r"its size \(at least \d+ bytes\) is over the limit of 1048576.*raise EXPORT_MAX_BYTES",
    ),
    "an endless export in chunks": (
        {"export": lambda erp: without_end(CHUNKED, b"4\r\n%PDF\r\n" * 4096)},
        TOO_LARGE,
        "at least",
    ),
    "an export that is announced": (
        {"export": lambda erp: [head("Content-Length: 1048577"), b"%PDF"]},
        TOO_LARGE,
        r"its size \(1048577 bytes\)",
    ),
    "an announcement without an end": (
        {"export": lambda erp: [head(f"Content-Length: {'9' * 6000}"), b"%PDF"]},
        TOO_LARGE,
        "its size",
    ),
    "an export that is shorter than announced": (
        {"export": lambda erp: [head("Content-Length: 1000"), b"%PDF"]},
        UNAVAILABLE,
        "the connection",
    ),
    "a part of an export": ({"export": lambda erp: [head(status="206 Partial")]}, UNEXPECTED, "status 206"),
    # Packed answers
    "a packed page": (
        {"page": lambda erp: [head("Content-Type: text/html", "Content-Encoding: gzip"), PACKED]},
        UNEXPECTED,
        r"compressed \(gzip\)",
    ),
    "a packed export": ({"export": lambda erp: [head("Content-Encoding: gzip"), PACKED]}, UNEXPECTED, "compressed"),
    "a twice packed export": (
        {"export": lambda erp: [head("Content-Encoding: gzip, gzip"), gzip.compress(PACKED)]},
        UNEXPECTED,
        "compressed",
    ),
    # Heads
    "a large head": (
        {"start": lambda erp: [head(*repeat(f"X: {'x' * 60000}", 90))]},
        UNAVAILABLE,
        "the head of its answer has more than 65536 bytes",
    ),
    "a head of many lines": (
        {"start": lambda erp: [head(*repeat("X: x", 1000))]},
        UNAVAILABLE,
        "more than 100 headers",
    ),
    "a head without an end": (
        {"start": lambda erp: without_end(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n" * 100)},
        UNAVAILABLE,
        "more than 100 headers",
    ),
    "a line without an end": (
        {"start": lambda erp: without_end(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 4096)},
        UNAVAILABLE,
        "more than 65536 bytes",
    ),
    "a status without an end": ({"start": lambda erp: without_end(b"HTTP/1.1 ", b"2" * 4096)}, UNAVAILABLE, "65536"),
    "no status": ({"start": lambda erp: [b"\0\xff\r\n\r\n"]}, UNAVAILABLE, "the connection failed"),
    "many cookies": ({"start": lambda erp: page(LIST, lines=tuple(cookies(90)))}, UNEXPECTED, "more than 50 cookies"),
    "more cookies each time": ({"start": more_cookies_each_time()}, UNEXPECTED, "more than 50 cookies"),
    "large cookies": (
        {"start": lambda erp: page(LIST, lines=tuple(cookies(40, 4000)))},
        UNAVAILABLE,
        "more than 65536",
    ),
    "an answer that is still to come": ({"start": lambda erp: [head(status="103 Soon")]}, UNEXPECTED, "status 103"),
    # Chunks
    "a chunk's line without an end": (
        {"export": lambda erp: without_end(CHUNKED, b"1" * 4096)},
        UNAVAILABLE,
        "the connection broke during the export",
    ),
    "a chunk's extension without an end": (
        {"export": lambda erp: without_end(CHUNKED + b"4;", b"x" * 4096)},
        UNAVAILABLE,
        "the connection broke during the export",
    ),
    "a chunk without a size": ({"export": lambda erp: [CHUNKED, b"zz\r\n"]}, UNAVAILABLE, "the connection"),
    "a chunk of less than nothing": ({"export": lambda erp: [CHUNKED, b"-5\r\n%PDF"]}, UNAVAILABLE, "the connection"),
    "a chunk of any size": (
        {"export": lambda erp: without_end(CHUNKED + b"fffffffffffffff\r\n", b"%PDF" * 999)},
        TOO_LARGE,
        "at least",
    ),
    # Encodings
    **{
        f"a page in {encoding}": (
            {"page": lambda erp, encoding=encoding: [head(f"Content-Type: text/html; charset={encoding}"), b"<html>"]},
            UNEXPECTED,
            f"in the encoding {encoding}",
        )
        for encoding in ("utf-7", "zlib", "hex", "idna", "punycode", "undefined", "unicode_escape", "none-such")
    },
    # Logins
    "a login page after each login": ({"page": lambda erp: page(LOGIN_FORM)}, ErpLoginRejected, "the login of agente"),
    "a login page where the export is due": (
        {"export": lambda erp: page(LOGIN_FORM)},
        ErpSessionExpired,
        "even after a new login",
    ),
}


@pytest.mark.parametrize(("hostile", "error", "says"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_erp_is_named(attacked, hostile, error, says):
    ended, _ = attacked(**hostile)
    assert type(ended) is error
    assert re.search(says, str(ended))


def test_an_answer_that_never_begins_ends_with_its_time(attacked):
    error, _ = attacked(BRIEFLY, start=lambda erp: without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n"))
    assert str(error).startswith("The ERP did not provide an export: the export was not complete after 2 s.")


def test_logins_of_other_programs_are_sent_to_nobody(network, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("default login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with hostile_erp() as erp:
        client = HttpClient(erp.url, "agente", "segreto-7", **UNLIMITED)
        client.fetch(LIST_OF_ERP, to=tmp_path / "export.pdf", at_most=LONGEST, progress=ignore_progress)
    assert b"agente" in erp.received
    assert b"authorization" not in erp.received.lower()


def test_a_login_in_the_address_is_sent_to_it_after_redirects_too(network, tmp_path):
    with hostile_erp() as erp:
        client = HttpClient(erp.url.replace("//", "//somebody:secret@"), "agente", "segreto-7", **UNLIMITED)
        client.fetch(LIST_OF_ERP, to=tmp_path / "export.pdf", at_most=LONGEST, progress=ignore_progress)
    assert erp.received.count(b"Authorization: Basic c29tZWJvZHk6c2VjcmV0") == len(erp.asked)


def test_a_proxy_that_says_nothing_is_left_too(network, tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{silent.getsockname()[1]}")
        client = HttpClient("http://erp.example/erp", "agente", "segreto-7", **UNLIMITED)
        with pytest.raises(ErpUnavailable, match="not complete after 2 s"):
            client.fetch(LIST_OF_ERP, to=tmp_path / "export.pdf", at_most=BRIEFLY, progress=ignore_progress)
        transfers_end()
