"""Entry point for ASGI servers."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "archibald.settings")

django_application = get_asgi_application()

from sync.api.request_limits import RequestLimiter  # noqa: E402  # needs the applications

application = RequestLimiter(
    django_application,
    waiting=["/api/customers/smart-sync"],
    sign_ins=["/api/token", "/login", "/admin/login/", "/api/account/password", "/account/password"],
)
