"""Settings of the whole project, by subject. Every value that differs between machines is an environment variable.

A `.env` file beside manage.py is read first (ENV_FILE names another). A value that does not parse stops the process
with the variable's name.
"""

import logging
import os
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import quote, urlsplit

import django
from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from environs import Env, validate

from sync.disk import make_durable
from sync.erp_hours import EXAMPLE as HOURS_EXAMPLE
from sync.erp_hours import parse_hours
from sync.private_files import UMASK, make_private, read_private_file

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
ENV_FILE = Path(env.str("ENV_FILE", "") or BASE_DIR / ".env")
env.read_env(str(ENV_FILE), recurse=False)

# Where things live: the SQLite database, kept exports, the generated key. All of it is this user's alone, whatever the
# process was started with.
os.umask(UMASK)
DATA_DIR = BASE_DIR / (env.str("DATA_DIR", "") or "var")
try:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"DATA_DIR cannot be made: {error}") from None
EXPORT_DIR = DATA_DIR / (env.str("EXPORT_DIR", "") or "exports")
PAGE_TABLES_DIR = DATA_DIR / "page-tables"  # what was read of each list's last export

# Database: SQLite unless DATABASE_URL says otherwise.
DATABASES = {"default": env.dj_db_url("DATABASE_URL", f"sqlite:///{quote(str(DATA_DIR / 'archibald.sqlite3'))}")}
ON_SQLITE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
ON_POSTGRESQL = DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql"
if not (ON_SQLITE or ON_POSTGRESQL) or not DATABASES["default"]["NAME"]:
    raise ImproperlyConfigured(
        "DATABASE_URL must be sqlite:///path/to/file or postgresql://user:password@host/database."
    )
if ON_POSTGRESQL:
    DATABASES["default"]["ENGINE"] = "archibald.postgresql"
if ON_SQLITE:
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # a writer waits its turn at BEGIN instead of failing half-way
        "timeout": 20,  # seconds
        # FULL: what was committed is on the disk. With NORMAL a power cut takes the last seconds back.
        "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
    }
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}  # a file: tests start real processes
make_private([DATA_DIR, EXPORT_DIR], database=Path(DATABASES["default"]["NAME"]) if ON_SQLITE else None)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Security
DEBUG = env.bool("DEBUG", False)


def load_secret_key() -> str:
    """The key of a one-machine installation, made at first use and kept beside its database."""
    path = DATA_DIR / "secret-key"
    if not path.exists():
        with NamedTemporaryFile("w", dir=DATA_DIR) as complete, suppress(FileExistsError):  # readable by its owner only
            complete.write(get_random_secret_key())
            complete.flush()
            make_durable(Path(complete.name))  # a power cut must not leave an empty key
            os.link(complete.name, path)  # of processes that start together, the first one's key stays
            make_durable(path)
    return path.read_text()


SECRET_KEY = env.str("SECRET_KEY", "")
if not SECRET_KEY and ON_SQLITE:
    SECRET_KEY = load_secret_key()
if not SECRET_KEY:
    raise ImproperlyConfigured("Set SECRET_KEY: machines that share one DATABASE_URL must share one key.")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", not DEBUG)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 0 if DEBUG else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", False)
# Both bind other sites of the same domain, for months after they are off again: it is the domain's owner who decides.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS_PROXY else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # probes come from inside, without TLS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "login", "drafts", "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# Application
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "sync",  # before django-q2, whose `qcluster` it makes stop gracefully
    "django_q",
    "corsheaders",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "customers",
    "orders",
    "demo",
]
MIDDLEWARE = [
    "archibald.answer_headers.AnswerHeaders",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "archibald.static_files.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "sync.api.error_pages.DatabaseProblemMiddleware",
]
ROOT_URLCONF = "archibald.urls"
WSGI_APPLICATION = "archibald.wsgi.application"
ASGI_APPLICATION = "archibald.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Languages and time: the ERP and its users are Italian.
LANGUAGE_CODE = "it"
LANGUAGES = [("it", "Italiano"), ("en", "English")]
FORMAT_MODULE_PATH = ["archibald.formats"]
LOCALE_PATHS = [BASE_DIR / "archibald" / "locale"]
TIME_ZONE = "Europe/Rome"
USE_TZ = True

# Static files
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "archibald" / "static"]  # what all pages share; the others' stand in their apps
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}


def declare_list(service: str, *, priority: int, every: int, first_at: int) -> dict[str, Any]:
    """A list: who knows it, how urgent it is; how often and how long after the start it is synced, in minutes."""
    return {
        "service": service,
        "priority": priority,
        "every": timedelta(minutes=every),
        "first_at": timedelta(minutes=first_at),
    }


# The lists that are mirrored.
SYNC_TYPES: dict[str, dict[str, Any]] = {
    "orders": declare_list("orders.sync.orders.OrderSync", priority=6, every=10, first_at=0),
    "customers": declare_list("customers.sync.CustomerSync", priority=5, every=30, first_at=5),
    "ddt": declare_list("orders.sync.ddt.DdtSync", priority=4, every=45, first_at=20),
    "invoices": declare_list("orders.sync.invoices.InvoiceSync", priority=3, every=30, first_at=15),
    "prices": declare_list("orders.sync.prices.PriceSync", priority=2, every=30, first_at=10),
    "products": declare_list("orders.sync.products.ProductSync", priority=1, every=90, first_at=30),
}

# What the ERP is asked for while nothing else is wanted of it.
ERP_IDLE_TASKS = ["orders.order_lines.fetch_next_lines"]

# The API. Rates are per user, or per address of who is not signed in; each process counts by itself.
RATE = validate.Regexp(r"[1-9]\d*/(sec|min|hour|day)\Z", error="Must be a number, then /sec, /min, /hour or /day.")
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "sync.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "login": env.str("THROTTLE_LOGIN", "10/min", validate=RATE),
        "anon": env.str("THROTTLE_ANON", "60/min", validate=RATE),
        "user": env.str("THROTTLE_USER", "1200/min", validate=RATE),
    },
    "NUM_PROXIES": 1 if BEHIND_TLS_PROXY else 0,  # of X-Forwarded-For, only what our own proxy says is believed
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_PARSER_CLASSES": ["sync.api.parsing.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["sync.api.filters.FilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "sync.api.pagination.Pagination",
    "DEFAULT_SCHEMA_CLASS": "sync.api.schema.Schema",
    "EXCEPTION_HANDLER": "sync.api.exception_handler.handle_exception",
    "NON_FIELD_ERRORS_KEY": "nonFieldErrors",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # whoever is counted; beyond that some would be forgotten
    }
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "CHECK_REVOKE_TOKEN": True,  # a new password ends every token
    "UPDATE_LAST_LOGIN": True,
}
CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ALLOWED_ORIGINS", [])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "if-none-match", "last-event-id", "prefer"]
CORS_EXPOSE_HEADERS = ["ETag", "Idempotent-Replayed", "Location", "Retry-After"]
SPECTACULAR_SETTINGS = {
    "TITLE": "Archibald sync",
    "DESCRIPTION": "The mirror of the Archibald ERP's lists, their syncs, and the agents' drafts. Errors are"
    " `{success: false, error, code, detail}`: a sentence for people, a word for programs, and the error's facts.",
    "VERSION": version("archibald"),
    "DEFAULT_GENERATOR_CLASS": "sync.api.schema.SchemaGenerator",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PATH_CONVERTER_OVERRIDES": {
        "key": {"type": "integer", "minimum": 1},
        "sync_type": {"type": "string", "enum": list(SYNC_TYPES)},
    },
    "ENUM_NAME_OVERRIDES": {
        "RunStatus": "sync.models.SyncRun.Status",
        "RunMode": "sync.models.SyncRun.Mode",
        "HandOver": "orders.models.Draft.HandOver",
        "RequestedMode": "sync.api.serializers.ORDINARY_MODES",
    },
}

# Syncs: one at a time. SCHEDULE_MINUTE_SECONDS is the one switch that shortens all schedules, as the demo does.
SYNC_LEASE = timedelta(seconds=env.float("SYNC_LEASE_SECONDS", 30))  # what a dead process costs; three heartbeats
WORKER_HANGS_AFTER = timedelta(  # without a sign of life its watchdog starts it anew; its run has lost the lock by then
    seconds=env.float("WORKER_HANGS_AFTER_SECONDS", 1.5 * SYNC_LEASE.total_seconds())
)
SYNC_LONGEST_PAUSE = timedelta(minutes=env.float("SYNC_LONGEST_PAUSE_MINUTES", 30))  # then what waits gets its turn
ORDER_FORM_TIMEOUT = timedelta(minutes=env.float("ORDER_FORM_TIMEOUT_MINUTES", 10))  # of a tab that nobody uses
SCHEDULE_MINUTE = timedelta(seconds=env.float("SCHEDULE_MINUTE_SECONDS", 60))
HOUSEKEEPING_EVERY = timedelta(seconds=env.float("HOUSEKEEPING_SECONDS", 15))  # what happens although no worker lives
DURATIONS = "SYNC_LEASE WORKER_HANGS_AFTER SYNC_LONGEST_PAUSE ORDER_FORM_TIMEOUT SCHEDULE_MINUTE HOUSEKEEPING_EVERY"
for name in DURATIONS.split():
    if globals()[name] <= timedelta(0):
        raise ImproperlyConfigured(f"{name} must be greater than 0.")

# How long history is kept.
KEEP_RUNS = timedelta(days=env.int("KEEP_RUNS_DAYS", 90))  # those that changed nothing
KEEP_CHANGES = timedelta(days=env.int("KEEP_CHANGES_DAYS", 730))  # and the runs that made them
KEEP_EVENTS = timedelta(days=env.int("KEEP_EVENTS_DAYS", 30))
KEEP_EXPORTS = timedelta(days=env.int("KEEP_EXPORTS_DAYS", 30))  # of failed and quarantined runs

# Who is told when a sync type's state changes: addresses, and an address that gets a JSON object.
ALERT_EMAILS: list[str] = env.list("ALERT_EMAILS", [])
ALERT_URL = env.str("ALERT_URL", "")
MAIL_SERVER: dict[str, Any] = env.dj_email_url("EMAIL_URL", "smtp://localhost:25")
MAIL_SERVER["EMAIL_TIMEOUT"] = MAIL_SERVER["EMAIL_TIMEOUT"] or 10  # seconds, for each answer of the mail server
MAIL_OPTIONS = {
    "django.core.mail.backends.filebased.EmailBackend": {"file_path": "EMAIL_FILE_PATH"},
    "sync.monitoring.mail.EmailBackend": {
        "host": "EMAIL_HOST",
        "port": "EMAIL_PORT",
        "username": "EMAIL_HOST_USER",
        "password": "EMAIL_HOST_PASSWORD",
        "use_tls": "EMAIL_USE_TLS",
        "use_ssl": "EMAIL_USE_SSL",
        "timeout": "EMAIL_TIMEOUT",
    },
}
if MAIL_SERVER["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
    MAIL_SERVER["EMAIL_BACKEND"] = "sync.monitoring.mail.EmailBackend"  # whose connections can be cut
if django.VERSION >= (6, 1):
    backend = MAIL_SERVER["EMAIL_BACKEND"]
    options = MAIL_OPTIONS.get(backend, {}).items()  # no other option is taken
    values = {option: MAIL_SERVER[name] for option, name in options if MAIL_SERVER.get(name)}
    MAILERS = {"default": {"BACKEND": backend, "OPTIONS": values}}
    globals().update({name: value for name, value in MAIL_SERVER.items() if not name.startswith("EMAIL_")})
else:
    globals().update(MAIL_SERVER)

# django-q2 delivers at least once and knows no priority: its tasks only wake us. `manage.py check` explains each value.
Q_CLUSTER = {
    "name": "archibald",
    "orm": "default",
    "broker_class": "sync.coordinator.broker.Broker",
    "workers": 1,
    "bulk": 1,
    "queue_limit": 1,
    "timeout": 30 * 60,  # seconds; a drain takes no new run after 5 minutes
    "retry": 2 * 60 * 60,  # seconds
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
    "save_limit": 1000,
    "label": "django-q2",
}

# The ERP: a web front end (ERP_URL), or a folder that somebody drops exports into (ERP_FOLDER).
ERP_URL = env.str("ERP_URL", "")
try:
    if ERP_URL and not (urlsplit(ERP_URL).scheme in ("http", "https") and urlsplit(ERP_URL).hostname):
        raise ValueError("it does not begin with https:// or http://, followed by a host")
    urlsplit(ERP_URL).port  # noqa: B018  # raises ValueError
except ValueError as error:
    raise ImproperlyConfigured(
        f"ERP_URL must be a web address, such as https://erp.example/Archibald: {error}."
    ) from None
ERP_USERNAME = env.str("ERP_USERNAME", "")
ERP_PASSWORD = env.str("ERP_PASSWORD", "")
if password_file := env.str("ERP_PASSWORD_FILE", ""):
    if ERP_PASSWORD:
        raise ImproperlyConfigured("Set ERP_PASSWORD or ERP_PASSWORD_FILE, not both.")
    try:
        ERP_PASSWORD = read_private_file(BASE_DIR / password_file).rstrip("\r\n")
    except UnicodeDecodeError:  # whose text holds a part of the password
        raise ImproperlyConfigured(f"ERP_PASSWORD_FILE ({password_file}) is not a text in UTF-8.") from None
    except OSError as error:
        raise ImproperlyConfigured(f"ERP_PASSWORD_FILE ({password_file}) cannot be used: {error}") from None
    if not ERP_PASSWORD:
        raise ImproperlyConfigured(f"ERP_PASSWORD_FILE ({password_file}) is empty.")
ERP_FOLDER = Path(folder) if (folder := env.str("ERP_FOLDER", "")) else None
if ERP_URL and ERP_FOLDER:
    raise ImproperlyConfigured("Set ERP_URL or ERP_FOLDER, not both: lists can have only one source.")

# How the web front end is used: with a browser (Playwright and Chromium), or by plain HTTP requests, as the demo does.
ERP_CLIENT = env.str("ERP_CLIENT", "browser", validate=validate.OneOf(["browser", "http"]))
ERP_BROWSER = env.str("ERP_BROWSER", "")  # Chromium's path; else it is looked for on PATH
ERP_SESSIONS_DIR = DATA_DIR / "erp-sessions"

# What is asked of the web front end in a day. Its operators once blocked a server with 48 to 150 logins a day.
ERP_LOGINS_A_DAY = env.int("ERP_LOGINS_A_DAY", 12, validate=validate.Range(min=1))
ERP_EXPORTS_A_DAY = env.int("ERP_EXPORTS_A_DAY", 250, validate=validate.Range(min=1))
ORDER_LINES_A_DAY = env.int("ORDER_LINES_A_DAY", 0, validate=validate.Range(min=0))  # exports among these; 0: none
try:
    ERP_HOURS = parse_hours(env.str("ERP_HOURS", HOURS_EXAMPLE))  # in Italian time; "always": at any
except ValueError as error:
    raise ImproperlyConfigured(
        f"ERP_HOURS must be hours such as “{HOURS_EXAMPLE}”, several separated by commas, or “always”: {error}."
    ) from None

# What an export may take, login, look and download with it: others came to wait 300 seconds until one was generated.
ERP_EXPORT_TIMEOUT = timedelta(seconds=env.float("ERP_EXPORT_SECONDS", 420))
ERP_SMART_TIMEOUT = timedelta(seconds=env.float("ERP_SMART_SECONDS", 60))  # of a smart sync
for name in ("ERP_EXPORT_TIMEOUT", "ERP_SMART_TIMEOUT"):
    if globals()[name] <= timedelta(0):
        raise ImproperlyConfigured(f"{name} must be greater than 0.")

# Which of the ERP's price groups counts, as ACCOUNT: of its prices names it (002); unset, the only one that is valid.
PRICE_GROUP = env.str("PRICE_GROUP", "").strip()


# The company's terms on an order; not set, there are none. Amounts are in euro, without VAT.
def read_decimal(name: str, *, most: int | None = None) -> Decimal | None:
    """None if the variable is not set, or empty."""
    return env.decimal(name, validate=validate.Range(min=0, max=most)) if env.str(name, "") else None


APPROVAL_ABOVE_PERCENT = read_decimal("APPROVAL_ABOVE_PERCENT", most=100)
SHIPPING_BELOW = read_decimal("SHIPPING_BELOW")
SHIPPING_AMOUNT = read_decimal("SHIPPING_AMOUNT")
SHIPPING_VAT_PERCENT = read_decimal("SHIPPING_VAT_PERCENT", most=100)
if len({value is None for value in (SHIPPING_BELOW, SHIPPING_AMOUNT, SHIPPING_VAT_PERCENT)}) > 1:
    raise ImproperlyConfigured(
        "Set SHIPPING_BELOW, SHIPPING_AMOUNT and SHIPPING_VAT_PERCENT together, or none of them."
    )

# Limits on an export: 100 times the largest real list still fits.
POSITIVE = validate.Range(min=0, min_inclusive=False)
EXPORT_MAX_BYTES = env.int("EXPORT_MAX_BYTES", 1024**3, validate=POSITIVE)
EXPORT_MAX_PAGES = env.int("EXPORT_MAX_PAGES", 200_000, validate=POSITIVE)
EXPORT_MAX_PAGE_BYTES = env.int(
    "EXPORT_MAX_PAGE_BYTES", 16 * 1024**2, validate=POSITIVE
)  # unpacked; a real page is about 75 kB
# What the process that reads one may take, beside what the file's size deserves: memory, and the processor's seconds
# for opening it, for each page, and in all.
EXPORT_MAX_MEMORY_BYTES = env.int("EXPORT_MAX_MEMORY_BYTES", 350 * 1024**2, validate=POSITIVE)
EXPORT_MAX_SECONDS = env.float("EXPORT_MAX_SECONDS", 10, validate=POSITIVE)

# Limits of the web server. Behind a proxy with TLS all connections come from its address, and none is counted by it.
MAX_CONNECTIONS = env.int("MAX_CONNECTIONS", 2000)  # of a process; fewer if it may not open enough files
MAX_CONNECTIONS_PER_ADDRESS = env.int("MAX_CONNECTIONS_PER_ADDRESS", 200)  # an office of agents may have one address
MAX_STREAMS_PER_USER = env.int("MAX_STREAMS_PER_USER", 20)  # of events; each tab that is seen has one
for name in ("MAX_CONNECTIONS", "MAX_CONNECTIONS_PER_ADDRESS", "MAX_STREAMS_PER_USER"):
    if globals()[name] < 1:
        raise ImproperlyConfigured(f"{name} must be at least 1.")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "archibald.logs.ConsoleHandler", "formatter": "line"}},
    "loggers": {"django": {"handlers": [], "propagate": True}},  # its own would print everything once more
    "root": {"handlers": ["console"], "level": env.log_level("LOG_LEVEL", logging.WARNING)},
}
