"""What the service keeps is its own user's alone, whatever the umask it was started with."""

import os
import stat
from pathlib import Path

import pytest

from sync.checks import check_private_files
from sync.private_files import make_private
from tests.project.test_settings import Project, told


@pytest.fixture
def project(tmp_path, real_processes):
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    data_dir.chmod(0o755)
    return Project(data_dir)


def modes(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): mode(path) for path in [folder, *folder.rglob("*")]}


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):o}"


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_database_exports_and_key_are_their_owner_s_alone(project, tmp_path, umask):
    (tmp_path / "Clienti.pdf").write_bytes(b"%PDF-1.7 cut")
    assert project.manage("migrate", umask=umask).returncode == 0
    run = project.manage("runsync", "customers", "--file", str(tmp_path / "Clienti.pdf"), umask=umask)
    assert (run.returncode, "Run" in run.stderr or "export" in run.stderr) == (1, True)
    kept = modes(project.data_dir)
    assert {".", "archibald.sqlite3", "exports", "secret-key"} < set(kept)
    assert any(name.startswith("exports/customers-") for name in kept)
    assert kept == {name: "700" if (project.data_dir / name).is_dir() else "600" for name in kept}


WITH_THE_DATABASE_OPEN = """
import django; django.setup()
from django.db import connection
from django.contrib.auth.models import User
User.objects.create(username="a")
import json, os
print(json.dumps({name: oct(os.stat(name).st_mode)[-3:] for name in os.listdir()}))
"""


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_what_sqlite_has_beside_its_database_is_private_too(project, umask):
    project.manage("migrate", umask=umask)
    found = told(project.start("-c", WITH_THE_DATABASE_OPEN, variables={}, umask=umask))
    assert (found["archibald.sqlite3-wal"], found["archibald.sqlite3-shm"]) == ("600", "600")


def test_what_an_older_version_left_open_is_closed_at_the_next_start(project, tmp_path):
    database = tmp_path / "elsewhere" / "database"
    names = ("archibald.sqlite3", "archibald.sqlite3-wal", "worker.log", "env", "secret-key", "exports/a.pdf")
    files = [project.data_dir / name for name in names] + [database]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.parent.chmod(0o755)
        file.touch()
        file.chmod(0o644)
    exports = tmp_path / "inbox"
    exports.mkdir()
    (exports / "Clienti.pdf").touch()
    for path in (exports, exports / "Clienti.pdf"):
        path.chmod(0o777)
    project.tell("settings.DEBUG", DATABASE_URL=f"sqlite:///{database}", ERP_FOLDER=str(exports), SECRET_KEY="k")
    assert {file.name: mode(file) for file in files} == dict.fromkeys((file.name for file in files), "600")
    assert (mode(project.data_dir), mode(project.data_dir / "exports")) == ("700", "700")
    assert modes(exports) == {".": "777", "Clienti.pdf": "777"}, "the ERP's folder is not ours"
    assert mode(database.parent) == "755", "nor is a folder that a database was put into"


def test_what_cannot_be_changed_stops_nothing_and_is_named_by_a_check(tmp_path, settings, monkeypatch):
    def chmod(path, mode):
        raise PermissionError

    tmp_path.chmod(0o755)
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(Path, "chmod", chmod)
    make_private([tmp_path], database=None)
    [warning] = check_private_files()
    assert warning.msg == f"Every user of this machine can read or change {tmp_path}."
    assert warning.hint == f"Its owner should run: chmod 700 {tmp_path}"


@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o602, True), (0o600, False), (0o640, False)])
def test_a_file_of_variables_that_everybody_can_read_is_warned_of(tmp_path, settings, mode, warned):
    settings.ENV_FILE = tmp_path / ".env"
    settings.ENV_FILE.touch()
    settings.ENV_FILE.chmod(mode)
    hints = [warning.hint for warning in check_private_files()]
    assert hints == [f"Its owner should run: chmod 600 {tmp_path / '.env'}"] * warned


def test_a_check_warns_and_nothing_is_refused(project, tmp_path):
    (tmp_path / "variables").write_text("ERP_PASSWORD=secret\n")
    (tmp_path / "variables").chmod(0o644)
    check = project.manage("check", ENV_FILE=str(tmp_path / "variables"))
    assert check.returncode == 0
    assert f"chmod 600 {tmp_path / 'variables'}" in check.stderr
    (tmp_path / "variables").chmod(0o600)
    assert "W001" not in project.manage("check", ENV_FILE=str(tmp_path / "variables")).stderr


def test_no_file_of_variables_and_a_device_are_nothing_to_warn_of(tmp_path, settings):
    for path in (tmp_path / "absent", Path(os.devnull)):
        settings.ENV_FILE = path
        assert check_private_files() == []


def test_a_link_out_of_the_data_directory_is_left_as_it_is(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "shared").touch()
    (tmp_path / "shared").chmod(0o644)
    (tmp_path / "data" / "link").symlink_to(tmp_path / "shared")
    make_private([tmp_path / "data"], database=None)
    assert mode(tmp_path / "shared") == "644"
    assert mode(tmp_path / "data") == "700"
