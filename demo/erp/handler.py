"""The demo ERP's web front end: login, lists, exports.

An export takes two requests: a click on the button is posted to the list's address, then the same address gives the
PDF, once, to the session that clicked.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from select import select
from socket import MSG_PEEK
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib import parse

from demo.erp import control, export, grid, web
from demo.erp.erp import FILTERED
from demo.erp.faults import Fault, Where
from demo.erp.front_end import FrontEnd, Session, WaitingExport
from demo.erp.lists import CHANGED_AT, LISTS, ORDER_LINES, DemoList, ListColumn, find_list, make_lines_list

if TYPE_CHECKING:
    from demo.erp.server import DemoServer, HttpServer

logger = logging.getLogger(__name__)

BASE = "/Archibald"  # where the real ERP is; the demo ERP's pages are at / too
FETCH = "location.href = location.pathname;"
SCRIPTS_AND_STYLES = {"archibald.js": "text/javascript; charset=utf-8", "archibald.css": "text/css; charset=utf-8"}
GARBAGE = '<!DOCTYPE html><html><body><form><div class="content"><tr class="dxgvData'  # a page that breaks off
CHUNK = 64 * 1024  # bytes
BETWEEN_LOOKS = 0.1  # seconds between two looks whether a client has left, or the server is being stopped
OTHER_VIEW_STATE, MISSING_FIELDS = "Validation of viewstate MAC failed.", "Invalid postback or callback argument."
PAGE_FIELDS = web.read_field_names(web.render_hidden_fields("")) | {web.SEARCH}  # that no callback replaces
NAME_KEPT = 30 * 24 * 60 * 60  # seconds that the browser keeps the user's name


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    protocol_version = "HTTP/1.1"
    timeout = 75  # seconds without a word from the client
    disable_nagle_algorithm = True  # or each answer, written head first, would wait 40 ms for the client
    server: HttpServer
    occupied: Session | None = None  # the session whose request is being answered

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
        base, path = split_address(url.path)
        if path[0] != "demo" and self.front_end.is_down:
            self.close_connection = True
            return
        if path[0] != "demo" and self.front_end.is_mute:
            self.wait_while(lambda: self.front_end.is_mute)
            self.close_connection = True
            return
        match path:
            case ["demo", *what]:
                status, answer = control.answer(self.demo, self.command, what, body)
                self.send(json.dumps(answer).encode(), "application/json", status)
            case ["DXR.axd", name] if name in SCRIPTS_AND_STYLES:
                self.send(web.read_static(name), SCRIPTS_AND_STYLES[name])
            case ["Login.aspx"]:
                self.front_end.count_request()
                self.answer_login(base, parse.parse_qs(url.query).get("ReturnUrl", [f"{base}/"])[0], read_form(body))
            case ["" | "Default.aspx"]:
                self.front_end.count_request()
                is_in = self.find_session() is not None
                login = f"{base}/Login.aspx?ReturnUrl={web.quote_return_url(f'{base}/Default.aspx')}"
                self.redirect(f"{base}/{LISTS[0].name}/" if is_in else login)
            case [name] if any(demo_list.name == name for demo_list in LISTS):
                self.front_end.count_request()
                self.answer_list(find_list(name), read_form(body))
            case [ORDER_LINES.name, order_id] if order_id.isdecimal() and self.demo.erp.find_order_lines(int(order_id)):
                self.front_end.count_request()
                self.answer_list(make_lines_list(int(order_id)), read_form(body))
            case _:
                self.send_page("<h1>404</h1>", HTTPStatus.NOT_FOUND)

    @property
    def page(self) -> web.Page:
        """Who sees the page that is asked for, and where."""
        profile = self.demo.profile or web.choose_profile(self.headers.get("Accept-Language", ""))
        base = split_address(parse.urlsplit(self.path).path)[0]
        return web.Page(base, profile, self.front_end.release, self.front_end.login_view_state)

    def find_session(self) -> Session | None:
        sent = SimpleCookie(self.headers.get("Cookie", ""))
        return self.front_end.find_session({name: cookie.value for name, cookie in sent.items()})

    # Pages

    def answer_login(self, base: str, return_url: str, fields: dict[str, str]) -> None:
        if fields and fields.get("__VIEWSTATE") != self.front_end.login_view_state:
            self.refuse_form(OTHER_VIEW_STATE)
            return
        typed = {
            name: next((value for field, value in fields.items() if field.endswith(f"xaf_dvi{name}$Edit")), "")
            for name in ("UserName", "Password")
        }
        session = fields.get("__EVENTTARGET") == web.LOGIN_MENU and self.front_end.log_in(
            typed["UserName"], typed["Password"]
        )
        if session:
            here = "/" + parse.quote(return_url.lstrip("/\\"), safe="/?=&%")  # on this server
            self.redirect(here, cookies=[make_cookie(*cookie) for cookie in session.cookies.items()])
        elif self.demo.take_time("page"):
            self.send_login(return_url, rejected=bool(fields))

    def answer_list(self, demo_list: DemoList, fields: dict[str, str]) -> None:
        """Answer a request for a list once no other one of the session is being answered; a racing one at once.

        An export that was asked for without a callback is generated while it is fetched, which does not count: whether
        the real ERP goes on with one whose client has left is not known.
        """
        session = self.find_session()
        if session is None:
            self.ask_to_log_in(demo_list)
        elif not fields and demo_list.name in session.waiting and not session.waiting[demo_list.name].is_generated:
            self.send_export(demo_list, session, session.waiting.pop(demo_list.name))
        elif self.occupy(demo_list, session):
            try:
                self.answer_session(demo_list, session, fields)
            finally:
                self.release_session()

    def occupy(self, demo_list: DemoList, session: Session) -> bool:
        """Begin to answer a request of a session, in its turn. False if it has been answered, or never will be."""
        if not session.busy.acquire(blocking=False):
            self.front_end.count_overlap()
            if Fault.RACING_REQUESTS in self.front_end.take_faults(demo_list, Where.REQUEST):
                self.send_page(GARBAGE)
                return False
            while not session.busy.acquire(timeout=BETWEEN_LOOKS):
                if self.demo.stopping.is_set():
                    self.close_connection = True
                    return False
        self.occupied = session
        return True

    def release_session(self) -> None:
        """Let the session's next request be answered. Called before the last byte is sent: the client may be quick."""
        if self.occupied:
            self.occupied.busy.release()
            self.occupied = None

    def answer_session(self, demo_list: DemoList, session: Session, fields: dict[str, str]) -> None:
        if not fields and demo_list.name in session.waiting:
            self.send_export(demo_list, session, session.waiting.pop(demo_list.name))
        elif fields and fields.get("__VIEWSTATE") != session.view_states[demo_list.name]:
            self.refuse_form(OTHER_VIEW_STATE)
        elif fields and not session.fields[demo_list.name] <= fields.keys():
            self.refuse_form(MISSING_FIELDS)
        elif not self.demo.take_time("callback" if "__CALLBACKID" in fields else "page"):
            self.close_connection = True
        elif fields:
            self.answer_form(demo_list, session, fields)
        else:
            self.send_list(demo_list, session, fields)

    def answer_form(self, demo_list: DemoList, session: Session, fields: dict[str, str]) -> None:
        """Do what a posted form asks for."""
        state, here = session.grids[demo_list.sync_type], self.find_page(demo_list, session)
        name = grid.make_grid_name(demo_list, session.grid, here.release)
        columns = self.list_columns(demo_list)
        also: dict[str, Any] = {}
        match fields.get("__EVENTTARGET"), fields.get("__EVENTARGUMENT", "").split("|"):
            case web.MENU | web.LINES_TOOLBAR, [place]:
                if self.answer_click(demo_list, session, place, fields):
                    return
            case here.filter, _:
                value = fields[f"{here.filter}_VI"].removeprefix(here.release.filter_prefix)
                self.front_end.choose_filter(demo_list, value)
            case web.SEARCH, _:
                state.search = fields.get(web.SEARCH, "")
            case target, [grid.CLEAR_FILTER] if target == name:
                self.front_end.clear_grid_filter(demo_list)
            case target, [grid.SHOW_CHOOSER] if target == name:
                also["has_chooser"] = True
            case target, [grid.APPLY] if target == f"{name}${grid.CHOOSER}":
                self.front_end.choose_columns(session, demo_list, grid.read_chosen(name, columns, fields))
            case target, ["GotoPage", page] if target == name:
                self.front_end.grid_pages[demo_list.sync_type] = int(page)
            case target, ["PageSize", size] if target == name:
                state.size = min(int(size), grid.LARGEST_PAGE)
            case target, ["SortBy", column, order] if target == name:
                by_index = grid.list_by_index(columns)
                state.sorted_by = None if order == "NONE" else by_index[int(column)]
                state.descending = order == "DSC"
            case target, ["RowValues", place] if target == name:
                self.send_row(demo_list, session, int(place))
                return
        self.send_list(demo_list, session, fields, **also)

    def send_list(
        self,
        demo_list: DemoList,
        session: Session,
        fields: dict[str, str],
        *,
        has_chooser: bool = False,
        has_banner: bool = False,
        fetches: bool = False,
        error: dict[str, Any] | None = None,
    ) -> None:
        """A list's page; to a callback, the parts of it that may have changed."""
        page = self.find_page(demo_list, session)
        is_callback = "__CALLBACKID" in fields
        if is_on_record(demo_list):
            if is_callback:
                self.send_json({"parts": {}, "fetches": fetches, "error": error})
            else:
                self.send_record(page, demo_list, session, has_banner=has_banner, fetches=fetches)
            return
        faults = self.front_end.take_faults(demo_list, Where.CALLBACK if is_callback else Where.PAGE)
        shown = self.read_grid(demo_list, session, has_chooser=has_chooser)
        area = "" if Fault.NO_GRID in faults else grid.render_grid(shown, page.profile, faults)
        combos = web.render_combos(page, demo_list, self.front_end.get_filter(demo_list))
        if is_callback:
            session.fields[demo_list.name] = web.read_field_names(combos + area) | PAGE_FIELDS
            parts = {web.COMBOS: combos, web.LIST_AREA: area}
            self.send_json({"parts": parts, "fetches": fetches, "error": error})
            return
        if has_banner or demo_list.name in session.failed:
            session.failed.discard(demo_list.name)
            area = f'<div class="banner">{web.BANNER}. Riprovare.</div>{area}'
        if fetches:
            area += f"<script>{FETCH}</script>"
        menu = session.menus[demo_list.name] = web.list_menu_items(demo_list, page.profile, page.release, faults)
        html = web.render_list(page, demo_list, menu, shown.state.search, combos, area, faults=faults)
        session.fields[demo_list.name] = web.read_field_names(html)
        self.send_page(html)

    def send_record(
        self, page: web.Page, demo_list: DemoList, session: Session, *, has_banner: bool, fetches: bool
    ) -> None:
        """One order's page, with its lines."""
        faults = self.front_end.take_faults(demo_list, Where.PAGE)
        banner = ""
        if has_banner or demo_list.name in session.failed:
            session.failed.discard(demo_list.name)
            banner = f'<div class="banner">{web.BANNER}. Riprovare.</div>'
        if fetches:
            banner += f"<script>{FETCH}</script>"
        menu = session.menus[demo_list.name] = web.list_menu_items(demo_list, page.profile, page.release, faults)
        columns = [column.translate() if page.profile.is_english else column for column in demo_list.columns]
        values_of = export.make_value_getter(columns)
        lines = [
            export.format_values(columns, values_of(line), english=page.profile.is_english)
            for line in self.demo.erp.find_order_lines(get_order_id(demo_list)) or ()
        ]
        title = f"{'Order' if page.profile.is_english else 'Ordine'} {get_order_id(demo_list)}"
        html = web.render_record(page, replace(demo_list, columns=columns), title, menu, lines, banner)
        session.fields[demo_list.name] = web.read_field_names(html)
        self.send_page(html)

    def read_grid(self, demo_list: DemoList, session: Session, *, has_chooser: bool = False) -> grid.Grid:
        """The page of the list's grid that the session is on."""
        erp, name, state = self.demo.erp, demo_list.name, session.grids[demo_list.sync_type]
        selection = self.select_records(demo_list, session)
        columns, shown = self.list_columns(demo_list), self.get_columns(demo_list, session)
        count = erp.count_records(name, **selection)
        state.page = max(0, min(self.front_end.grid_pages[demo_list.sync_type], -(-count // state.size) - 1))
        sort = state.make_sort(columns)
        records = erp.read_page(name, sort, state.page * state.size, state.size, **selection)
        expression = f"[Oid] % {FILTERED} = 0" if self.front_end.shows_grid_filter(demo_list) else ""
        grid_name = grid.make_grid_name(demo_list, session.grid, self.front_end.release)
        has_call = not self.front_end.release.is_new
        return grid.Grid(demo_list, grid_name, columns, shown, state, records, count, expression, has_chooser, has_call)

    def select_records(self, demo_list: DemoList, session: Session) -> dict[str, Any]:
        """What leaves out records: the user's filter, the grid's, the session's search."""
        return {
            "choice": self.front_end.get_filter(demo_list),
            "filtered": self.front_end.keeps_grid_filter(demo_list),
            "search": session.grids[demo_list.sync_type].search,
        }

    def list_columns(self, demo_list: DemoList) -> list[ListColumn]:
        """All columns of a list's grid, in the language of the page."""
        columns = list(demo_list.grid_columns)
        if self.front_end.release.is_new:
            columns = [CHANGED_AT if column.field == CHANGED_AT.field else column for column in columns]
            columns.append(ListColumn(web.NEW_COLUMN, "", name="NOTES"))
        return [column.translate() for column in columns] if self.find_profile(demo_list).is_english else columns

    def get_columns(self, demo_list: DemoList, session: Session) -> frozenset[int]:
        """The places of those that are shown."""
        if self.front_end.is_planned(demo_list, Fault.HIDDEN_COLUMNS):
            return demo_list.list_stubborn_columns()
        if self.front_end.release.is_new and demo_list.sync_type not in session.columns:
            columns = self.list_columns(demo_list)
            return frozenset(place for place, column in enumerate(columns) if not column.hidden)
        return session.get_columns(demo_list)

    def send_row(self, demo_list: DemoList, session: Session, place: int) -> None:
        """The values of one row, wherever it is."""
        sort = session.grids[demo_list.sync_type].make_sort(self.list_columns(demo_list))
        rows = self.demo.erp.read_page(demo_list.name, sort, place, 1, **self.select_records(demo_list, session))
        row = grid.describe_row(rows[0], demo_list, self.list_columns(demo_list)) if rows else None
        self.send_json({"parts": {}, "row": row})

    def find_page(self, demo_list: DemoList, session: Session) -> web.Page:
        """Who sees a list's page."""
        return replace(
            self.page,
            profile=self.find_profile(demo_list),
            view_state=session.view_states[demo_list.name],
            menu_number=session.menu_numbers[demo_list.name],
        )

    def find_profile(self, demo_list: DemoList) -> web.Profile:
        """With a fault, that of a user whose language is English."""
        return web.PROFILES["en"] if self.front_end.is_planned(demo_list, Fault.ENGLISH) else self.page.profile

    def send_json(self, answer: dict[str, Any]) -> None:
        self.send(json.dumps(answer).encode(), "application/json")

    def ask_to_log_in(self, demo_list: DemoList) -> None:
        path = parse.urlsplit(self.path).path
        if Fault.LOGIN_IN_PLACE in self.front_end.take_faults(demo_list, Where.LOGIN):
            self.send_login(path)
        else:
            self.redirect(f"{self.page.base}/Login.aspx?ReturnUrl={web.quote_return_url(path)}")

    def send_login(self, return_url: str, *, rejected: bool = False) -> None:
        settling = self.demo.choose_delay("settling")
        self.send_page(web.render_login(self.page, return_url, rejected=rejected, settling=settling))

    def redirect(self, url: str, *, cookies: Sequence[str] = ()) -> None:
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", url)
        for cookie in cookies:
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", "0")
        self.release_session()
        self.end_headers()

    def refuse_form(self, reason: str) -> None:
        self.send_page(f"<h1>{reason}</h1>", HTTPStatus.INTERNAL_SERVER_ERROR)

    def send_page(self, html: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send(html.encode(), "text/html; charset=utf-8", status)

    def send(self, body: bytes, content_type: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.release_session()
        self.end_headers()
        self.wfile.write(body)

    # Exports

    def answer_click(self, demo_list: DemoList, session: Session, place: str, fields: dict[str, str]) -> bool:
        """Let an export wait for the session, if this item of the menu exports. Whether the click is answered."""
        menu = session.menus.get(demo_list.name, ())
        item = menu[int(place)] if place.isdecimal() and int(place) < len(menu) else None
        if item:
            self.front_end.count_click(item)
        if not item or not item.exports:
            return False
        is_callback = "__CALLBACKID" in fields
        faults = self.front_end.take_faults(demo_list)
        if Fault.FILTER_CHANGED_AT_CLICK in faults:
            leave = self.front_end.leave_filter if demo_list.choices else self.front_end.leave_grid_filter
            leave(demo_list)
        errors = faults & {Fault.ERROR_BANNER, Fault.ERROR_NAVIGATION, Fault.ERROR_RELOAD}
        if is_callback and errors:
            if Fault.ERROR_NAVIGATION in faults:
                session.failed.add(demo_list.name)
            error = {
                "text": web.BANNER,
                "after": self.demo.choose_delay("error"),
                "navigates": Fault.ERROR_BANNER not in faults,
            }
            self.send_list(demo_list, session, fields, error=error)
        elif errors:
            self.send_list(demo_list, session, fields, has_banner=errors != {Fault.ERROR_RELOAD})
        elif Fault.EXPIRED_SESSION in faults:
            self.front_end.end_session(session)
            self.ask_to_log_in(demo_list)
        elif Fault.SERVER_ERROR in faults:
            self.send_page("<h1>Server Error in '/' Application.</h1>", HTTPStatus.INTERNAL_SERVER_ERROR)
        elif is_callback and not self.generate_export(faults):
            self.close_connection = True
        else:
            session.waiting[demo_list.name] = WaitingExport(faults, is_generated=is_callback)
            self.send_list(demo_list, session, fields, fetches=True)
        return True

    def generate_export(self, faults: set[Fault]) -> bool:
        """Take the time that generating an export takes. False if the server is being stopped meanwhile."""
        if Fault.ENDLESS_EXPORT in faults:
            return not self.demo.stopping.wait()
        return self.demo.take_time("slow-export" if Fault.SLOW_EXPORT in faults else "export")

    def send_export(self, demo_list: DemoList, session: Session, waiting: WaitingExport) -> None:
        faults = waiting.faults
        if Fault.HTML_INSTEAD_OF_PDF in faults:
            page = web.render_page("Archibald", "<p>La sessione è scaduta.</p>")
            self.send(page.encode(), "application/pdf")
            return
        if Fault.LOGIN_INSTEAD_OF_PDF in faults:
            self.front_end.end_session(session)
            self.ask_to_log_in(demo_list)
            return
        if self.page.profile.is_english:
            faults.add(Fault.ENGLISH)
        if self.front_end.release.is_new:
            faults.add(Fault.EXTRA_COLUMN)
        with tempfile.TemporaryDirectory(prefix="demo-erp-") as folder:
            path = Path(folder) / "export.pdf"
            try:
                of_export = {fault for fault in faults if fault.where is Where.EXPORT}
                if is_on_record(demo_list):
                    self.demo.erp.write_order_lines(get_order_id(demo_list), path, faults=of_export)
                else:
                    self.demo.erp.write_export(
                        demo_list.name,
                        path,
                        faults=of_export,
                        shown=self.get_columns(demo_list, session),
                        **self.select_records(demo_list, session),
                    )
            except ValueError as impossible:
                self.send_page(f"<h1>{impossible}</h1>", HTTPStatus.INTERNAL_SERVER_ERROR)
                return
            if not waiting.is_generated and not self.generate_export(faults):
                self.close_connection = True
                return
            with path.open("rb") as file:
                self.send_file(file, path.stat().st_size, demo_list, faults)
        self.front_end.count_export()

    def wait_while(self, lasts: Callable[[], bool]) -> None:
        """Say nothing, at most until the client leaves or the server is being stopped."""
        while lasts() and not self.has_client_left() and not self.demo.stopping.wait(BETWEEN_LOOKS):
            pass

    def has_client_left(self) -> bool:
        """Whether the connection was closed at its other end, which nothing is written to."""
        return bool(select([self.connection], [], [], 0)[0]) and not self.connection.recv(1, MSG_PEEK)

    def send_file(self, file: BinaryIO, size: int, demo_list: DemoList, faults: set[Fault]) -> None:
        name = demo_list.file_names[Fault.ENGLISH in faults]
        if Fault.OTHER_FILE_NAME in faults:
            name = demo_list.other_file_name or name
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/pdf")
        self.send_header("Content-Length", str(size))
        self.send_header(
            "Content-Disposition", f"attachment; filename=\"{name}\"; filename*=UTF-8''{parse.quote(name)}"
        )
        stops_half_way = bool(faults & {Fault.CUT_CONNECTION, Fault.STALLED_CONNECTION})
        left = size // 2 if stops_half_way else size
        if not left:
            self.release_session()
        self.end_headers()
        while left and not self.demo.stopping.is_set():
            chunk = file.read(min(CHUNK, left))
            left -= len(chunk)
            if not left:
                self.release_session()
            self.wfile.write(chunk)
        if Fault.STALLED_CONNECTION in faults:
            self.wait_while(lambda: True)
        self.close_connection = stops_half_way or self.demo.stopping.is_set()


def split_address(path: str) -> tuple[str, list[str]]:
    """The first part of a path where it is the real ERP's, and the names that follow."""
    base = BASE if path == BASE or path.startswith(f"{BASE}/") else ""
    return base, path.removeprefix(base).strip("/").split("/")


def is_on_record(demo_list: DemoList) -> bool:
    """Whether it is the list on one order's page."""
    return demo_list.sync_type == ORDER_LINES.sync_type


def get_order_id(demo_list: DemoList) -> int:
    return int(demo_list.name.rpartition("/")[2])


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
