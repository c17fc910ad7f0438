"""The demo ERP's web front end: login, lists, exports.

An export takes two requests: a click on the button is posted to the list's address, then the same address gives the
PDF, once, to the session that clicked.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Sequence
from http import HTTPStatus
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib import parse

from demo.erp import control, web
from demo.erp.erp import FILTERED
from demo.erp.faults import Fault, Where
from demo.erp.front_end import FrontEnd, Session
from demo.erp.lists import LISTS, DemoList, find_list

if TYPE_CHECKING:
    from demo.erp.server import DemoServer, HttpServer

logger = logging.getLogger(__name__)

ROWS_SHOWN = 25
CHUNK = 64 * 1024  # bytes
NAME_KEPT = 30 * 24 * 60 * 60  # seconds that the browser keeps the user's name


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    protocol_version = "HTTP/1.1"
    timeout = 75  # seconds without a word from the client
    disable_nagle_algorithm = True  # or each answer, written head first, would wait 40 ms for the client
    server: HttpServer

    @property
    def demo(self) -> DemoServer:
        return self.server.demo

    @property
    def front_end(self) -> FrontEnd:
        return self.server.demo.front_end

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class calls it so
        logger.debug(format, *args)

    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    do_DELETE = do_GET  # noqa: N815

    def answer(self, body: bytes) -> None:
        url = parse.urlsplit(self.path)
        match url.path.strip("/").split("/"):
            case ["demo", *what]:
                status, answer = control.answer(self.demo.erp, self.front_end, self.command, what, body)
                self.send(json.dumps(answer).encode(), "application/json", status)
            case ["Login.aspx"]:
                self.answer_login(parse.parse_qs(url.query).get("ReturnUrl", ["/"])[0], read_form(body))
            case [""]:
                self.redirect(f"/{LISTS[0].name}/")
            case [name] if any(demo_list.name == name for demo_list in LISTS):
                self.answer_list(find_list(name), read_form(body))
            case _:
                self.send_page("<h1>404</h1>", HTTPStatus.NOT_FOUND)

    # Pages

    def answer_login(self, return_url: str, fields: dict[str, str]) -> None:
        if fields and fields.get("__VIEWSTATE") != self.front_end.view_state:
            self.send_bad_view_state()
            return
        session = fields.get("__EVENTTARGET") == web.LOGIN_MENU and self.front_end.log_in(
            fields.get("Logon$v0$xaf_dviUserName$Edit", ""), fields.get("Logon$v0$xaf_dviPassword$Edit", "")
        )
        if session:
            here = "/" + parse.quote(return_url.lstrip("/\\"), safe="/?=&%")  # on this server
            self.redirect(here, cookies=[make_cookie(*cookie) for cookie in session.cookies.items()])
        else:
            page = web.render_login(self.demo.profile, return_url, self.front_end.view_state, rejected=bool(fields))
            self.send_page(page)

    def answer_list(self, demo_list: DemoList, fields: dict[str, str]) -> None:
        sent = SimpleCookie(self.headers.get("Cookie", ""))
        session = self.front_end.find_session({name: cookie.value for name, cookie in sent.items()})
        if session is None:
            self.redirect_to_login()
        elif not fields and demo_list.name in session.waiting:
            self.send_export(demo_list, session, session.waiting.pop(demo_list.name))
        elif not fields:
            self.send_list(demo_list, session)
        elif fields.get("__VIEWSTATE") != self.front_end.view_state:
            self.send_bad_view_state()
        else:
            self.answer_form(demo_list, session, fields)

    def answer_form(self, demo_list: DemoList, session: Session, fields: dict[str, str]) -> None:
        grid = web.make_grid_name(demo_list, session.grid)
        match fields.get("__EVENTTARGET"), fields.get("__EVENTARGUMENT"):
            case web.MENU, place if place == str(demo_list.export_item):
                self.answer_click_on_export(demo_list, session)
                return
            case web.FILTER, _:
                value = fields.get(f"{web.FILTER}_VI", "").removeprefix(web.FILTER_PREFIX)
                self.front_end.choose_filter(demo_list, value)
            case target, web.CLEAR_FILTER if target == grid:
                self.front_end.clear_grid_filter(demo_list)
            case target, web.SHOW_CHOOSER if target == grid:
                self.send_list(demo_list, session, has_chooser=True)
                return
            case target, web.APPLY if target == f"{grid}${web.CHOOSER}":
                chosen = [at for at in range(len(demo_list.columns)) if web.make_check_box_name(grid, at) in fields]
                self.front_end.choose_columns(session, demo_list, chosen)
        self.send_list(demo_list, session)

    def send_list(self, demo_list: DemoList, session: Session, **also: bool) -> None:
        erp, name = self.demo.erp, demo_list.name
        chosen, filtered = self.front_end.get_filter(demo_list), self.front_end.keeps_grid_filter(demo_list)
        english = self.is_english(demo_list)
        shown = session.get_columns(demo_list)
        if self.front_end.is_planned(demo_list, Fault.HIDDEN_COLUMNS):
            shown = demo_list.list_stubborn_columns()
        columns = [column for place, column in enumerate(demo_list.columns) if place in shown]
        view = web.ListView(
            demo_list,
            [column.translate() if english else column for column in demo_list.columns],
            shown,
            erp.read_first_rows(name, columns, ROWS_SHOWN, choice=chosen, filtered=filtered, english=english),
            erp.count_records(name, choice=chosen, filtered=filtered),
            chosen,
            f"[Oid] % {FILTERED} = 0" if filtered else "",
            web.make_grid_name(demo_list, session.grid),
            self.front_end.view_state,
            **also,
        )
        self.send_page(web.render_list(view, web.PROFILES["en"] if english else self.demo.profile))

    def is_english(self, demo_list: DemoList) -> bool:
        return self.demo.profile is web.PROFILES["en"] or self.front_end.is_planned(demo_list, Fault.ENGLISH)

    def redirect_to_login(self) -> None:
        self.redirect(f"/Login.aspx?ReturnUrl={parse.quote(parse.urlsplit(self.path).path, safe='')}")

    def redirect(self, url: str, *, cookies: Sequence[str] = ()) -> None:
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", url)
        for cookie in cookies:
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_bad_view_state(self) -> None:
        self.send_page("<h1>Validation of viewstate MAC failed.</h1>", HTTPStatus.INTERNAL_SERVER_ERROR)

    def send_page(self, html: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send(html.encode(), "text/html; charset=utf-8", status)

    def send(self, body: bytes, content_type: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    # Exports

    def answer_click_on_export(self, demo_list: DemoList, session: Session) -> None:
        """Let an export wait for the session, unless a fault strikes the click."""
        faults = self.front_end.take_faults(demo_list)
        if Fault.ERROR_BANNER in faults:
            self.send_list(demo_list, session, has_banner=True)
        elif Fault.EXPIRED_SESSION in faults:
            self.front_end.end_session(session)
            self.redirect_to_login()
        elif Fault.SERVER_ERROR in faults:
            self.send_page("<h1>Server Error in '/' Application.</h1>", HTTPStatus.INTERNAL_SERVER_ERROR)
        else:
            session.waiting[demo_list.name] = faults
            self.send_list(demo_list, session, fetches_export=True)

    def send_export(self, demo_list: DemoList, session: Session, faults: set[Fault]) -> None:
        if Fault.HTML_INSTEAD_OF_PDF in faults:
            page = web.render_page("Archibald", "<p>La sessione è scaduta.</p>")
            self.send(page.encode(), "application/pdf")
            return
        if self.demo.profile is web.PROFILES["en"]:
            faults.add(Fault.ENGLISH)
        with tempfile.TemporaryDirectory(prefix="demo-erp-") as folder:
            path = Path(folder) / "export.pdf"
            try:
                self.demo.erp.write_export(
                    demo_list.name,
                    path,
                    faults={fault for fault in faults if fault.where is Where.EXPORT},
                    choice=self.front_end.get_filter(demo_list),
                    filtered=self.front_end.keeps_grid_filter(demo_list),
                    shown=session.get_columns(demo_list),
                )
            except ValueError as impossible:
                self.send_page(f"<h1>{impossible}</h1>", HTTPStatus.INTERNAL_SERVER_ERROR)
                return
            if self.demo.stopping.wait(self.demo.delay):
                self.close_connection = True
                return
            with path.open("rb") as file:
                self.send_file(file, path.stat().st_size, demo_list, faults)
        self.front_end.exports += 1

    def send_file(self, file: BinaryIO, size: int, demo_list: DemoList, faults: set[Fault]) -> None:
        name = demo_list.file_names[Fault.ENGLISH in faults]
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/pdf")
        self.send_header("Content-Length", str(size))
        self.send_header(
            "Content-Disposition", f"attachment; filename=\"{name}\"; filename*=UTF-8''{parse.quote(name)}"
        )
        self.end_headers()
        stops_half_way = bool(faults & {Fault.CUT_CONNECTION, Fault.STALLED_CONNECTION})
        left = size // 2 if stops_half_way else size
        while left and not self.demo.stopping.is_set():
            chunk = file.read(min(CHUNK, left))
            self.wfile.write(chunk)
            left -= len(chunk)
        if Fault.STALLED_CONNECTION in faults:
            self.demo.stopping.wait()
        self.close_connection = stops_half_way or self.demo.stopping.is_set()


def make_cookie(name: str, value: str) -> str:
    match name:
        case "Login" | "ASP.NET_SessionId":
            return f"{name}={value}; Path=/; HttpOnly; SameSite=Lax"
        case "UserName":
            return f"{name}={parse.quote(value)}; Path=/; Max-Age={NAME_KEPT}; SameSite=Lax"
        case _:
            return f"{name}={value}; Path=/; SameSite=Lax"


def read_form(body: bytes) -> dict[str, str]:
    """The fields of a posted form."""
    return {name: values[0] for name, values in parse.parse_qs(body.decode(), keep_blank_values=True).items()}
