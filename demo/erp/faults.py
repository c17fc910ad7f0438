"""What can go wrong between the ERP and the sync, on demand."""

from __future__ import annotations

from enum import Enum


class Where(Enum):
    """Where a fault strikes: in an export itself, in how the web front end delivers it, in a page, in a choice."""

    EXPORT = "export"
    DELIVERY = "delivery"
    PAGE = "page"  # each page that is opened
    CHOICE = "choice"  # each time that a filter is chosen
    LOGIN = "login"  # each time that a list's address is asked for without a session
    REQUEST = "request"  # each that comes while another one of its session is answered
    CLEARING = "clearing"  # each time that a grid's filter is cleared
    CALLBACK = "callback"  # each callback that brings the grid


class Fault(Enum):
    """A fault: its name, where it strikes, and what it does."""

    def __init__(self, label: str, where: Where, does: str, sync_type: str | None = None) -> None:
        self.label = label
        self.where = where
        self.does = does
        self.sync_type = sync_type  # the only list that it can strike

    EXPIRED_SESSION = ("expired-session", Where.DELIVERY, "The session ends before the export: the login page comes.")
    HTML_INSTEAD_OF_PDF = ("html-instead-of-pdf", Where.DELIVERY, "A web page comes under the export's name.")
    SERVER_ERROR = ("server-error", Where.DELIVERY, "The server answers with status 500.")
    ERROR_BANNER = (
        "error-banner",
        Where.DELIVERY,
        "“Requested objects cannot be loaded”, in a browser some time after the click.",
    )
    CUT_CONNECTION = ("cut-connection", Where.DELIVERY, "The connection breaks half-way through the export.")
    STALLED_CONNECTION = ("stalled-connection", Where.DELIVERY, "The export stops coming half-way, without an end.")
    REMEMBERED_FILTER = ("remembered-filter", Where.DELIVERY, "A filter such as “this month”, left by a user.")
    KEPT_GRID_FILTER = (
        "kept-grid-filter",
        Where.DELIVERY,
        "A filter of the grid itself, left by a user: one record in eleven.",
    )
    FILTER_CHANGED_AT_CLICK = (
        "filter-changed-at-click",
        Where.DELIVERY,
        "As the export is asked for, a person with the same login chooses a filter such as “this month”; a filter of "
        "the grid itself where the list has no choices.",
    )
    SILENT_GRID_FILTER = (
        "silent-grid-filter",
        Where.DELIVERY,
        "A filter of the grid itself, left by a user, that no filter bar shows: one record in eleven.",
    )

    ERROR_NAVIGATION = (
        "error-navigation",
        Where.DELIVERY,
        "“Requested objects cannot be loaded”: some time after the click the page is opened anew, and says so.",
    )
    ERROR_RELOAD = (
        "error-reload",
        Where.DELIVERY,
        "Some time after the click the page is opened anew, and no word says that the export failed.",
    )
    LOGIN_INSTEAD_OF_PDF = ("login-instead-of-pdf", Where.DELIVERY, "The session ends between the click and the PDF.")
    SLOW_EXPORT = ("slow-export", Where.DELIVERY, "Generating the export takes one to five minutes.")
    ENDLESS_EXPORT = ("endless-export", Where.DELIVERY, "Generating the export never ends.")
    OTHER_FILE_NAME = ("other-file-name", Where.DELIVERY, "The file has the other name that was seen of it.")

    MOVED_EXPORT = ("moved-export", Where.PAGE, "The export button has another number.")
    MISSING_EXPORT = ("missing-export", Where.PAGE, "The menu has no export button.")
    RENAMED_EXPORT = ("renamed-export", Where.PAGE, "The export button is called “Scaricare”.")
    EXPORT_IN_OVERFLOW = ("export-in-overflow", Where.PAGE, "The export button stands in the “…” menu.")
    STUCK_LOADING_PANEL = ("stuck-loading-panel", Where.PAGE, "The loading panel stays.")
    NO_GRID = ("no-grid", Where.PAGE, "The page has no grid.")
    STUCK_GRID_FILTER = ("stuck-grid-filter", Where.CLEARING, "The grid's filter stays, whatever clears it.")
    PARTIAL_GRID = ("partial-grid", Where.CALLBACK, "The grid has half of its page's rows, and counts no more of them.")
    CUT_ROW = ("cut-row", Where.CALLBACK, "The last row of the grid's page breaks off.")
    PHANTOM_COLUMN = ("phantom-column", Where.CALLBACK, "The grid has a header without cells.")
    STUCK_FILTER = ("stuck-filter", Where.CHOICE, "The list's filter stays as it is, whatever is chosen.")

    RESTLESS_PAGE = ("restless-page", Where.PAGE, "The page is idle, and then its grid refreshes itself once more.")
    LOGIN_IN_PLACE = (
        "login-in-place",
        Where.LOGIN,
        "Without a session the login page comes under the list's own address, without a redirect.",
    )
    RACING_REQUESTS = (
        "racing-requests",
        Where.REQUEST,
        "A second request of a session does not wait for the first: it gets a page that breaks off.",
    )

    TRUNCATED_FILE = ("truncated-file", Where.EXPORT, "The file ends after 60 % of its bytes.")
    EMPTY_FILE = ("empty-file", Where.EXPORT, "The file has no bytes.")
    SILENT_FILTER = ("silent-filter", Where.EXPORT, "Of eleven records one is left, and nothing shows it.")
    HIDDEN_COLUMNS = ("hidden-columns", Where.EXPORT, "A new session's columns, whatever the column chooser is told.")
    ENGLISH = ("english", Where.EXPORT, "The user's language is English: headers, dates, numbers, file name.")
    NEW_VAT_KEY = ("new-vat-key", Where.EXPORT, "Every tenth product has the VAT key 7.", "products")
    SECOND_PRICE_GROUP = (
        "second-price-group",
        Where.EXPORT,
        "Every tenth price stands once more, lower, for price group 003.",
        "prices",
    )
    CUSTOMER_PRICES = (
        "customer-prices",
        Where.EXPORT,
        "Every tenth price stands twice more, lower, for one customer's account: from 1 piece and from 50.",
        "prices",
    )
    HIDDEN_COLUMN = ("hidden-column", Where.EXPORT, "The user has hidden the last column of the second page.")
    HIDDEN_KEY = ("hidden-key", Where.EXPORT, "The user has hidden the key's column.")
    MOVED_COLUMN = ("moved-column", Where.EXPORT, "The user has moved the first page's last column to the very end.")
    RENAMED_COLUMN = ("renamed-column", Where.EXPORT, "The ERP calls the key's column by another name.")
    EXTRA_COLUMN = ("extra-column", Where.EXPORT, "The user has shown one more column, on the second page.")
    WRONG_COUNT = ("wrong-count", Where.EXPORT, "The footer's Count is one too high.")
    WRONG_SUM = ("wrong-sum", Where.EXPORT, "The footer's first Sum of amounts is a cent too high.")
    DUPLICATE_KEY = ("duplicate-key", Where.EXPORT, "The second record has the key of the first.")
    UNREADABLE_VALUE = ("unreadable-value", Where.EXPORT, "A date of the second record is “n/d”.")
    MISSING_PAGE = ("missing-page", Where.EXPORT, "The second band lacks its second page.")
    UNEQUAL_ROWS = ("unequal-rows", Where.EXPORT, "The second page of the first band lacks a row.")

    @classmethod
    def called(cls, label: str) -> Fault:
        """Raises ValueError for a fault that does not exist."""
        for fault in cls:
            if fault.label == label:
                return fault
        raise ValueError(f"there is no fault {label!r}: {', '.join(fault.label for fault in cls)}")
