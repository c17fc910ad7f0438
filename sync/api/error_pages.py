"""Answers to what fails outside of the API's views: JSON below /api/, a page everywhere else."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework import status

from sync.api.database_problems import DatabaseProblem, find_database_problem
from sync.api.errors import make_error_body

API = "/api/"


class DatabaseProblemMiddleware(MiddlewareMixin):
    """Answers in a sentence when the database keeps a page from being made, or what was sent from being saved."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        problem = find_database_problem(error)
        return make_database_problem_response(request, problem) if problem else None


def make_database_problem_response(request: HttpRequest, problem: DatabaseProblem) -> HttpResponse:
    """JSON below /api/, everywhere else a page that asks the database nothing."""
    if request.path.startswith(API):
        return JsonResponse(make_error_body(problem.text, problem.code, {}), status=problem.status)
    return HttpResponse(render_to_string("unsaved.html", {"text": problem.text}), status=problem.status)


@csrf_exempt
def not_found(request: HttpRequest) -> JsonResponse:
    """Answers for every address below /api/ that is none."""
    text = _("There is nothing at {path}. The documentation is at /api/docs.").format(path=request.path)
    return JsonResponse(make_error_body(text, "not_found", {}), status=status.HTTP_404_NOT_FOUND)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answers to what is no sensible request, such as one to another host: JSON below /api/."""
    if not request.path.startswith(API):
        return defaults.bad_request(request, exception)
    text = _("The request is not valid. Check its address, host and headers.")
    return JsonResponse(make_error_body(text, "bad_request", {}), status=status.HTTP_400_BAD_REQUEST)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answers to a bug: JSON below /api/, the page everywhere else. What a middleware could not save comes here too."""
    if problem := find_database_problem(sys.exc_info()[1]):
        return make_database_problem_response(request, problem)
    if not request.path.startswith(API):
        return defaults.server_error(request)
    text = _("Something went wrong, and was logged. Try again; if it happens again, tell an administrator.")
    return JsonResponse(make_error_body(text, "server_error", {}), status=status.HTTP_500_INTERNAL_SERVER_ERROR)
