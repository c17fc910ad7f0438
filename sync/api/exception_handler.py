"""What becomes of an exception in a view of the API."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions, status, views
from rest_framework.response import Response
from rest_framework.settings import api_settings

from sync.api.database_problems import find_database_problem
from sync.api.errors import Conflict, TooManyRequests, make_error_body
from sync.camel_case import convert_names
from sync.exceptions import InvalidSchedule, SessionNotFound, SyncError
from sync.translations import translate

STATUS_OF = {SessionNotFound: status.HTTP_404_NOT_FOUND, InvalidSchedule: status.HTTP_400_BAD_REQUEST}


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an error that was expected; None for a bug, which Django reports."""
    if problem := find_database_problem(error):
        return Response(make_error_body(problem.text, problem.code, {}), status=problem.status)
    if isinstance(error, SuspiciousOperation):
        error = exceptions.ParseError(str(error))
    if isinstance(error, exceptions.Throttled) and not isinstance(error, TooManyRequests):
        seconds: int | None = getattr(error, "wait", None)  # not in the stubs; None when a limit has just changed
        error = TooManyRequests(_("Too many requests in a short time."), seconds or 1)
    if isinstance(error, SyncError):
        facts = {name: fact if isinstance(fact, int) else str(fact) for name, fact in error.facts.items()}
        body = make_error_body(translate(error.text), type(error).__name__, convert_names(facts))
        return Response(body, status=STATUS_OF.get(type(error), status.HTTP_409_CONFLICT))
    answer = views.exception_handler(error, context)
    if answer is not None:
        answer.data = describe_exception(error, answer)
    return answer


def describe_exception(error: Exception, answer: Response) -> dict[str, Any]:
    match error:
        case exceptions.ValidationError():
            detail = answer.data if isinstance(answer.data, dict) else {api_settings.NON_FIELD_ERRORS_KEY: answer.data}
            text = _("Not accepted: {fields}.").format(fields=", ".join(map(str, detail)))
            return make_error_body(text, "invalid", detail)
        case Conflict():
            return make_error_body(str(error.detail), str(error.get_codes()), error.facts)
        case exceptions.Throttled():
            facts = {"retryAfter": int(answer["Retry-After"])}
            return make_error_body(str(error.detail), str(error.get_codes()), facts)
        case exceptions.APIException(detail=dict() as facts):  # simplejwt puts its sentence among others
            return make_error_body(str(facts.get("detail", "")), str(facts.get("code", "error")), {})
        case exceptions.APIException():
            return make_error_body(str(error.detail), str(error.get_codes()), {})
        case Http404():
            return make_error_body(str(exceptions.NotFound().detail), "not_found", {})
        case PermissionDenied():
            return make_error_body(str(exceptions.PermissionDenied().detail), "permission_denied", {})
    raise error
