"""Where a shipment is: the tracking column of the DDT, which holds HTML in the ERP's export."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from urllib.parse import quote

LINK_TAG = re.compile(r"</?a\b[^>]*(?:>|$)", re.IGNORECASE)  # the quotes around its attributes cannot be relied on
OTHER_TAG = re.compile(r"</?[a-z][^>]*(?:>|$)", re.IGNORECASE)
NUMBER_PART = re.compile(r"[A-Z0-9-]*\d[A-Z0-9-]*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Courier:
    """A courier, and its page about a shipment."""

    name: str
    page: str


FEDEX = Courier("FedEx", "https://www.fedex.com/fedextrack/?trknbr={number}&locale=it_IT")
UPS = Courier("UPS", "https://www.ups.com/track?loc=it_IT&tracknum={number}")
DHL = Courier("DHL", "https://www.dhl.com/it-it/home/tracking.html?tracking-id={number}")
GLS = Courier("GLS", "https://gls-group.com/IT/it/servizi-online/ricerca-spedizioni/?match={number}")
BRT = Courier("BRT", "https://vas.brt.it/vas/sped_det_show.hsm?referer=sped_numspe_par.htm&Nspediz={number}")
TNT = Courier("TNT", "https://www.tnt.com/express/it_it/site/shipping-tools/tracking.html?searchType=con&cons={number}")
POSTE = Courier("Poste Italiane", "https://www.poste.it/cerca/index.html#/risultati-spedizioni/{number}")
SDA = Courier("SDA", POSTE.page)

COURIERS = {  # by the first word that the ERP writes, in lower case
    "fedex": FEDEX,
    "ups": UPS,
    "dhl": DHL,
    "gls": GLS,
    "brt": BRT,
    "bartolini": BRT,
    "tnt": TNT,
    "poste": POSTE,
    "sda": SDA,
}


ONE_LINK = rf"<a[^>]*>({'|'.join(COURIERS)})(\d[\d-]*|1Z[A-Z0-9]+)</a>(?:<br/?>|[,;])*"  # without white space
LINK = re.compile(ONE_LINK, re.IGNORECASE | re.ASCII)
LINKS = re.compile(f"(?:{ONE_LINK})+", re.IGNORECASE | re.ASCII)


def read_tracking(cell: str) -> str:
    """A tracking cell as text, `fedex 175934530820`: several are separated by commas, no HTML is kept.

    If all of it is links to known couriers with a number, it does not matter where a narrow cell has broken them.
    """
    compact = "".join(html.unescape(cell).split())
    if LINKS.fullmatch(compact):
        return ", ".join(" ".join(link) for link in LINK.findall(compact))
    texts = LINK_TAG.sub("\0", html.unescape(cell.replace("\0", " "))).split("\0")
    tidy = (" ".join(OTHER_TAG.sub(" ", text).split()).strip(" ,;") for text in texts)
    return ", ".join(text for text in tidy if text)


@dataclass(frozen=True)
class Shipment:
    """What a tracking text says: the courier, by the name known here, and the number; "" for what it does not say."""

    courier: str
    number: str

    @classmethod
    def parse(cls, tracking: str) -> Shipment:
        """The shipment of a tracking text; of several, the first. A remark that is not a number names no shipment."""
        words = tracking.partition(",")[0].split()
        named = next((at for at, word in enumerate(words) if NUMBER_PART.fullmatch(word)), len(words))
        name, parts = words[:named], words[named:]  # a number that the ERP wrapped is in several parts
        if not parts or not all(NUMBER_PART.fullmatch(part) for part in parts):
            return cls("", "")
        known = COURIERS.get(name[0].casefold()) if name else None
        return cls(known.name if known else " ".join(name), "".join(parts))

    @property
    def url(self) -> str:
        """The courier's page about it; "" if either is not known. Built here: the ERP's own links are broken."""
        page = next((courier.page for courier in COURIERS.values() if courier.name == self.courier), "")
        return page.format(number=quote(self.number, safe="")) if self.number else ""
