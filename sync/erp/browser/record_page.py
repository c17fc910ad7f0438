"""What the browser client does on one record's page, whose list a toolbar of its own exports."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page

from sync.erp.browser import scripts
from sync.erp.browser.list_page import DOUBLED, EXPORT_TO, ListPage, describe
from sync.erp.client import ErpRecordList
from sync.messages import Message
from sync.messages import gettext_noop as _


class RecordPage(ListPage):
    """The page of one record, with the list on it; its export comes as a list's does [seen]."""

    def __init__(self, page: Page, url: str, record_list: ErpRecordList, *, report: Callable[[str], None]) -> None:
        super().__init__(page, url, record_list, report=report)
        self.url = f"{self.url}?mode=View"
        self.toolbar = record_list.toolbar

    def load(self) -> None:
        answer = self.navigate()
        if answer is not None and answer.status >= 400:
            raise self.fail(Message(_("status {code}"), code=answer.status))
        self.wait_until_idle()

    def check_filters(self) -> None:
        """What a filter of the list hides is seen by the amount of the record, which the list has to come to."""

    def find_export_item(self) -> Locator:
        """The anchor of the toolbar's item, whichever number it has."""
        items = self.ask(scripts.READ_TOOLBAR, self.toolbar)
        matching = [item for item in items if EXPORT_TO.match(item["text"]) and item["isShown"]]
        if not matching:
            found = describe(DOUBLED.sub(r"\1", item["text"]) for item in items if item["text"])
            reason = _("it has no export item: no item of its menu is called {wanted}; items found: {found}")
            raise self.fail(Message(reason, wanted="Esportare in / Export to", found=found))
        return self.page.locator(f'[id="{matching[0]["id"]}"]').locator("visible=true").first
