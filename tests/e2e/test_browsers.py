"""The pages work in browsers of the last three years; where a script fails, somebody hears of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Page, Route, expect

from sync.models import SyncSchedule
from tests.concurrency.processes import until
from tests.e2e.browsers import DESK, HERE, PHONE, axe, screenshot
from tests.e2e.order_form import OrderForm
from tests.site import Site

# The oldest browsers that are supported, of October and November 2023, as the documents say. Safari counts in tenths.
FLOOR = {"Chrome": 119, "Firefox": 119, "Safari": 17.0}

# What our scripts use of browsers, as far as it came after 2018: since which versions each has it (MDN's data).
SINCE = {
    "at": (92, 90, 15.4),
    "locks": (69, 96, 15.4),
    "randomUUID": (92, 95, 15.4),  # on secure connections only
    "replaceAll": (85, 77, 13.1),
    "globalThis": (71, 65, 12.1),
    "clipboard": (66, 63, 13.1),  # on secure connections only; without it the lines are shown to be copied
    "showModal": (37, 98, 15.4),
    "Object.fromEntries": (73, 63, 12.1),
}
SINCE_OPTIONS = {  # what calls give, which is no name of its own
    'useGrouping: "always"': (106, 93, 15.4),
    "dateStyle": (76, 79, 14.1),
    "hourCycle": (73, 58, 13.0),
    "?inert": (102, 112, 15.5),
}

# What every browser has had before 2019. Some are names of ours as well.
NAMES_OF_ALL = """
AbortController Array Array.isArray Boolean DOMException DOMParser Date Date.now Date.parse Error EventSource
EventSource.CLOSED FormData HTMLButtonElement HTMLScriptElement Headers Infinity Intl Intl.NumberFormat JSON JSON.parse
JSON.stringify KeyboardEvent Map Math Math.max Math.min Math.round Number Object Object.assign Object.entries
Promise.resolve confirm Object.keys Object.values Promise RegExp String URLSearchParams Uint8Array abort aborted
actions active activeElement add addEventListener address after altKey append appendChild assign badInput blur body
bottom cancel catch changed check checked classList className clear clearTimeout click clipboardData close closest code
colno contains cookie count createElement createTextNode crypto ctrlKey currentScript data dataset defaultChecked
defaultValue description detail details disabled dispatchEvent document documentElement draw drop element elements
encodeURIComponent entries entry error event every execCommand fetch filename filter find findIndex finish focus
forEach forget form format formatToParts get getAttribute getBoundingClientRect getClientRects getData getElementById
getItem getRandomValues has headers hidden history id includes indexOf indexedDB innerHTML isComposing items join key
keys kind language last left length lineno list load loaded location lost map matches message messages metaKey move
moveTo name navigator nodeName now offsetParent offsetWidth ok onclose onerror onopen open origin parseFromString
pathname performance pointerType postMessage preventDefault product push querySelector querySelectorAll read readyState
reason redirected refresh release reload remove removeEventListener repeat replace replaceState request result results
resume returnValue right root save scrollIntoView search select send sendBeacon serviceWorker session sessionStorage
set setAttribute setInterval setItem setTimeout shiftKey show signal slice slot some sort splice split start startsWith
state status statusText stop stopPropagation stream style take target test text textContent then title
toLocaleDateString toLocaleTimeString toLowerCase toString toggle top trim type undefined unshift use validity value
version visibilityState visualViewport width window
"""
ALWAYS = set(NAMES_OF_ALL.split())

# What some of those browsers lack of styles, and of pages.
TOO_NEW_STYLES = {
    "light-dark(": (123, 120, 17.5),
    ":has(": (105, 121, 15.4),
    "text-wrap: balance": (114, 121, 17.5),
    "text-wrap: pretty": (117, None, None),
    "field-sizing": (123, None, None),
    "@starting-style": (117, 129, 17.5),
    "@scope": (118, None, 17.4),
    "@property": (85, 128, 16.4),
    "@view-transition": (126, None, 18.2),
    "content-visibility": (85, 125, 18.0),
    "transition-behavior": (117, 129, 17.4),
    "interpolate-size": (129, None, None),
    "anchor-name": (125, None, None),
    "animation-timeline": (115, None, None),
    "&": (120, 117, 17.2),  # nested rules, as they are usually written
}
TOO_NEW_IN_PAGES = {" popover": (114, 125, 17.0), "commandfor": (135, None, None)}

STATIC = [settings.BASE_DIR / name / "static" for name in ("archibald", "orders", "sync")]
SCRIPTS = [path for folder in STATIC for path in folder.rglob("*.js")]
STYLES = [path for folder in STATIC for path in folder.rglob("*.css")]
PAGES = list((settings.BASE_DIR / "templates").rglob("*.html"))

PLATFORM = """() => {
    const found = { globals: [], members: [], statics: [] };
    const namesOf = (value) => Object.getOwnPropertyNames(value);
    const isMade = (value) => value !== null && ["function", "object"].includes(typeof value) && value !== globalThis;
    const visit = (name, value) => {
        if (!isMade(value)) return;
        if (/^[A-Z]/.test(name)) found.statics.push(...namesOf(value).map((own) => `${name}.${own}`));
        else for (let each = value; each; each = Object.getPrototypeOf(each)) found.members.push(...namesOf(each));
        if (value.prototype) found.members.push(...namesOf(value.prototype));
    };
    for (const name of namesOf(globalThis)) {
        found.globals.push(name);
        visit(name, globalThis[name]);
    }
    for (const name of namesOf(Intl)) visit(name, Intl[name]);
    return found;
}"""


@pytest.fixture
def platform(browser) -> dict[str, set[str]]:
    """The names that this browser gives to scripts on a secure page."""
    with browser.new_context() as context:
        context.route("**/*", lambda route: route.fulfill(content_type="text/html", body="<!DOCTYPE html>"))
        page = context.new_page()
        page.goto(f"http://{HERE}")
        return {kind: set(names) for kind, names in page.evaluate(PLATFORM).items()}


def code_of(path: Path) -> str:
    """A script without its comments and texts."""
    code = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    code = re.sub(r"(?m)(^|[\s;,{(])//.*$", r"\1", code)
    return re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', code)


def used_names(code: str, platform: dict[str, set[str]]) -> set[str]:
    """What a script may have of the browser: as a member, of a class itself, or by its name alone."""
    members = re.findall(r"""[\w$)\]}"'`/]\s*\??\.\s*([a-zA-Z_]\w*)""", code)
    statics = {f"{name}.{own}" for name, own in re.findall(r"\b([A-Z]\w*)\??\.(\w+)", code)}
    names = re.findall(r"(?<![.\w$])([A-Za-z_]\w*)\b", code)
    of_classes = {name.partition(".")[2] for name in statics & platform["statics"]}
    return (
        (set(members) & platform["members"]) - of_classes
        | statics & platform["statics"]
        | set(names) & platform["globals"]
    )


def are_in_all(versions: tuple[float | None, ...]) -> bool:
    return all(since is not None and since <= oldest for since, oldest in zip(versions, FLOOR.values(), strict=True))


def test_our_scripts_use_nothing_that_a_supported_browser_lacks(platform):
    """Who uses another name looks up at MDN since when browsers have it, and writes it down here."""
    own = [path for path in SCRIPTS if "vendor" not in path.parts]
    used = {path.name: used_names(code_of(path), platform) for path in own}
    unknown = {name: found for name, names in used.items() if (found := names - ALWAYS - set(SINCE))}
    assert unknown == {}
    assert set(SINCE) <= set().union(*used.values())
    assert {name: versions for name, versions in (SINCE | SINCE_OPTIONS).items() if not are_in_all(versions)} == {}


def test_a_name_that_is_too_new_is_found(platform):
    code = (
        "const signal = AbortSignal.any([AbortSignal.timeout(5)]); if (box.checkVisibility()) Object.groupBy(all, key);"
    )
    found = used_names(code, platform) - ALWAYS - set(SINCE)
    assert found == {"AbortSignal", "AbortSignal.any", "AbortSignal.timeout", "checkVisibility", "Object.groupBy"}


def test_our_styles_and_pages_use_nothing_that_a_supported_browser_lacks():
    assert not [each for each, since in (TOO_NEW_STYLES | TOO_NEW_IN_PAGES).items() if are_in_all(since)]
    for paths, too_new in ((STYLES, TOO_NEW_STYLES), (PAGES, TOO_NEW_IN_PAGES)):
        assert paths
        for path in paths:
            text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
            assert [feature for feature in too_new if feature in text] == [], path


def test_the_documents_say_which_browsers_are_supported():
    for document in ("README.md", "docs/order-form.md"):
        text = re.sub(r"\s+", " ", (settings.BASE_DIR / document).read_text())
        assert f"Chrome and Edge {FLOOR['Chrome']}, Firefox {FLOOR['Firefox']}, Safari {FLOOR['Safari']:.0f}" in text


# An old browser

LACKING = """
    delete AbortSignal.any;
    delete AbortSignal.timeout;
    delete AbortSignal.prototype.throwIfAborted;
    delete Element.prototype.checkVisibility;
    delete Element.prototype.moveBefore;
    delete Array.fromAsync;
    delete Map.groupBy;
    delete Object.groupBy;
    delete Promise.try;
    delete Promise.withResolvers;
    delete Response.json;
    delete RegExp.escape;
    delete String.prototype.isWellFormed;
    delete String.prototype.toWellFormed;
    delete URL.canParse;
    delete URL.parse;
    delete globalThis.Iterator;
    delete globalThis.URLPattern;
    delete globalThis.scheduler;
    delete globalThis.trustedTypes;
    delete globalThis.CloseWatcher;
    delete globalThis.NavigateEvent;
    delete globalThis.navigation;
    for (const name of ["difference", "intersection", "isSubsetOf", "union"]) delete Set.prototype[name];
    delete Document.prototype.startViewTransition;
    delete HTMLScriptElement.supports;
"""


@pytest.fixture
def old(page: Page) -> Page:
    """An agent's page in a browser that has nothing that came after the oldest ones that are supported."""
    page.add_init_script(LACKING)
    return page


def test_an_order_is_written_and_saved_in_an_old_browser(site, old, customer, product, fill):
    form = OrderForm(old, site).open()
    expect(old.locator("#customers-status")).to_contain_text("Clienti aggiornati")
    fill(form)
    form.save()
    form.expect_saved(1)
    old.goto(f"{site.url}/drafts")
    old.get_by_role("button", name=re.compile("^Elimina|^Cancella")).first.click()
    expect(old.get_by_role("button", name="Annulla")).to_be_visible()


def test_the_control_room_and_a_schedule_s_page_follow_in_an_old_browser(site, open_page, administrator):
    page = open_page(user=administrator, locale="en-GB", viewport=DESK)
    page.add_init_script(LACKING)
    page.goto(f"{site.url}/admin/")
    with page.expect_response("**/admin/now/"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#live-lost")).to_be_hidden()
    schedule = SyncSchedule.objects.get(sync_type="orders")
    page.goto(f"{site.url}{reverse('admin:sync_syncschedule_change', args=[schedule.pk])}")
    page.locator("[name=every]").fill("45")
    expect(page.locator("#schedule-preview li").first).to_be_visible()


# A script that fails

NOTICES = {
    "it-IT": "Qualcosa in questa pagina non ha funzionato: ricaricala",
    "en-GB": "Something on this page did not work: reload it",
}


@pytest.fixture
def reports(site: Site) -> Callable[[], list[str]]:
    """The lines of the server's log that tell of pages' errors, once there is one."""

    def lines() -> list[str]:
        return [line for line in site.log.splitlines() if "A page's script failed" in line]

    before = len(lines())

    def reported() -> list[str]:
        until(lambda: len(lines()) > before)
        return lines()[before:]

    return reported


def break_script(page: Page, script: str, line: str) -> None:
    """Let a script of the site fail: `line` comes before its own."""

    def broken(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=f"{line}\n{answer.text()}")

    page.context.route(f"**/static/{script}", broken)


@pytest.mark.parametrize("locale", NOTICES)
@pytest.mark.parametrize(
    ("path", "script", "line"),
    [
        ("/orders/new", "orders/session.js", 'setTimeout(() => { throw new TypeError("it broke"); });'),
        ("/orders/new", "orders/order.js", 'Promise.reject(new TypeError("it broke"));'),
        ("/orders/new", "orders/status.js", "const not javascript;"),
        ("/drafts", "orders/drafts.js", 'throw new TypeError("it broke");'),
        ("/admin/", "sync/live.js", 'throw new TypeError("it broke");'),
        ("/admin/sync/syncrun/", "admin/js/actions.js", 'throw new TypeError("it broke");'),
    ],
)
def test_a_script_that_fails_is_seen_and_reported(
    site, open_page, make_user, allowed, reports, locale, path, script, line
):
    allowed += ["it broke", "Missing initializer", "SyntaxError"]
    boss = make_user("capo", is_staff=True, is_superuser=True)
    page = open_page(user=boss, locale=locale, viewport=PHONE)
    break_script(page, script, line)
    page.goto(f"{site.url}{path}")
    notice = page.get_by_role("alert").filter(has_text=NOTICES[locale])
    expect(notice).to_be_visible()
    [reported] = reports()
    assert "WARNING" in reported
    assert f"page '{path}'" in reported
    assert f"place '/static/{script}:" in reported
    assert "browser 'Chrome " in reported
    assert "capo" not in reported
    assert [each for each in axe(page) if "page-failed" in each] == []
    screenshot(page, f"failed {path.strip('/').replace('/', '-')} {locale}")
    with page.expect_navigation():
        notice.get_by_role("button").click()


def test_a_script_that_does_not_come_is_seen_and_reported(site, page, allowed, reports):
    allowed += ["ERR_FAILED", "404", "Failed to load"]
    page.context.route("**/static/orders/combobox.js", lambda route: route.fulfill(status=404))
    page.goto(f"{site.url}/orders/new")
    expect(page.get_by_role("alert").filter(has_text="la bozza è conservata")).to_be_visible()
    assert "A script cannot be loaded." in reports()[0]


def test_a_form_that_fails_does_not_say_that_it_is_updating_customers(site, page, allowed, reports):
    """So it stood for ever in a browser without AbortSignal.any: nobody was told."""
    allowed.append("it broke")
    line = 'globalThis.AbortController = class { constructor() { throw new TypeError("it broke"); } };'
    break_script(page, "archibald/requests.js", line)
    page.goto(f"{site.url}/orders/new")
    expect(page.get_by_role("alert").filter(has_text="la bozza è conservata")).to_be_visible()
    expect(page.locator("#customers-status")).to_contain_text("Clienti non aggiornati.")
    assert "it broke" in reports()[0]


def test_what_fails_again_and_again_is_reported_once(site, page, allowed, reports):
    allowed.append("it broke")
    break_script(page, "archibald/site.js", 'setInterval(() => { throw new TypeError("it broke"); }, 5);')
    page.goto(f"{site.url}/drafts")
    expect(page.get_by_role("alert").filter(has_text="non ha funzionato")).to_be_visible()
    page.wait_for_timeout(200)
    assert len(reports()) == 1


def test_an_error_of_a_browser_s_extension_is_none_of_ours(site, page, allowed):
    allowed.append("theirs")
    page.goto(f"{site.url}/drafts")
    page.evaluate(
        """() => dispatchEvent(new ErrorEvent("error", {
            message: "theirs", filename: "chrome-extension://abc/content.js", lineno: 1, colno: 1,
        }))"""
    )
    expect(page.locator("#page-failed")).to_have_count(0)
