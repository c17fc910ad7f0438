"""Errors as clients see them: `{success: false, error, code, detail}` with the right status."""

from __future__ import annotations

import logging
import math
import sqlite3
import sys
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from sync import disk
from sync.camel_case import convert_names
from sync.exceptions import InvalidSchedule, SessionNotFound, SyncError
from sync.serializers import Serializer
from sync.translations import translate

logger = logging.getLogger(__name__)

API = "/api/"
STATUS_OF = {SessionNotFound: status.HTTP_404_NOT_FOUND, InvalidSchedule: status.HTTP_400_BAD_REQUEST}


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Wrong values",
            {
                "success": False,
                "error": "Not accepted: priority.",
                "code": "invalid",
                "detail": {"priority": ["Ensure this value is less than or equal to 99."]},
            },
        )
    ]
)
class ErrorAnswerSerializer(Serializer):
    """Why a request was not carried out, and what to do."""

    success = serializers.BooleanField(default=False, help_text="Always false.")
    error = serializers.CharField(help_text="A sentence for a person.")
    code = serializers.CharField(help_text="A word for a program.")
    detail = serializers.DictField(help_text="What the error is made of; of wrong values, the texts for each field.")


class Conflict(exceptions.APIException):
    """What was asked for does not fit how things stand."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"

    def __init__(self, text: str, *, code: str = "conflict", **facts: Any) -> None:
        super().__init__(text, code)
        self.facts = facts


class TooManyRequests(exceptions.Throttled):
    """More of something than is allowed: what was counted, and in how many seconds to come again."""

    def __init__(self, text: str, seconds: int, code: str | None = None) -> None:
        if seconds >= 120:
            again = _("Wait {minutes} minutes, then try again.").format(minutes=math.ceil(seconds / 60))
        else:
            again = ngettext(
                "Wait {seconds} second, then try again.", "Wait {seconds} seconds, then try again.", seconds
            ).format(seconds=seconds)
        super().__init__(detail=f"{text} {again}", code=code)
        self.wait = seconds


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an error that was expected; None for a bug, which Django reports."""
    if problem := find_database_problem(error):
        return Response(error_body(problem.text, problem.code, {}), status=problem.status)
    if isinstance(error, SuspiciousOperation):
        error = exceptions.ParseError(str(error))
    if isinstance(error, exceptions.Throttled) and not isinstance(error, TooManyRequests):
        seconds: int | None = getattr(error, "wait", None)  # not in the stubs; None when a limit has just changed
        error = TooManyRequests(_("Too many requests in a short time."), seconds or 1)
    if isinstance(error, SyncError):
        return Response(sync_error_body(error), status=STATUS_OF.get(type(error), status.HTTP_409_CONFLICT))
    answer = exception_handler(error, context)
    if answer is not None:
        answer.data = describe_exception(error, answer)
    return answer


def sync_error_body(error: SyncError) -> dict[str, Any]:
    facts = {name: fact if isinstance(fact, int) else str(fact) for name, fact in error.facts.items()}
    return error_body(translate(error.text), type(error).__name__, convert_names(facts))


def describe_exception(error: Exception, answer: Response) -> dict[str, Any]:
    match error:
        case exceptions.ValidationError():
            detail = answer.data if isinstance(answer.data, dict) else {api_settings.NON_FIELD_ERRORS_KEY: answer.data}
            text = _("Not accepted: {fields}.").format(fields=", ".join(map(str, detail)))
            return error_body(text, "invalid", detail)
        case Conflict():
            return error_body(str(error.detail), str(error.get_codes()), error.facts)
        case exceptions.Throttled():
            return error_body(str(error.detail), str(error.get_codes()), {"retryAfter": int(answer["Retry-After"])})
        case exceptions.APIException(detail=dict() as facts):  # simplejwt puts its sentence among others
            return error_body(str(facts.get("detail", "")), str(facts.get("code", "error")), {})
        case exceptions.APIException():
            return error_body(str(error.detail), str(error.get_codes()), {})
        case Http404():
            return error_body(str(exceptions.NotFound().detail), "not_found", {})
        case PermissionDenied():
            return error_body(str(exceptions.PermissionDenied().detail), "permission_denied", {})
    raise error


def error_body(text: str, code: str, detail: Any) -> dict[str, Any]:
    return {"success": False, "error": text, "code": code, "detail": detail}


# What the database cannot do

# SQLSTATEs of PostgreSQL: the connection is lost, the server stops or has no more connections, a statement took too
# long, a transaction lay idle. An error of the client has none.
NO_ANSWER = ("08", "57", "53300", "25P03")


@dataclass(frozen=True)
class DatabaseProblem:
    """Why nothing can be saved at the moment, whatever is asked for."""

    status: HTTPStatus
    code: str
    text: str


def find_database_problem(error: BaseException | None) -> DatabaseProblem | None:
    """What an error says of the database; None if it is about something else. It is logged without a traceback."""
    if disk.is_full(error):
        text = _("The disk is full: nothing can be saved until an administrator frees space.")
        problem = DatabaseProblem(HTTPStatus.INSUFFICIENT_STORAGE, "disk_full", text)
    elif disk.is_read_only(error):
        text = _("The database is read-only: nothing can be saved until an administrator makes it writable again.")
        problem = DatabaseProblem(HTTPStatus.SERVICE_UNAVAILABLE, "read_only", text)
    elif is_unavailable(error):
        text = _("The database does not answer: try again in a moment.")
        problem = DatabaseProblem(HTTPStatus.SERVICE_UNAVAILABLE, "database_unavailable", text)
    else:
        return None
    logger.warning("A request could not be carried out: %s", error)
    return problem


def is_unavailable(error: BaseException | None) -> bool:
    """Whether the database is away, or too busy: whoever asks again may well be answered."""
    cause = error.__cause__ if error else None
    if not isinstance(error, (OperationalError, InterfaceError, InternalError)) or cause is None:
        return False
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorname.startswith("SQLITE_BUSY")
    state = getattr(cause, "sqlstate", None)
    return state is None or state.startswith(NO_ANSWER)


class DatabaseProblemMiddleware(MiddlewareMixin):
    """Answers in a sentence when the database keeps a page from being made, or what was sent from being saved."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        problem = find_database_problem(error)
        return database_problem_response(request, problem) if problem else None


def database_problem_response(request: HttpRequest, problem: DatabaseProblem) -> HttpResponse:
    """JSON below /api/, everywhere else a page that asks the database nothing."""
    if request.path.startswith(API):
        return JsonResponse(error_body(problem.text, problem.code, {}), status=problem.status)
    return HttpResponse(render_to_string("unsaved.html", {"text": problem.text}), status=problem.status)


# Outside of the API's views


@csrf_exempt
def not_found(request: HttpRequest) -> JsonResponse:
    """Answers for every address below /api/ that is none."""
    text = _("There is nothing at {path}. The documentation is at /api/docs.").format(path=request.path)
    return JsonResponse(error_body(text, "not_found", {}), status=status.HTTP_404_NOT_FOUND)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answers to what is no sensible request, such as one to another host: JSON below /api/."""
    if not request.path.startswith(API):
        return defaults.bad_request(request, exception)
    text = _("The request is not valid. Check its address, host and headers.")
    return JsonResponse(error_body(text, "bad_request", {}), status=status.HTTP_400_BAD_REQUEST)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answers to a bug: JSON below /api/, the page everywhere else. What a middleware could not save comes here too."""
    if problem := find_database_problem(sys.exc_info()[1]):
        return database_problem_response(request, problem)
    if not request.path.startswith(API):
        return defaults.server_error(request)
    text = _("Something went wrong, and was logged. Try again; if it happens again, tell an administrator.")
    return JsonResponse(error_body(text, "server_error", {}), status=status.HTTP_500_INTERNAL_SERVER_ERROR)
