"""The addresses of pages, admin and API."""

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.urls import include, path, re_path
from django.utils.module_loading import module_has_submodule
from django.views.decorators.cache import cache_control
from django.views.generic import RedirectView, TemplateView
from django.views.i18n import set_language
from drf_spectacular import views as schema_views

from archibald.texts import PageTexts
from sync.accounts import pages
from sync.admin.permissions import permission_denied
from sync.api import account, error_pages, script_errors, status, tokens
from sync.api.sign_in import throttle_sign_in

admin.site.site_header = admin.site.site_title = "Archibald sync"

handler400 = error_pages.bad_request
handler403 = permission_denied
handler500 = error_pages.server_error

password_changed = login_required(TemplateView.as_view(template_name="account/password_changed.html"))
apps_with_lists = {declared["service"].partition(".")[0] for declared in settings.SYNC_TYPES.values()}
asked_for_anew = cache_control(no_cache=True)  # kept by browsers: nothing in it is anybody's

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="drafts")),
    path("login", throttle_sign_in(auth_views.LoginView.as_view(redirect_authenticated_user=True)), name="login"),
    path("logout", auth_views.LogoutView.as_view(), name="logout"),
    path("account/password", pages.PasswordView.as_view(), name="password"),
    path("account/password/changed", password_changed, name="password_changed"),
    path("language", set_language, name="set_language"),
    path("texts.js", cache_control(private=True, max_age=60)(PageTexts.as_view()), name="texts"),
    path("offline", asked_for_anew(TemplateView.as_view(template_name="offline.html")), name="offline"),
    path(
        "sw.js",
        asked_for_anew(TemplateView.as_view(template_name="sw.js", content_type="text/javascript")),
        name="service_worker",
    ),
    path("", include("orders.page_urls")),
    path("admin/login/", throttle_sign_in(admin.site.login)),
    path("admin/password_change/", RedirectView.as_view(pattern_name="password")),
    path("admin/", include("sync.admin.urls")),
    path("admin/", admin.site.urls),
    path("healthz", status.healthz),
    path("readyz", status.ReadinessView.as_view()),
    path("api/schema", schema_views.SpectacularAPIView.as_view(), name="schema"),
    path(
        "api/docs", schema_views.SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="api_docs.html")
    ),
    path("api/token", tokens.ObtainView.as_view()),
    path("api/token/refresh", tokens.RefreshView.as_view()),
    path("api/token/blacklist", tokens.BlacklistView.as_view()),
    path("api/account/password", account.PasswordView.as_view()),
    path("api/page-errors", script_errors.PageErrorsView.as_view(), name="page_errors"),
    path("api/sync/", include("sync.api.urls")),
    *(
        path("api/", include(f"{app.name}.urls"))
        for app in apps.get_app_configs()
        if app.name in apps_with_lists and module_has_submodule(app.module, "urls")  # a system check misses it
    ),
    re_path(r"^api(?:/|\Z)", error_pages.not_found),
]
