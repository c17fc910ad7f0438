"""What syncs say in English, in the reader's language: errors, and notes on exports.

A sentence is kept as it was raised, and recognised by the template it was made from. What was made from none, such as
a bug's message, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from string import Formatter

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from sync.exceptions import SyncError

FACT = re.compile(r"\{.*?\}")  # in a template
MOST_CHARACTERS = 2000  # of a text that is looked at: recognising one takes up to the square of its length


def told(error: SyncError) -> str:
    """An error that was just raised, in the reader's language."""
    return sentence(str(error))


def sentence(text: str) -> str:
    """The text of an error, in the reader's language."""
    return translated(text, ERRORS)


def note(text: str) -> str:
    """A note on an export, in the reader's language."""
    return translated(text, NOTES)


def without_private_facts(text: str) -> str:
    """The English text of an error as agents may read it: it names neither the ERP's user nor the server's folders."""
    for template in PRIVATE_ERRORS if len(text) <= MOST_CHARACTERS else ():
        if match := pattern(template).fullmatch(text):
            return template.replace("!r}", "}").format(**(match.groupdict() | PRIVATE_FACTS))
    return text


def kinds_with(word: str) -> list[str]:
    """The kinds of error whose sentence, in the reader's language, has this word: texts are kept in English."""
    told = {kind.__name__: FACT.sub("", gettext(kind.template())).casefold() for kind in kinds_of(SyncError)}
    return [name for name, words in told.items() if word.casefold() in words]


def kinds_of(error: type[SyncError]) -> Iterator[type[SyncError]]:
    for kind in error.__subclasses__():
        yield kind
        yield from kinds_of(kind)


def translated(text: str, templates: Iterable[str]) -> str:
    for template in templates if 0 < len(text) <= MOST_CHARACTERS else ():
        begin, end = ends(template)
        if text.startswith(begin) and text.endswith(end) and (match := pattern(template).fullmatch(text)):
            facts = {name: fact(name, value) for name, value in match.groupdict().items()}
            return gettext(template).replace("!r}", "}").format(**facts)  # a quoted fact was found with its quotes
    return text


def fact(name: str, text: str) -> str:
    """A fact as it stands in a sentence: a list or one of our own phrases in the reader's language."""
    if name in LISTS and text in settings.SYNC_TYPES:
        return gettext(text)
    return translated(text, PHRASES.get(name, ()))


@cache
def pattern(template: str) -> re.Pattern[str]:
    """Matches what is made from a template. Of two facts side by side the second is one word."""
    parts = []
    for literal, name, _spec, _conversion in Formatter().parse(template):
        parts.append(re.escape(literal))
        if name:
            parts.append(f"(?P<{name}>{shape(name, literal)})")
    return re.compile("".join(parts), re.DOTALL)


def shape(name: str, literal: str) -> str:
    """What a fact that stands behind a literal may be. The fewer facts may be anything, the fewer ways to go wrong."""
    if name in NUMBERS:
        return r"\d+"
    return r"\S*" if literal == " " else ".*"


@cache
def ends(template: str) -> tuple[str, str]:
    """What all that is made from a template begins and ends with: most texts are told from it by that."""
    literals = FACT.split(template)
    return literals[0], literals[-1]


# The texts, where makemessages finds them. Those of errors are docstrings; sync.exports knows nothing of Django.

PRIVATE_FACTS = {  # what agents read in their place
    "username": "this service",
    "folder": "a folder of the server",
    "place": "a folder of the server",
}
LISTS = ("sync_type", "found", "expected", "source", "target")  # facts that may name a sync type
NUMBERS = (  # facts that are nothing else
    "page",
    "first_page",
    "row",
    "run",
    "times",
    "mirrored",
    "allowed",
    "named",
    "unmatched",
    "count",
    "checked",
    "all",
    "agreeing",
    "total",
)

ERRORS = (
    _("The sync could not be carried out."),
    _("Run {run} cannot be accepted: {reason}"),
    _("{sync_type} is no longer mirrored: there is nothing to run."),
    _("Run {run} cannot be tried again: {reason}"),
    _("Run {run} cannot be cancelled: it is {status}."),
    _("There is no order-form session {session} of yours."),
    _("The schedule of {sync_type} cannot be changed: {reason}"),
    _("The alert was not delivered: {reason}."),
    _("The run stopped before its end."),
    _("The run stepped aside for an order form."),
    _("The worker was told to stop, and gave the run back to the queue."),
    _("The run was cancelled."),
    _("The lock is no longer this process's: another one carries out what it had begun."),
    _(
        "The process that carried out the run was lost {times} times. Look into the worker's log, then try the run "
        "again."
    ),
    _("The disk is full: there is no room for {files} in {place}. Make room there."),
    _("The ERP gave no export."),
    _("No ERP is configured. Set ERP_URL or ERP_FOLDER, or give an export with --file."),
    _("The ERP gave no export: {reason}. Try again in a minute."),
    _(
        "The ERP answered, but not with an export: {reason}. Open the list in the ERP with a browser; if it can be "
        "exported there, check ERP_URL, then tell whoever keeps this software."
    ),
    _(
        "The ERP leads to {address}, outside of ERP_URL ({url}): nothing was sent there. If that is the ERP too, set "
        "ERP_URL to {suggested}; if not, tell whoever runs the ERP."
    ),
    _(
        "The ERP answered with its login page instead of the list, even after a new login. Open the list in the ERP "
        "with a browser; if that shows it, try again in a minute."
    ),
    _("The ERP does not accept the login of {username}. Check ERP_USERNAME and ERP_PASSWORD."),
    _("ERP_FOLDER names {folder}, which is no folder. Make it, or name another."),
    _("There is no export of this list in {folder}: expected a file named {expected}."),
    _("The export cannot be trusted: not applied."),
    _("The export is empty (0 bytes). Export the list again."),
    _("The export is not a PDF: it starts with “{start}”. Export the list as PDF."),
    _("The export is a web page, not a PDF: the ERP's session had expired. Log in and export the list again."),
    _("The export is cut short: {reason}. Export the list again."),
    _("The export is damaged: {reason}. Export the list again."),
    _("The export is encrypted. Export the list again without a password."),
    _(
        "The export is larger than is safe to read: {what} is over the limit of {limit}. If it is genuine, raise "
        "{setting}."
    ),
    _(
        "The export costs more to read than its size allows: {what} takes more than {limit}. Export the list again; "
        "if it is genuine, raise {setting}."
    ),
    _(
        "The process that reads the export was ended from outside ({signal}), at {what}. See that the machine has "
        "memory left, then try again."
    ),
    _(
        "Page {page} holds no table that can be read: {reason}. Export the list again from the ERP; do not print it, "
        "or save it with another program."
    ),
    _("The export lacks required columns: {missing}. Show them again in the ERP's list, in Italian, then export it."),
    _(
        "The column {header} stands {found} times in the export, where one is expected. Hide the other one in the "
        "ERP's list, then export again."
    ),
    _("This is an export of {found}, not of {expected}. Nothing was applied."),
    _(
        "A page is missing: the records that start on page {first_page} have no page with {missing}. Export the list "
        "again."
    ),
    _(
        "Page {page} has {found} rows, the first page of the same records (page {first_page}) has {expected}. Export "
        "the list again."
    ),
    _(
        "Page {page} does not show the same records as page {first_page}: its row {row} is not as high. Export the "
        "list again."
    ),
    _("Page {page}, row {row} has no {header}, although it shows a record: {shown}. Export the list again."),
    _("{header} {key} stands twice in the export, the second time on page {page}, row {row}. Export the list again."),
    _(
        "Page {page}, row {row}, column {header}: {text!r} is not {kind}. Correct it in the ERP, or hide this column "
        "in the ERP's list, then export again. The record: {record}."
    ),
    _(
        "Page {page}, row {row}, column {header}: {text!r} is not {kind}. Correct it in the ERP, then export again. "
        "The record: {record}."
    ),
    _("The {function} of {column} in the export's footer, {text!r}, is not {kind}. Export the list again."),
    _("The export's {column} {function} is {found}, its footer says {stated}: not applied. Export the list again."),
    _(
        "The ERP gave an export of {exported}, older than the one of {later} that run {run} applied. Export the list "
        "again, or give this file with --file if it is right."
    ),
    _("The export may be wrong: it is applied only if a person accepts it."),
    _(
        "The export has no records: it may be filtered. Nothing was applied. Check the list's filter in the ERP, or "
        "accept the export if it is right."
    ),
    _(
        "The export lacks {missing} of the {mirrored} mirrored records; up to {allowed} are removed without asking. "
        "It may be filtered: nothing was applied. Check the list's filter in the ERP, or accept the export if it is "
        "right."
    ),
    _(
        "The list {source} names {named} different records of {target}, of which {unmatched} are not there; up to "
        "{allowed} may be absent without asking. One of the two lists may be filtered: nothing was applied. Check the "
        "filters of both in the ERP, or accept the export if it is right."
    ),
)

NOTES = (
    _("Columns that are not mirrored: {columns}."),
    _("Columns not in the export, where what is mirrored stays: {columns}."),
    _(
        "Columns that stand more often than expected, where what is mirrored stays: {columns}. Hide the others of "
        "these names in the ERP's list."
    ),
    _(
        "Columns that share a header and cannot be told apart, where what is mirrored stays: {columns}. Show all of "
        "them in the ERP's list, in their usual order."
    ),
    _("The columns stand in another order than usual."),
    _("Pages not drawn as the ERP draws, read by pdfplumber: {pages}."),
    _("The last page, {page}, is blank."),
    _("Rows without an ID, which are no records: {rows}."),
    _("The PDF's structure was damaged and was rebuilt."),
    _("The export has no control totals to compare."),
    _("The footer's {function} of {header} was not checked: the column is not added up."),
    _(
        "The export's file is dated {dated}, which is still to come: it counts from when it was first read. Correct "
        "the file's date, or the clock of the machine that it comes from: a file with an earlier date is not read."
    ),
    _("This export was applied before: what it lacks was not counted as absent again."),
    _(
        "{header}: values that could not be read are taken as unknown ({count}, such as “{text}”), as their form was "
        "only assumed."
    ),
    _("First seen in an export, as it was assumed: {columns}. Please tell whoever keeps this software."),
    _("Products whose VAT the ERP did not show: {count}."),
    _("VAT not known, by the value of ID ELEMENTO IVAID and the number of products: {values}."),
    _("Prices without an amount or a currency, which are nobody's: {count}."),
    _("No price group's price counts: set PRICE_GROUP to one of these: {groups}."),
    _("Prices of a price group that is not named, which are nobody's: {count}."),
    _("CODICE CONTO not known, whose prices are nobody's: {values}."),
    _(
        "{check} (this is only assumed): not so in {count} of {checked} records that came or changed: {records}. In "
        "the whole list: {all} of {total}. Compare them with the ERP; if it shows other values, export the list again."
    ),
    _(
        "{check}: not so in {count} of {checked} records that came or changed: {records}. In the whole list: {all} of "
        "{total}. Compare them with the ERP; if it shows other values, export the list again."
    ),
    _(
        "{check} (this is only assumed): so in {agreeing} of {total} records only. It is taken as wrong, and not "
        "applied."
    ),
)

PHRASES = {  # by the fact that they are
    "status": (
        _("queued"),
        _("running"),
        _("succeeded"),
        _("failed"),
        _("quarantined"),
        _("cancelled"),
    ),
    "reason": (
        # Why a run cannot be accepted or tried again
        _("it is {status}, not quarantined."),
        _("it is {status}."),
        _("it has been accepted already."),
        _("its export is no longer kept. Run the sync again."),
        _("this export, or a later one, was applied since. Run the sync again."),
        _("{sync_type} is no longer mirrored."),
        _("accept the export of run {run} again instead."),
        _("the given file {file} is gone."),
        # Why the ERP gave no export
        _("its page has no export button"),
        _("it says “Requested objects cannot be loaded”, {clicks} times"),
        _("its filter cannot be set to {filter}"),
        _("its page has no filter {filter}"),
        _("it keeps its filter {filter}"),
        _("its page is a PDF"),
        _("its page has more than {count} bytes"),
        _("its page is in the encoding {encoding}"),
        _("its answer is packed ({encoding}), which it was not to be"),
        _("it leads to {address}, which is no web address"),
        _("it redirects a form (status {code})"),
        _("it redirects more than {count} times in a row"),
        _("it sets more than {count} cookies"),
        _("the connection ended after {done} of {total} bytes"),
        _("status {code}"),
        _("the export was not complete after {seconds} s"),
        _("no connection within {seconds} s"),
        _("it sent nothing for {seconds} s"),
        _("the connection was cut during the export"),
        _("the connection failed ({cause})"),
        _("{folder} cannot be read ({cause})"),
        # Why an alert was not delivered
        _("{setting} is not set"),
        _("the server did not answer within {seconds} s"),
        _("the server answered with status {code}"),
        _("the address redirects (status {code}): set ALERT_URL to where that leads"),
        _("the mail server answered {code} {text}"),
        _("a bug ({cause}), of which the log tells more"),
        # Why an export cannot be read
        _("the PDF's end marker is missing"),
        _("it has no pages"),
        _("it has no pages that show anything"),
        _("the control totals that end this list are missing"),
        _("page {page} cannot be unpacked ({cause})"),
        _("page {page} is cut short"),
        _("page {page} has no content"),
        _("page {page} shows the content of page {other}"),
        _("it has {count} pages, not {counted} as it says"),
        _("{what} makes the program that reads it crash"),
        _("a name in it is no text ({cause})"),
        # Why a page cannot be read
        _("it is packed with {filter}"),
        _("it is packed {count} times"),
        _("its texts have more than {count} bytes"),
        _("it shows more than {count} cells"),
        _("it shows more than {count} characters"),
        _("with it, a file of this size shows more than {count} cells"),
        _("with it, a file of this size shows more than {count} characters"),
        _("a font of it has more than {count} codes"),
        _("it has no header"),
        _("it is blank"),
        _("it draws more than {count} bytes"),
        _("it has layers that may be hidden"),
        _("a text cannot be seen at {character}"),
        _("it has no resources"),
        _("it shows a drawing within the drawing"),
        _("it draws more than {count} lines"),
        _("it shows {count} tables, not one"),
        _("its rows have unequal cells"),
        _("its font does not say which characters it shows"),
        _("a text runs over the edge of its row at {character}"),
        _("a text runs over the edge of its cell at {character}"),
        _("characters lie on one another at {character}"),
        _("pdfplumber stops at it ({cause})"),
    ),
    "missing": (_("{columns} (not known, and there instead: {unknown})"),),
    "what": (
        _("its number of pages ({count})"),
        _("its size (at least {size} bytes)"),
        _("its size ({size} bytes)"),
        _("page {page}, unpacked,"),
        _("its opening"),
        _("page {page}"),
    ),
    "check": (
        _("Customers: an account number is one customer's"),
        _("Customers: the external account number is the ID"),
        _("Customers: an Italian VAT number or tax code of eleven digits has its check digit"),
        _("Orders: a number is one order's"),
        _("Orders: the account is that of a customer"),
        _("Orders: the account's customer has this name"),
        _("Orders: delivery, transfer and completion are not before the order"),
        _("Orders: transfer and completion are on the same day"),
        _("Orders: the gross amount less the discount, if there is one, is the total"),
        _("DDT: a number is one DDT's"),
        _("DDT: the order is there"),
        _("DDT: the order has the same account and customer"),
        _("DDT: the order has the same delivery address, description and customer reference"),
        _("DDT: the order has the same delivery name"),
        _("DDT: the delivery is not before the order"),
        _("Invoices: the balance less the total discount, and the VAT, are the invoice's amount"),
        _("Invoices: the VAT is 22 %, 4 % or 0 % of the balance less the total discount"),
        _("Invoices: the amount less what is settled remains"),
        _("Invoices: a closed one was settled on that day, and leaves no amount and no days"),
        _("Invoices: what has a payment has a settled amount"),
        _("Invoices: due date and settlement are not before the invoice"),
        _("Invoices: the order is there"),
        _("Invoices: the order has the same account, description and customer reference"),
        _("Invoices: the account is that of a customer"),
        _("Invoices: the account's customer has this name"),
        _("Invoices: the invoice is not before the order"),
        _("Products: the article's name is figure, shank and size"),
        _("Prices: the product is there"),
        _("Prices: the product has this name or description"),
        _("Prices: validity and quantity end after they begin"),
    ),
    "files": (_("the database"), _("exports"), _("temporary files")),
    "place": (_("the database server"),),
    "limit": (_("{count} bytes"), _("{count} MB of memory"), _("{count} s of processor time")),
    "expected": (_("{expected} or {name}"),),
    "kind": (
        _("a key"),
        _("a text of at most {count} characters, all of them Unicode"),
        _("a number"),
        _("a whole number"),
        _("a whole number up to {largest}"),
        _("an amount in euro"),
        _("a percentage"),
        _("{kind} of at most {places} decimals and {digits} digits"),
        _("a date (dd/mm/yyyy)"),
        _("a date that exists (dd/mm/yyyy)"),
        _("a date and time (dd/mm/yyyy hh:mm:ss)"),
        _("a date and time that exist (dd/mm/yyyy hh:mm:ss)"),
        _("a yes or no (Si, No, Checked, Unchecked)"),
    ),
}

PRIVATE_ERRORS = [
    template for template in ERRORS if PRIVATE_FACTS.keys() & {name for _, name, *_ in Formatter().parse(template)}
]
