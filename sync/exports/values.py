"""The ERP's texts as values: Italian numbers, dates and booleans, read strictly.

A converter takes a cell's text with its white space normalised and gives None (or "" for texts) for an empty one. What
it cannot read is a ValueError whose message names what was expected: "a number", "a date".
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

ERP_TIME_ZONE = ZoneInfo("Europe/Rome")  # the ERP prints local Italian time
NUMBER = re.compile(r"-?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?", re.ASCII)
BOOLEANS = {"checked": True, "unchecked": False, "si": True, "sì": True, "no": False}
