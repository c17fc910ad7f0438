"""Simulate days: `python -m tests.days --days 30 --seed 7 --client browser`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import django


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30, help="how many (default: 30)")
    parser.add_argument("--seed", type=int, default=7, help="the same happens on the same days (default: 7)")
    parser.add_argument("--client", choices=["browser", "http"], default="browser", help="of the ERP; http is faster")
    parser.add_argument("--only", type=int, help="simulate this one of the days alone, from an empty mirror")
    parser.add_argument("--until", type=float, default=24, help="the hour of the last day at which all ends")
    parser.add_argument("--sabotage", default="", help="what a test does at the end that must never be, with commas")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="archibald-days-") as folder:
        set_environment(Path(folder), options.client)
        django.setup()

        from tests.days.simulation import Options, Simulation

        sabotage = tuple(filter(None, options.sabotage.split(",")))
        return Simulation(Options(options.days, options.seed, options.only, options.until, sabotage)).run()


def set_environment(folder: Path, client: str) -> None:
    """What the days rest on, whatever is set on this machine: defaults, and a SQLite database of their own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    os.environ.clear()
    os.environ |= kept | {
        "DJANGO_SETTINGS_MODULE": "archibald.settings",
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(folder),
        "SECRET_KEY": "known to everybody, for simulated days only: long enough",
        "ERP_CLIENT": client,
        "LOG_LEVEL": "ERROR",
    }


if __name__ == "__main__":
    sys.exit(main())
