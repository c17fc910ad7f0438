"""Logging in by the ERP's own page, once."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import ElementHandle, Page, Request, Response
from playwright.sync_api import Error as PlaywrightError

from sync.erp.browser import list_page, scripts
from sync.erp.browser.messages import Credentials
from sync.exceptions import ErpAnswerUnexpected, ErpLoginRejected, ErpUnavailable
from sync.messages import Message
from sync.messages import gettext_noop as _

LOGIN_SECONDS = 60.0  # that the ERP may take to answer a login
FORM_SECONDS = 15.0  # that the login page may take to show its form
SETTLING = 0.5  # seconds after a field was filled; up to 3 were seen to be of use
ATTEMPTS = 4  # to fill fields whose text does not stay
CLICKS = 3  # on the button, while nothing is sent
SENDING = 3.0  # seconds from a click until the login is sent
AFTER_ANSWER = 5.0  # seconds in which the answer to a login may still lead away from the login page
LONGEST = FORM_SECONDS + CLICKS * (2 * SETTLING * ATTEMPTS + SENDING) + LOGIN_SECONDS + AFTER_ANSWER  # seconds, of all
POLL = 50  # ms
OK = 200

# Ids are dynamic: fields are found by what they are, the button by its text, without white space. A logo's link may
# contain "log" too.
FIND_FORM = """() => {
    const isShown = element => element.getClientRects().length > 0;
    const inputs = [...document.querySelectorAll('input')].filter(isShown);
    const password = inputs.find(input => input.type === 'password');
    const texts = inputs.filter(input => input.type === 'text' || input.type === 'email');
    const username = texts.find(input => /username/i.test(input.id + ' ' + input.name)) ?? texts[0];
    const read = element => (element.value || element.textContent || '').replace(/\\s+/g, '').toLowerCase();
    const isButton = element => /^(accedi|login|logon|entra)\\1?$/.test(read(element));
    const candidates = [...document.querySelectorAll(
        'button, input[type=submit], input[type=button], [role=button], a, [id*=Logon] li, [id*=Logon] span')];
    const button = candidates.filter(isShown).find(isButton);
    return {username, password, button};
}"""

# Through the native setter: the controls of the page learn of a value by its events only.
FILL = """(input, value) => {
    input.focus();
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, value);
    input.dispatchEvent(new Event('input', {bubbles: true}));
    input.dispatchEvent(new Event('change', {bubbles: true}));
}"""

READ = "input => input.value"


def log_in(page: Page, ask: Callable[[], Credentials]) -> None:
    """Log in on the login page that is shown. `ask` is called once there is a form to be filled.

    A page that has not settled loses what was entered, and takes no click: then both come again, but never once
    anything was sent, as that may have been the login. Raises ErpLoginRejected after one attempt that the ERP answered
    with its login page again; ErpUnavailable if it answers nothing, which says nothing of the login.
    """
    form = wait_for_form(page)
    credentials = ask()
    fill(page, form, credentials)
    attempt = Attempt(page)
    form["button"].click()
    clicks = 1
    while not attempt.wait_until_sent():
        if clicks == CLICKS:
            raise ErpAnswerUnexpected(reason=Message(_("a click on the button of its login page sends nothing")))
        try:
            form = wait_for_form(page)
            fill(page, form, credentials)
        except (PlaywrightError, ErpAnswerUnexpected):
            if not attempt.is_sent:  # else the page is gone, as the click was heard after all
                raise
        if not attempt.is_sent:
            form["button"].click()
            clicks += 1
    attempt.wait_until_answered(credentials.username)
    # Until the page to which the ERP leads is there: it answers only one request of a session at a time.
    page.wait_for_load_state("load", timeout=LOGIN_SECONDS * 1000)


def wait_for_form(page: Page) -> dict[str, ElementHandle]:
    """User name, password and button. Raises ErpAnswerUnexpected if one of them does not come."""
    given_up_at = time.monotonic() + FORM_SECONDS
    while True:
        handle = page.evaluate_handle(FIND_FORM)
        form = {name: each.as_element() for name, each in handle.get_properties().items()}
        found = {name: element for name, element in form.items() if element}
        missing = [name for name in ("username", "password", "button") if name not in found]
        if not missing:
            return found
        if time.monotonic() > given_up_at:
            what = {
                "username": Message(_("field for the user name")),
                "password": Message(_("field for the password")),
                "button": Message(_("button with the text Accedi or Log In")),
            }[missing[0]]
            raise ErpAnswerUnexpected(reason=Message(_("its login page has no {what}"), what=what))
        page.wait_for_timeout(POLL)


def fill(page: Page, form: dict[str, ElementHandle], credentials: Credentials) -> None:
    """Fill both fields until they keep their values. Not by Playwright's `fill`, whose errors quote them."""
    values = {form["username"]: credentials.username, form["password"]: credentials.password}
    lacking = dict(values)
    for _attempt in range(ATTEMPTS):
        for field, value in lacking.items():
            field.evaluate(FILL, value)
            field.press("Tab")
            page.wait_for_timeout(SETTLING * 1000)
        # One may have been lost while another one was filled.
        lacking = {field: value for field, value in values.items() if field.evaluate(READ) != value}
        if not lacking:
            return
    raise ErpAnswerUnexpected(reason=Message(_("a field of its login page does not keep what is entered")))


class Attempt:
    """What the ERP makes of a login."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.status: int | None = None  # of the latest answer to the login
        self.answered_at = 0.0
        self.is_under_way = False  # to another page
        self.is_sent = False
        page.on("request", self.see_request)
        page.on("response", self.see_response)

    def see_request(self, request: Request) -> None:
        self.is_under_way = self.is_under_way or self.is_of_page(request)
        self.is_sent = self.is_sent or self.is_under_way or request.method == "POST"

    def see_response(self, response: Response) -> None:
        if 300 <= response.status < 400:  # its end counts
            return
        if self.is_of_page(response.request):
            self.is_under_way = False
        elif response.request.method != "POST":
            return
        self.status, self.answered_at = response.status, time.monotonic()

    def is_of_page(self, request: Request) -> bool:
        return request.is_navigation_request() and request.frame == self.page.main_frame

    def wait_until_sent(self) -> bool:
        """False if nothing is, for as long as a click may take."""
        given_up_at = time.monotonic() + SENDING
        while not self.is_sent and time.monotonic() < given_up_at:
            self.page.wait_for_timeout(POLL)
        return self.is_sent

    def wait_until_answered(self, username: str) -> None:
        given_up_at = time.monotonic() + LOGIN_SECONDS
        while not self.is_successful():
            if self.status is not None and not self.is_under_way:
                if self.status != OK:
                    reason = Message(_("it answers a login with status {code}"), code=self.status)
                    raise ErpAnswerUnexpected(reason=reason)
                if time.monotonic() > self.answered_at + AFTER_ANSWER:
                    wait_for_form(self.page)  # another page under this address is no rejection
                    raise ErpLoginRejected(username=username)
            if time.monotonic() > given_up_at:
                reason = Message(_("it did not answer the login within {seconds} s"), seconds=f"{LOGIN_SECONDS:g}")
                raise ErpUnavailable(reason=reason)
            self.page.wait_for_timeout(POLL)

    def is_successful(self) -> bool:
        """Whether the page is another one, by its path and by what is on it."""
        if self.status is None or self.is_under_way or list_page.is_login_path(self.page.url):
            return False
        try:
            return not self.page.evaluate(scripts.HAS_PASSWORD_FIELD)
        except PlaywrightError as error:  # the page is being replaced by another one
            if list_page.NETWORK_OR_BROWSER.search(error.message):
                raise
            return False
