"""Everything that can stop a run, each with what happened, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from sync.messages import Message
from sync.messages import gettext_noop as _


class SyncError(Exception):
    message = _("The sync could not be carried out.")

    retried_after: ClassVar[tuple[int, ...]] = ()  # seconds before each further attempt
    is_never_given_up: ClassVar[bool] = False  # the last of these goes for all that follow

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        self.text = Message(self.message, **facts)
        super().__init__(self.text)


WITH_BACK_OFF = (30, 120, 600)  # seconds

# Asking for something that cannot be


class CannotAccept(SyncError):
    message = _("Run {run} cannot be accepted: {reason}")


class NotMirrored(SyncError):
    message = _("{sync_type} is no longer mirrored: there is nothing to run.")


class CannotRetry(SyncError):
    message = _("Run {run} cannot be tried again: {reason}")


class CannotCancel(SyncError):
    message = _("Run {run} cannot be cancelled: it is {status}.")


class CannotForce(SyncError):
    message = _("Run {run} does not wait for the ERP's hours: it is {status}.")


class SessionNotFound(SyncError):
    message = _("You have no order form with the session {session}.")


class InvalidSchedule(SyncError):
    message = _("The schedule of {sync_type} cannot be changed: {reason}")


class AlertNotDelivered(SyncError):
    message = _("The alert was not delivered: {reason}.")


# What makes a run stop before its end, and is no failure


class Interrupted(SyncError):
    message = _("The run stopped before it was finished.")


class Preempted(Interrupted):
    message = _("The run was interrupted for an order form, and starts again afterwards.")


class HandedBack(Interrupted):
    message = _("The worker was stopped, and returned the run to the queue.")


class RunCancelled(Interrupted):
    message = _("The run was cancelled.")


class LeaseLost(Interrupted):
    message = _("This process lost the lock: another process takes over what it had begun.")


# What only room on a disk helps against


class DiskFull(SyncError):
    message = _("The disk is full: there is no space for {files} in {place}. Free space there.")

    retried_after = WITH_BACK_OFF
    is_never_given_up = True


# What is said of a run whose process does not say it


class ProcessLost(SyncError):
    message = _(
        "The process that carried out the run died or hung {times} times. Read the worker's log, then try the run "
        "again."
    )


# Getting an export from the ERP


class ErpError(SyncError):
    message = _("The ERP did not provide an export.")


class ErpNotConfigured(ErpError):
    message = _("No ERP is configured. Set ERP_URL or ERP_FOLDER, or give an export with --file.")


class RecordsNotExported(ErpError):
    message = _(
        "What one record's page in the ERP exports cannot be fetched here: exports come from a folder, where no file "
        "says which record it is of. Give the file with --file."
    )


class ErpUnavailable(ErpError):
    message = _("The ERP did not provide an export: {reason}. Try again in a minute.")

    retried_after = WITH_BACK_OFF


class ErpAnswerUnexpected(ErpUnavailable):
    message = _(
        "The ERP answered, but not with an export: {reason}. Open the list in the ERP with a browser; if it can be "
        "exported there, check ERP_URL, then tell the maintainer of this software."
    )


class ErpPageChanged(ErpUnavailable):
    message = _(
        "The ERP's page of the list {erp_list} is not as expected (step: {step}): {reason}. Open the list in the ERP "
        "with a browser, with the login of this service; if it works there, tell the maintainer of this software."
    )


class ErpPageSlow(ErpUnavailable):
    message = _(
        "The ERP's page of the list {erp_list} was not ready after {seconds} s (step: {step}). Open the list in the "
        "ERP with a browser; if it is slow there too, try again later."
    )


class ErpLeadsElsewhere(ErpError):
    message = _(
        "The ERP redirects to {address}, which is outside ERP_URL ({url}): nothing was sent there. If that address "
        "belongs to the ERP too, set ERP_URL to {suggested}; otherwise tell whoever runs the ERP."
    )


class ErpFilterChanged(ErpError):
    message = _(
        "While the ERP made the export of the list {erp_list}, somebody with the same login chose another filter "
        "there ({filter}). The export may lack records and was not applied. Try again in a minute; if this comes "
        "again, give this service a login of its own."
    )

    retried_after = WITH_BACK_OFF


class ErpSessionExpired(ErpError):
    message = _(
        "The ERP answered with its login page instead of the list, even after a new login. Open the list in the ERP "
        "with a browser; if that shows it, try again in a minute."
    )

    retried_after = WITH_BACK_OFF


class ErpLoginRejected(ErpError):
    message = _("The ERP does not accept the login of {username}. Check ERP_USERNAME and ERP_PASSWORD.")


class ErpNotAsked(ErpError):
    """Nothing was asked of the ERP, so nothing failed: the run waits until it may be asked again."""

    message = _("The ERP was not asked.")


class ErpClosed(ErpNotAsked):
    message = _("The ERP is not asked outside its hours (ERP_HOURS: {hours}): it is asked again from {until}.")


class ErpLoginsSpent(ErpNotAsked):
    message = _(
        "This service has logged in to the ERP {count} times today, as often as ERP_LOGINS_A_DAY allows: it logs in "
        "again from {until}. Find out why its sessions end so early before you raise the limit."
    )


class ErpExportsSpent(ErpNotAsked):
    message = _(
        "This service has asked the ERP for {count} exports today, as many as ERP_EXPORTS_A_DAY allows: it asks again "
        "from {until}."
    )


class ErpBrowserMissing(ErpError):
    message = _("The ERP cannot be asked, as {missing} is not installed on this machine. Install it: {command}")


class ErpBrowserSandboxMissing(ErpError):
    message = _(
        "The ERP's browser was not started, as Chromium has no usable sandbox on this machine. Install it (apt install "
        "chromium-sandbox), or allow unprivileged user namespaces (sysctl user.max_user_namespaces, and where it "
        "exists kernel.apparmor_restrict_unprivileged_userns)."
    )


class ErpBrowserFolderTooLong(ErpError):
    message = _(
        "The ERP's browser cannot be started, as the path of its temporary folder is too long: {folder}. Set TMPDIR to "
        "a folder whose path has at most {count} bytes."
    )


class ErpCertificateInvalid(ErpError):
    message = _(
        "The ERP's certificate is not valid ({reason}), so nothing was sent. If it has expired or names another host, "
        "tell whoever runs the ERP, or correct ERP_URL; if your own authority issued it, add that authority for the "
        "service's user: certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n erp -i authority.pem"
    )


class ErpFolderNotFound(ErpError):
    message = _("ERP_FOLDER is {folder}, which is not a folder. Create the folder, or set ERP_FOLDER to another one.")


class ExportNotFound(ErpError):
    message = _("There is no export of this list in {folder}: expected a file named {expected}.")


# Reading an export


class ExportError(SyncError):
    message = _("The export cannot be trusted and was not applied.")


class ExportEmpty(ExportError):
    message = _("The export is empty (0 bytes). Export the list again.")

    retried_after = WITH_BACK_OFF


class ExportNotPdf(ExportError):
    message = _("The export is not a PDF: it starts with “{start}”. Export the list as PDF.")


class ExportIsWebPage(ExportNotPdf):
    message = _("The export is a web page, not a PDF: the ERP's session had expired. Log in and export the list again.")


class ExportTruncated(ExportError):
    message = _("The export is cut short: {reason}. Export the list again.")

    retried_after = WITH_BACK_OFF


class ExportDamaged(ExportError):
    message = _("The export is damaged: {reason}. Export the list again.")


class ExportEncrypted(ExportError):
    message = _("The export is encrypted. Export the list again without a password.")


class ExportTooLarge(ExportError):
    message = _(
        "The export is larger than is safe to read: {what} is over the limit of {limit}. If it is genuine, raise "
        "{setting}."
    )


class ExportTooCostly(ExportError):
    message = _(
        "Reading the export takes more than is allowed for a file of its size: {what} takes more than {limit}. Export "
        "the list again; if it is genuine, raise {setting}."
    )


class ExportReaderKilled(ExportError):
    message = _(
        "Something outside this service ended the process that reads the export ({signal}), at {what}. Check that the "
        "machine has enough free memory, then try again."
    )

    retried_after = WITH_BACK_OFF


class PageUnreadable(ExportError):
    message = _(
        "Page {page} holds no table that can be read: {reason}. Export the list again from the ERP; do not print it, "
        "or save it with another program."
    )


class LayoutChanged(ExportError):
    message = _(
        "The export lacks required columns: {missing}. Show them again in the ERP's list, in Italian, then export it."
    )


class RepeatedColumn(LayoutChanged):
    message = _(
        "The export has the column {header} {found} times instead of once. Hide the extra column in the ERP's list, "
        "then export again."
    )


class WrongList(ExportError):
    message = _("This is an export of {found}, not of {expected}. Nothing was applied.")


class BandIncomplete(ExportError):
    message = _(
        "A page is missing: the records that start on page {first_page} have no page with {missing}. Export the list "
        "again."
    )


class UnequalRows(ExportError):
    message = _(
        "Page {page} has {found} rows, the first page of the same records (page {first_page}) has {expected}. Export "
        "the list again."
    )


class UnequalRowHeights(ExportError):
    message = _(
        "Page {page} does not show the same records as page {first_page}: its row {row} has a different height. "
        "Export the list again."
    )


class MissingKey(ExportError):
    message = _("Page {page}, row {row} has no {header}, although it shows a record: {shown}. Export the list again.")


class DuplicateKey(ExportError):
    message = _(
        "{header} {key} appears twice in the export, the second time on page {page}, row {row}. Export the list again."
    )


class UnreadableValue(ExportError):
    message = _(
        "Page {page}, row {row}, column {header}: {text!r} is not {kind}. Correct it in the ERP, or hide this column "
        "in the ERP's list, then export again. The record: {record}."
    )


class UnreadableRequiredValue(UnreadableValue):
    message = _(
        "Page {page}, row {row}, column {header}: {text!r} is not {kind}. Correct it in the ERP, then export again. "
        "The record: {record}."
    )


class UnreadableTotal(ExportError):
    message = _("The {function} of {column} in the export's footer, {text!r}, is not {kind}. Export the list again.")


class ControlTotalMismatch(ExportError):
    message = _(
        "The {function} of {column} is {found} in the export's records, but {stated} in its footer: the export was "
        "not applied. Export the list again."
    )

    retried_after = (0,)  # a record may have been saved while the ERP wrote the export

    def __init__(self, *, totals: Sequence[Any] = (), **facts: Any) -> None:
        self.totals = totals  # all that were compared, those that agree too
        super().__init__(**facts)


class LinesDisagree(ExportError):
    message = _(
        "The lines of order {order} come to {found}, but its gross amount is {gross} and its total {total}: they were "
        "not kept. They are asked for again once the order has changed."
    )


# Applying records


class ExportOutdated(SyncError):
    message = _(
        "The ERP provided an export of {exported}, which is older than the export of {later} that run {run} applied. "
        "Export the list again, or give this file with --file if it is right."
    )


class NeedsAcceptance(SyncError):
    message = _("The export may be wrong: it is applied only if a person accepts it.")


class ListEmpty(NeedsAcceptance):
    message = _(
        "The export has no records: it may be filtered. Nothing was applied. Check the list's filter in the ERP, or "
        "accept the export if it is right."
    )


class TooManyMissing(NeedsAcceptance):
    message = _(
        "The export lacks {missing} of the {mirrored} mirrored records; up to {allowed} are removed without asking. "
        "It may be filtered: nothing was applied. Check the list's filter in the ERP, or accept the export if it is "
        "right."
    )


class FewerThanSeen(NeedsAcceptance):
    message = _(
        "The export has {read} records, although the ERP's page of the list counted {seen} just before. It may be "
        "filtered: nothing was applied. Check the list's filter in the ERP, or accept the export if it is right."
    )


class TooManyUnmatched(NeedsAcceptance):
    message = _(
        "The list {source} refers to {named} different records of {target}, of which {unmatched} are not found there; "
        "up to {allowed} may be absent without asking. One of the two lists may be filtered: nothing was applied. "
        "Check the filters of both lists in the ERP, or accept the export if it is right."
    )
