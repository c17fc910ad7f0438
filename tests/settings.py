"""The project's settings in tests: DATABASE_URL is the machine's choice, all the rest is the same on every machine."""

import atexit
import os
import re
import tempfile
from pathlib import Path

from demo.environment import ERP_SETTINGS

PROJECT = Path(__file__).resolve().parent.parent

# What .env.example explains is each machine's own affair. Processes that a test starts inherit what is set here.
for name in re.findall(r"^#(\w+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE):
    if name != "DATABASE_URL":
        os.environ.pop(name, None)
data_dir = tempfile.TemporaryDirectory(prefix="archibald-tests-")
atexit.register(data_dir.cleanup)
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "archibald.settings",
    "ENV_FILE": os.devnull,
    "DATA_DIR": data_dir.name,
    "SECRET_KEY": "known to everybody, for tests only",
    "SECURE_SSL_REDIRECT": "False",  # the test client speaks plain HTTP
    **ERP_SETTINGS,
}

from archibald.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast
