"""The demo ERP's web front end: login, lists, exports; and a control API for tests and demonstrations.

An export takes two requests: a click on the button is posted to the list's address, then the same address gives the
PDF, once, to the session that clicked.

POST   /demo/faults          {"fault": "error-banner", "list": "customers", "times": 1}; no times: until cleared
DELETE /demo/faults          clears all, /demo/faults/<fault> one
POST   /demo/life/<what>     lets something happen, such as new-order; without <what>, anything
GET    /demo/state
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, BinaryIO, Self
from urllib.parse import parse_qs, quote, urlsplit

from demo.erp import web
from demo.erp.erp import FILTERED, DemoErp
from demo.erp.faults import Fault, Where
from demo.erp.front_end import FrontEnd, Session, Strike
from demo.erp.life import HAPPENINGS, NothingLeft
from demo.erp.lists import LISTS, DemoList, list_called

logger = logging.getLogger(__name__)

ROWS_SHOWN = 25
CHUNK = 64 * 1024  # bytes
NAME_KEPT = 30 * 24 * 60 * 60  # seconds that the browser keeps the user's name
DEMO_USERNAME, DEMO_PASSWORD = "agente", "dimostrazione"  # shown to everybody who starts the demo


class DemoServer:
    """The demo ERP on the web. `with DemoServer(...) as server:` runs it in a thread; `server.url` is its address."""

    def __init__(
        self,
        erp: DemoErp,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        delay: float = 0,
        username: str = DEMO_USERNAME,
        password: str = DEMO_PASSWORD,
        profile: str = "it",
    ) -> None:
        self.erp = erp
        self.delay = delay  # seconds that generating an export takes; 5 to 60 in the real ERP
        self.profile = web.PROFILES[profile]
        self.front_end = FrontEnd(username=username, password=password)
        self.stopping = Event()
        self.http = HttpServer((host, port), self)
        self.threads: list[Thread] = []

    @property
    def url(self) -> str:
        host, port = self.http.server_address[:2]
        return f"http://{host!s}:{port}/"

    def start(self, *, life: float | None = None) -> None:
        """Serve in a thread; with `life`, something happens by itself every so many seconds."""
        self.run_in_thread(lambda: self.http.serve_forever(poll_interval=0.05))
        if life:
            self.run_in_thread(lambda: self.live(life))

    def run_in_thread(self, work: Callable[[], None]) -> None:
        thread = Thread(target=work, name="demo-erp", daemon=True)
        thread.start()
        self.threads.append(thread)

    def live(self, interval: float) -> None:
        while not self.stopping.wait(interval):
            try:
                logger.info("Happened: %s", self.erp.happen())
            except NothingLeft as nothing:
                logger.info("%s", nothing)

    def stop(self) -> None:
        """Answer nothing more. Exports under way are cut."""
        self.stopping.set()
        if self.threads:
            self.http.shutdown()
        self.http.server_close()
        for thread in self.threads:
            thread.join()
        self.threads.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class HttpServer(ThreadingHTTPServer):
    """Takes requests for one DemoServer."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], demo: DemoServer) -> None:
        self.demo = demo
        super().__init__(address, Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle is everyday life."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            logger.exception("A request of %s failed.", client_address)


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

    @property
    def cookies(self) -> dict[str, str]:
        return {name: cookie.value for name, cookie in SimpleCookie(self.headers.get("Cookie", "")).items()}

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class calls it so
        logger.debug(format, *args)

    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    do_DELETE = do_GET  # noqa: N815

    def answer(self, body: bytes) -> None:
        url = urlsplit(self.path)
        match url.path.strip("/").split("/"):
            case ["demo", *what]:
                self.answer_control(what, body)
            case ["Login.aspx"]:
                self.answer_login(parse_qs(url.query).get("ReturnUrl", ["/"])[0], form(body))
            case [""]:
                self.redirect(f"/{LISTS[0].name}/")
            case [name] if any(demo_list.name == name for demo_list in LISTS):
                self.answer_list(list_called(name), form(body))
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
            self.redirect(here(return_url), cookies=[set_cookie(*cookie) for cookie in session.cookies.items()])
        else:
            page = web.login_page(self.demo.profile, return_url, self.front_end.view_state, rejected=bool(fields))
            self.send_page(page)

    def answer_list(self, demo_list: DemoList, fields: dict[str, str]) -> None:
        session = self.front_end.session(self.cookies)
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
        grid = web.grid_name(demo_list, session.grid)
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
                chosen = [at for at in range(len(demo_list.columns)) if web.check_box(grid, at) in fields]
                self.front_end.choose_columns(session, demo_list, chosen)
        self.send_list(demo_list, session)

    def send_list(self, demo_list: DemoList, session: Session, **also: bool) -> None:
        erp, name = self.demo.erp, demo_list.name
        chosen, filtered = self.front_end.chosen_filter(demo_list), self.front_end.keeps_grid_filter(demo_list)
        english = self.is_english(demo_list)
        shown = session.shown(demo_list)
        if self.front_end.is_struck(demo_list, Fault.HIDDEN_COLUMNS):
            shown = demo_list.shown_by_a_stubborn_session()
        columns = [column for place, column in enumerate(demo_list.columns) if place in shown]
        view = web.ListView(
            demo_list,
            [column.in_english() if english else column for column in demo_list.columns],
            shown,
            erp.first_rows(name, columns, ROWS_SHOWN, choice=chosen, filtered=filtered, english=english),
            erp.count(name, choice=chosen, filtered=filtered),
            chosen,
            f"[Oid] % {FILTERED} = 0" if filtered else "",
            web.grid_name(demo_list, session.grid),
            self.front_end.view_state,
            **also,
        )
        self.send_page(web.list_page(view, web.PROFILES["en"] if english else self.demo.profile))

    def is_english(self, demo_list: DemoList) -> bool:
        return self.demo.profile is web.PROFILES["en"] or self.front_end.is_struck(demo_list, Fault.ENGLISH)

    def redirect_to_login(self) -> None:
        self.redirect(f"/Login.aspx?ReturnUrl={quote(urlsplit(self.path).path, safe='')}")

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
        faults = self.front_end.faults_for(demo_list)
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
            page = web.page("Archibald", "<p>La sessione è scaduta.</p>")
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
                    choice=self.front_end.chosen_filter(demo_list),
                    filtered=self.front_end.keeps_grid_filter(demo_list),
                    shown=session.shown(demo_list),
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
        self.send_header("Content-Disposition", f"attachment; filename=\"{name}\"; filename*=UTF-8''{quote(name)}")
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

    # Control

    def answer_control(self, what: list[str], body: bytes) -> None:
        try:
            answer = self.control(what, body)
        except (KeyError, ValueError, TypeError) as error:
            self.send_json({"error": f"not understood: {error}"}, HTTPStatus.BAD_REQUEST)
        except NothingLeft as nothing:
            self.send_json({"error": str(nothing)}, HTTPStatus.CONFLICT)
        else:
            self.send_json(answer)

    def control(self, what: list[str], body: bytes) -> dict[str, Any]:
        match self.command, what:
            case "GET", ["state"]:
                pass
            case "POST", ["faults"]:
                self.front_end.strike(Strike.from_json(json.loads(body)))
            case "DELETE", ["faults"]:
                self.front_end.clear(None)
            case "DELETE", ["faults", fault]:
                self.front_end.clear(Fault.called(fault))
            case "POST", ["life", *kind] if not kind or kind[0] in HAPPENINGS:
                return {"changed": self.demo.erp.happen(*kind)}
            case _:
                raise ValueError(f"{self.command} {self.path}")
        return self.demo.erp.as_json() | self.front_end.as_json()

    def send_json(self, answer: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send(json.dumps(answer).encode(), "application/json", status)


def here(return_url: str) -> str:
    """The address to go back to, on this server."""
    return "/" + quote(return_url.lstrip("/\\"), safe="/?=&%")


def set_cookie(name: str, value: str) -> str:
    match name:
        case "Login" | "ASP.NET_SessionId":
            return f"{name}={value}; Path=/; HttpOnly; SameSite=Lax"
        case "UserName":
            return f"{name}={quote(value)}; Path=/; Max-Age={NAME_KEPT}; SameSite=Lax"
        case _:
            return f"{name}={value}; Path=/; SameSite=Lax"


def form(body: bytes) -> dict[str, str]:
    """The fields of a posted form."""
    return {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
