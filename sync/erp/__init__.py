"""Getting a list's export from the ERP."""

from __future__ import annotations

from sync.erp.client import ErpClient
from sync.exceptions import ErpNotConfigured


def erp_client() -> ErpClient:
    """The ERP that the settings name. Raises ErpNotConfigured."""
    raise ErpNotConfigured
