"""Where each door stands."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from sync.api import errors
from sync.api.tokens import BlacklistView, ObtainView, RefreshView, throttled
from sync.api.views import ReadinessView, healthz

admin.site.site_header = admin.site.site_title = "Archibald sync"

handler400 = errors.bad_request
handler500 = errors.server_error

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/login/", throttled(admin.site.login)),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", ReadinessView.as_view()),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema")),
    path("api/token", ObtainView.as_view()),
    path("api/token/refresh", RefreshView.as_view()),
    path("api/token/blacklist", BlacklistView.as_view()),
    path("api/sync/", include("sync.api.urls")),
    path("api/", include("customers.urls")),
    path("api/", include("orders.urls")),
    re_path(r"^api(?:/|\Z)", errors.not_found),
]
