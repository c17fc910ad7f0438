"""Errors of the scripts of our pages, as pages report them: one line of the log for each."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from sync.api.base import StrictSerializer
from sync.api.fields import StrictCharField

logger = logging.getLogger(__name__)

LONGEST = 300  # characters, as the script has it
LARGEST = 8 * 1024  # bytes of a report; its texts may have four for a character
QUOTATION = re.compile(r"""(["“`]).*?(["”`]|\Z)""", re.DOTALL)  # of a value that could not be read, it may be a name
LONG_NUMBER = re.compile(r"\d{5,}")  # of a customer, a telephone
BROWSERS = {  # what a user agent calls them; some name others too, the first one here is meant
    "Edg": "Edge",
    "OPR": "Opera",
    "FxiOS": "Firefox",
    "Firefox": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Version": "Safari",
}


class TooLarge(APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class PageErrorThrottle(UserRateThrottle):
    """A page that fails all the time fills no log."""

    scope = "page_error"
    rate = "10/min"


class PageErrorSerializer(StrictSerializer):
    """What failed, in which script, on which page."""

    message = StrictCharField(max_length=LONGEST)
    place = StrictCharField(max_length=LONGEST, allow_blank=True)
    page = StrictCharField(max_length=LONGEST)


class PageErrorsView(APIView):
    authentication_classes = (SessionAuthentication,)
    throttle_classes = (PageErrorThrottle,)

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        """Note in the log that a script of one of our pages failed. Texts are quoted: none makes a line of its own."""
        if len(request.body) > LARGEST:
            raise TooLarge(_("The request's body is larger than {bytes} bytes.").format(bytes=LARGEST))
        serializer = PageErrorSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        error = serializer.validated_data
        logger.warning(
            "A page's script failed: page %r, message %r, place %r, browser %r",
            strip_query(error["page"]),
            LONG_NUMBER.sub("…", QUOTATION.sub(r"\1…\2", error["message"])),  # without what it quotes of a page's data
            strip_query(error["place"]),
            name_browser(request.headers.get("User-Agent", "")),
        )
        return Response(status=HTTPStatus.NO_CONTENT)


def strip_query(address: str) -> str:
    """An address without what was searched for."""
    return re.sub(r"[?#][^:]*", "", address)


def name_browser(user_agent: str) -> str:
    """A browser's name and version, which tell nobody from others."""
    for called, name in BROWSERS.items():
        if found := re.search(rf"{called}/(\d{{1,4}}(\.\d{{1,4}})?)", user_agent, re.ASCII):
            return f"{name} {found[1]}"
    return "unknown"
