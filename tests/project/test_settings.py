"""Settings, as real processes with real environments see them."""

import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.on_disk import pages_not_on_disk

SYNCHRONOUS_FULL = 2  # as SQLite counts: each commit is on the disk before it is told


class Project:
    """The project on a machine that has nothing but a data directory and the given variables."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def start(self, *arguments: str, variables: Mapping[str, str], umask: int = -1) -> subprocess.Popen[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(settings.BASE_DIR),
            "DJANGO_SETTINGS_MODULE": "archibald.settings",
            "ENV_FILE": os.devnull,
            "DATA_DIR": str(self.data_dir),
            **variables,
        }
        command = [sys.executable, *arguments]
        return subprocess.Popen(
            command,
            env=environment,
            cwd=self.data_dir,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            umask=umask,
        )

    def manage(self, *arguments: str, umask: int = -1, **variables: str) -> subprocess.CompletedProcess[str]:
        process = self.start(str(settings.BASE_DIR / "manage.py"), *arguments, variables=variables, umask=umask)
        output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def tell(self, expression: str, **variables: str) -> Any:
        """What an expression over the settings is worth in a process of its own."""
        return told(self.start("-c", telling(expression), variables=variables))


def telling(expression: str) -> str:
    return (
        "import json; from django.conf import settings; from django.db import connection\n"
        f"print(json.dumps({expression}, default=str))"
    )


def told(process: subprocess.Popen[str]) -> Any:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return json.loads(output)


@pytest.fixture
def project(tmp_path: Path, real_processes: None) -> Project:
    return Project(tmp_path)


# A value that cannot be right stops the process


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "maybe"),
        ("SECURE_SSL_REDIRECT", "sometimes"),
        ("SECURE_HSTS_SECONDS", "a year"),
        ("THROTTLE_LOGIN", "10"),
        ("THROTTLE_USER", "0/min"),
        ("EXPORT_MAX_PAGES", "many"),
        ("EXPORT_MAX_BYTES", "-1"),
        ("EXPORT_MAX_SECONDS", "0"),
        ("MAX_CONNECTIONS", "0"),
        ("MAX_STREAMS_PER_USER", "many"),
        ("LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "archibald"),
        ("DATABASE_URL", "postgresql://user@host:port/archibald"),
        ("DATABASE_URL", "postgresql://user@host"),
        ("DATABASE_URL", "mysql://user@host/archibald"),
        ("ERP_URL", "erp.example/Archibald"),
        ("ERP_URL", "ftp://erp.example"),
        ("ERP_URL", "https://erp.example:port"),
        ("ERP_URL", "https://[erp.example"),
    ],
)
def test_a_value_that_does_not_parse_stops_the_process_with_the_variables_name(project, name, value):
    process = project.manage("check", **{"SECRET_KEY": "k", name: value})

    assert process.returncode != 0
    assert name in process.stderr.splitlines()[-1]


def test_machines_that_share_a_database_must_be_given_a_key(project):
    process = project.manage("check", DATABASE_URL="postgresql://host/archibald")

    assert process.returncode != 0
    assert process.stderr.splitlines()[-1].endswith(
        "Set SECRET_KEY: machines that share one DATABASE_URL must share one key."
    )
    assert project.tell("settings.SECRET_KEY", DATABASE_URL="postgresql://host/archibald", SECRET_KEY="k") == "k"


def test_a_list_has_one_source(project):
    process = project.manage("check", ERP_URL="https://erp.example", ERP_FOLDER="exports")

    assert process.returncode != 0
    assert "Set ERP_URL or ERP_FOLDER, not both" in process.stderr.splitlines()[-1]


def test_a_blank_folder_is_no_source(project):
    assert project.tell("settings.ERP_FOLDER", ERP_URL="https://erp.example", ERP_FOLDER="") is None


# The ERP's password from a file


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "erp" / "its password"  # not right in DATA_DIR, where files are closed at each start
    path.parent.mkdir()
    path.write_text("segreto-7\n")
    path.chmod(0o600)
    return path


def test_the_erp_s_password_may_stand_in_a_file(project, password_file):
    assert project.tell("settings.ERP_PASSWORD", ERP_PASSWORD_FILE=str(password_file)) == "segreto-7"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_file_with_the_password_that_others_can_read_stops_the_process(project, password_file, mode):
    password_file.chmod(mode)
    process = project.manage("check", ERP_PASSWORD_FILE=str(password_file))
    assert process.returncode != 0
    assert f"Run: chmod 600 '{password_file}'" in process.stderr.splitlines()[-1]
    assert "segreto" not in process.stdout + process.stderr


def test_two_passwords_stop_the_process(project, password_file):
    process = project.manage("check", ERP_PASSWORD_FILE=str(password_file), ERP_PASSWORD="segreto-8")
    assert process.returncode != 0
    assert process.stderr.splitlines()[-1].endswith("Set ERP_PASSWORD or ERP_PASSWORD_FILE, not both.")
    assert "segreto" not in process.stdout + process.stderr


@pytest.mark.parametrize(
    ("content", "said"), [(b"\n", "is empty"), (b"segreto-\xff\n", "is not a text in UTF-8"), (None, "No such file")]
)
def test_a_file_without_a_password_stops_the_process(project, password_file, content, said):
    password_file.unlink()
    if content is not None:
        password_file.touch(0o600)
        password_file.write_bytes(content)
    process = project.manage("check", ERP_PASSWORD_FILE=str(password_file))
    assert process.returncode != 0
    assert f"ERP_PASSWORD_FILE ({password_file})" in process.stderr.splitlines()[-1]
    assert said in process.stderr.splitlines()[-1]
    assert "segreto" not in process.stdout + process.stderr


# Secure unless told otherwise


def test_a_production_check_finds_nothing_to_warn_of_when_nothing_is_set(project):
    process = project.manage("check", "--deploy", "--fail-level", "WARNING")

    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize(("variables", "secure"), [({}, True), ({"DEBUG": "False"}, True), ({"DEBUG": "True"}, False)])
def test_only_debug_opens_plain_http(project, variables, secure):
    names = ["SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS"]

    assert project.tell(f"[bool(getattr(settings, name)) for name in {names}]", **variables) == [secure] * 4


def test_other_sites_of_the_domain_are_bound_only_if_that_is_asked_for(project):
    names = ["SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD"]
    both = f"[getattr(settings, name) for name in {names}]"

    assert project.tell(both) == [False, False]
    assert project.tell(both, **dict.fromkeys(names, "true")) == [True, True]


REQUEST = (
    "__import__('django').setup() or "
    "__import__('django.test').test.Client(headers={headers}).get('/admin/login/', HTTP_HOST='localhost')"
)


def test_a_plain_request_is_sent_to_https(project):
    response = REQUEST.format(headers={})

    assert project.tell(f"{response}.headers['Location']") == "https://localhost/admin/login/"


@pytest.mark.parametrize(("trusted", "status"), [("True", 200), ("False", 301)])
def test_a_proxys_word_counts_only_when_there_is_a_proxy(project, trusted, status):
    response = REQUEST.format(headers={"X-Forwarded-Proto": "https"})

    assert project.tell(f"{response}.status_code", BEHIND_TLS_PROXY=trusted) == status


# Mail


MAIL = "__import__('django.core.mail').core.mail"
MAILER = f"({MAIL}.mailers['default'] if __import__('django').VERSION >= (6, 1) else {MAIL}.get_connection())"
SMTP = f"(lambda mailer: [type(mailer).__module__, mailer.host, mailer.port, mailer.use_tls, mailer.timeout])({MAILER})"


@pytest.mark.parametrize(
    ("variables", "server"),
    [
        ({}, ["localhost", 25, False, 10]),
        ({"EMAIL_URL": "submission://me:secret@mail.example:588?timeout=3"}, ["mail.example", 588, True, 3]),
    ],
)
def test_a_mail_server_is_used_as_it_is_named_and_has_some_seconds_for_each_answer(project, variables, server):
    assert project.tell(SMTP, **variables) == ["sync.monitoring.mail", *server]


def test_mail_comes_from_whom_the_variable_names(project):
    url = "smtp://mail.example?_default_from_email=sync@example.com"
    assert project.tell("settings.DEFAULT_FROM_EMAIL", EMAIL_URL=url) == "sync@example.com"


def test_mail_can_go_into_a_folder(project, tmp_path):
    assert project.tell(f"{MAILER}.file_path", EMAIL_URL=f"file:///{tmp_path}/mails") == str(tmp_path / "mails")


@pytest.mark.parametrize("scheme", ["console", "memory", "dummy"])
def test_mail_can_go_nowhere(project, scheme):
    assert project.tell(f"type({MAILER}).__name__", EMAIL_URL=f"{scheme}://") == "EmailBackend"


# Where things live


def test_everything_lives_in_the_data_directory(project):
    names = ["DATA_DIR", "EXPORT_DIR", "STATIC_ROOT"]
    places = project.tell(f"[getattr(settings, name) for name in {names}] + [settings.DATABASES['default']['NAME']]")

    assert places == [
        str(project.data_dir / name) if name else str(project.data_dir)
        for name in ("", "exports", "static", "archibald.sqlite3")
    ]


def test_a_data_directory_may_have_any_name(project):
    directory = project.data_dir / "Sincronizzazione #1 (50%25)?"

    assert project.manage("migrate", DATA_DIR=str(directory)).returncode == 0
    assert {path.name for path in directory.iterdir()} >= {"archibald.sqlite3", "secret-key"}


def test_a_relative_data_directory_counts_from_the_project(project):
    directory = os.path.relpath(project.data_dir, settings.BASE_DIR)

    assert Path(project.tell("settings.DATA_DIR", DATA_DIR=directory)).resolve() == project.data_dir.resolve()


# The key of a one-machine installation


def test_the_generated_key_is_its_owners_alone_and_stays(project):
    key = project.tell("settings.SECRET_KEY")

    assert len(key) >= 50
    assert project.tell("settings.SECRET_KEY") == key
    assert stat.S_IMODE((project.data_dir / "secret-key").stat().st_mode) == 0o600


def test_the_generated_key_is_on_the_disk_before_it_has_its_name(project):
    told_in_order = """
import os
sync, link = os.fsync, os.link
os.fsync = lambda file: print("synced", os.path.basename(os.readlink(f"/proc/self/fd/{file}"))) or sync(file)
os.link = lambda old, new: print("named", os.path.basename(new)) or link(old, new)
import django; django.setup()
"""
    output, errors = project.start("-c", told_in_order, variables={}).communicate(timeout=60)
    steps = output.splitlines()

    assert steps.count("named secret-key") == 1, errors
    named = steps.index("named secret-key")
    assert steps[0].startswith("synced tmp"), "the file, by the name that it has until then"
    assert f"synced {project.data_dir.name}" in steps[named:]


def test_processes_that_start_together_agree_on_the_key(project, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("together"))
    together = f"""
import time; from pathlib import Path; from tempfile import mkstemp
from django.core.management import utils; make = utils.get_random_secret_key
def make_when_all_have_none():
    mkstemp(dir={folder!r})
    while len(list(Path({folder!r}).iterdir())) < 4:
        time.sleep(0.01)
    return make()
utils.get_random_secret_key = make_when_all_have_none
"""
    processes = [project.start("-c", together + telling("settings.SECRET_KEY"), variables={}) for _ in range(4)]
    keys = {told(process) for process in processes}

    assert keys == {project.tell("settings.SECRET_KEY")}
    assert {path.name for path in project.data_dir.iterdir()} == {"secret-key", "static"}


# SQLite, as several processes need it


def test_sqlite_keeps_a_write_ahead_log_and_waits_its_turn(project):
    names = ["journal_mode", "busy_timeout", "synchronous", "foreign_keys"]
    values = project.tell(f"[connection.cursor().execute('PRAGMA ' + name).fetchone()[0] for name in {names}]")

    assert values == ["wal", 20_000, SYNCHRONOUS_FULL, 1]


# Every process has its connections from these settings. What is not on the disk is asked of the kernel.
COMMIT_AND_BE_CUT_OFF = """
import os, django; django.setup()
from django.contrib.auth.models import User
from django.db import transaction
for number in range(30):
    with transaction.atomic():
        User.objects.create(username=str(number))
os._exit(0)
"""


def test_what_was_committed_on_sqlite_survives_a_power_cut(project):
    assert project.manage("migrate").returncode == 0
    process = project.start("-c", COMMIT_AND_BE_CUT_OFF, variables={})
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors
    assert pages_not_on_disk(project.data_dir / "archibald.sqlite3-wal") in (0, None)


def test_a_sqlite_transaction_holds_the_write_lock_from_its_beginning(project):
    lock_held = f"""
import sqlite3, django; django.setup()
from django.db import transaction
with transaction.atomic():
    try:
        sqlite3.connect({str(project.data_dir / "archibald.sqlite3")!r}, timeout=0).execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        print(error)
"""
    output, errors = project.start("-c", lock_held, variables={}).communicate(timeout=60)

    assert output.strip() == "database is locked", errors


def test_two_processes_that_write_at_once_both_succeed(project):
    project.tell("connection.cursor().execute('CREATE TABLE counter AS SELECT 0 AS value').rowcount")
    count_to_100 = """
import django; django.setup()
from django.db import connection, transaction
for _ in range(100):
    with transaction.atomic(), connection.cursor() as cursor:
        value = cursor.execute("SELECT value FROM counter").fetchone()[0]
        cursor.execute("UPDATE counter SET value = %s", [value + 1])
"""
    processes = [project.start("-c", count_to_100, variables={}) for _ in range(2)]
    errors = [process.communicate(timeout=60)[1] for process in processes]

    assert errors == ["", ""]
    with closing(sqlite3.connect(project.data_dir / "archibald.sqlite3")) as database:
        assert database.execute("SELECT value FROM counter").fetchall() == [(200,)]


# The file of variables


def test_the_environment_wins_over_the_file(project):
    file = project.data_dir / "variables"
    file.write_text("DEBUG=True\nLOG_LEVEL=ERROR\n")
    values = project.tell(
        "[settings.DEBUG, settings.LOGGING['root']['level']]", ENV_FILE=str(file), LOG_LEVEL="CRITICAL"
    )

    assert values == [True, 50]


def example_file() -> str:
    return (settings.BASE_DIR / ".env.example").read_text()


def test_the_example_file_explains_every_variable_that_is_read(project):
    explained = re.findall(r"^#(\w+)=", example_file(), re.MULTILINE)
    read = project.tell("list(__import__('archibald.settings').settings.env.dump())")

    assert sorted(explained) == sorted(read)


def test_what_the_example_file_shows_is_what_holds_when_nothing_is_set(project):
    example = re.sub(r"^#(?=\w+=)(?!DATABASE_URL|ENV_FILE)", "", example_file(), flags=re.MULTILINE)
    file = project.data_dir / "variables"
    file.write_text(example)
    values = "{name: getattr(settings, name) for name in dir(settings) if name.isupper() and name != 'ENV_FILE'}"

    assert project.tell(values, ENV_FILE=str(file)) == project.tell(values)


def test_the_example_of_a_database_is_one(project):
    [example] = re.findall(r"^#DATABASE_URL=(.*)$", example_file(), re.MULTILINE)

    assert project.tell("settings.ON_POSTGRESQL", DATABASE_URL=example, SECRET_KEY="k") is True


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SHIPPING_BELOW": "200", "SHIPPING_AMOUNT": "15.50"}, "together, or none"),
        ({"SHIPPING_BELOW": "-1"}, "SHIPPING_BELOW"),
        ({"APPROVAL_ABOVE_PERCENT": "101"}, "APPROVAL_ABOVE_PERCENT"),
        ({"APPROVAL_ABOVE_PERCENT": "NaN"}, "APPROVAL_ABOVE_PERCENT"),
        ({"APPROVAL_ABOVE_PERCENT": "a third"}, "APPROVAL_ABOVE_PERCENT"),
    ],
)
def test_terms_that_cannot_be_meant_are_refused_by_name(project, variables, said):
    assert said in project.manage("check", **variables).stderr
