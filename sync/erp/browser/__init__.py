"""Exports and looks by a real browser: a process of its own drives Chromium with Playwright."""
