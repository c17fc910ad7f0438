"""`manage.py demo_erp`: the demo ERP on the command line."""

import re
import signal
import subprocess
import sys
from urllib.request import urlopen

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from demo.erp.lists import LISTS


def test_all_exports_can_be_written_into_a_folder(tmp_path, capsys):
    call_command("demo_erp", write=tmp_path / "exports", scale=0.01)
    lines = capsys.readouterr().out.splitlines()
    assert {path.name for path in (tmp_path / "exports").iterdir()} == {each.file_names[0] for each in LISTS}
    assert len(lines) == len(LISTS)
    assert lines[0].endswith("Clienti.pdf: 8 pages, 14 records")


def test_a_state_file_of_another_demo_is_refused(tmp_path):
    state = tmp_path / "state.jsonl"
    call_command("demo_erp", write=tmp_path, scale=0.01, seed=1, state=state)
    with pytest.raises(CommandError, match=r"seed 1, scale 0\.01"):
        call_command("demo_erp", write=tmp_path, scale=0.01, seed=2, state=state)


@pytest.mark.usefixtures("real_processes")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_it_serves_until_it_is_told_to_stop(name):
    command = [sys.executable, "manage.py", "demo_erp", "--port", "0", "--scale", "0.01", "--life", "0.05"]
    process = subprocess.Popen(
        command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        said = process.stdout.readline()
        [url] = re.findall(r"http://127\.0\.0\.1:\d+/", said)
        assert "user agente, password dimostrazione" in said
        with urlopen(url) as page:
            assert "Archibald" in page.read().decode()
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out, err) == (0, "The demo ERP has stopped.\n", "")
