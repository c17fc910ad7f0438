"""Start a campaign: `python -m tests.campaign --minutes 10 --seed 7`; DATABASE_URL chooses the database."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from random import randrange

import django

from demo.environment import ERP_SETTINGS

PROJECT = Path(__file__).resolve().parent.parent.parent
LEASE = "4"  # seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long faults happen (default: 10)")
    parser.add_argument("--seed", type=int, default=randrange(10**6), help="the same faults in the same order")
    parser.add_argument("--folder", type=Path, help="for data, logs and report (default: one in var/campaigns)")
    parser.add_argument("--faults", default="", help="only these, by the names of their classes, with commas; or none")
    parser.add_argument("--workers", type=int, help="how many (default: 2 on PostgreSQL, 1 on SQLite)")
    parser.add_argument("--agents", type=int, default=3)
    parser.add_argument("--sabotage", default="", help="what a test does to the database at the end")
    options = parser.parse_args()
    on_postgresql = os.environ.get("DATABASE_URL", "").startswith("postgres")
    database = "PostgreSQL" if on_postgresql else "SQLite"
    folder = options.folder or PROJECT / "var" / "campaigns" / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{database}"
    folder.mkdir(parents=True)
    set_environment(folder.resolve())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(2))  # nothing that was started is left running
    django.setup()

    from django.conf import settings

    from tests.campaign import faults
    from tests.campaign.campaign import Campaign, Options

    if not on_postgresql:  # who only reads must not wait for writers
        settings.DATABASES["default"]["OPTIONS"]["transaction_mode"] = "DEFERRED"
    wanted = options.faults.split(",") if options.faults else [each.__name__ for each in faults.ALL]
    return Campaign(
        Options(
            minutes=options.minutes,
            seed=options.seed,
            folder=folder.resolve(),
            faults=tuple(each for each in faults.ALL if each.__name__ in wanted),
            workers=options.workers or (2 if on_postgresql else 1),
            agents=options.agents,
            sabotage=tuple(filter(None, options.sabotage.split(","))),
        )
    ).run()


def set_environment(folder: Path) -> None:
    """What this process and all parts have in common, whatever is set on this machine."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "DATABASE_URL", "SECRET_KEY") if name in os.environ
    }
    os.environ.clear()
    os.environ |= kept | {
        "DJANGO_SETTINGS_MODULE": "archibald.settings",
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(folder / "data"),
        "EXPORT_DIR": str(folder / "exports"),
        "SECRET_KEY": kept.get("SECRET_KEY", "known to everybody, for campaigns only: long enough for its tokens"),
        "SECURE_SSL_REDIRECT": "False",
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
        "SYNC_LEASE_SECONDS": LEASE,
        "SYNC_LONGEST_PAUSE_MINUTES": "1",
        "WORKER_HANGS_AFTER_SECONDS": "20",
        **ERP_SETTINGS,
        "ERP_EXPORT_SECONDS": "20",
        "ERP_SMART_SECONDS": "10",
        "ORDER_FORM_TIMEOUT_MINUTES": "0.5",
        "SCHEDULE_MINUTE_SECONDS": "6",
        **dict.fromkeys(("THROTTLE_LOGIN", "THROTTLE_ANON", "THROTTLE_USER"), "100000/min"),
    }


if __name__ == "__main__":
    sys.exit(main())
