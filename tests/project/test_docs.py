"""What the documents say of the code is what the code says."""

from io import StringIO

from django.conf import settings
from django.core.management import call_command


def test_the_tables_of_columns_are_those_of_the_declarations():
    printed = StringIO()
    call_command("exportcolumns", stdout=printed)
    text = (settings.BASE_DIR / "docs" / "exports.md").read_text()
    assert text.partition("prints.\n\n")[2].strip() == printed.getvalue().strip()
