"""Settings choose the client."""

import pytest

from sync.erp import get_erp_client
from sync.erp.folder import FolderClient
from sync.erp.http import HttpClient
from sync.exceptions import ErpNotConfigured


@pytest.fixture(autouse=True)
def no_erp(settings):
    settings.ERP_URL = ""
    settings.ERP_FOLDER = None


def test_an_address_means_the_web_front_end(settings):
    settings.ERP_URL, settings.ERP_USERNAME, settings.ERP_PASSWORD = "https://erp.example/Archibald/", "agente", "x"
    settings.EXPORT_MAX_BYTES = 4711
    client = get_erp_client()
    assert isinstance(client, HttpClient)
    assert (client.url, client.username, client.password) == ("https://erp.example/Archibald", "agente", "x")
    assert client.largest == 4711


def test_a_folder_means_the_folder(settings, tmp_path):
    settings.ERP_FOLDER, settings.EXPORT_MAX_BYTES = tmp_path, 4711
    client = get_erp_client()
    assert isinstance(client, FolderClient)
    assert (client.folder, client.largest) == (tmp_path, 4711)


def test_neither_is_an_error_that_says_what_to_do():
    with pytest.raises(ErpNotConfigured, match="Set ERP_URL or ERP_FOLDER"):
        get_erp_client()
