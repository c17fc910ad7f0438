import subprocess
import sys

from tests.factories import UserFactory

RENAME = """
import django; django.setup()
from django.contrib.auth.models import User
User.objects.update(username="b")
"""


def test_a_process_works_on_the_tests_own_database(process_environment):
    user = UserFactory(username="a")
    subprocess.run([sys.executable, "-c", RENAME], env=process_environment, check=True, timeout=60)
    user.refresh_from_db()

    assert user.username == "b"
