"""A browser for the page: Debian's Chromium, driven by Playwright's synchronous interface."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

# Without these Chromium talks to its maker, which would be taken for the page's doing.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


# Longer than Playwright's own 5 s: a busy machine is no fault of the page.
expect.set_options(timeout=20_000)


@contextmanager
def chromium(program: Path) -> Iterator[Browser]:
    """A browser that ends with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        yield browser
        browser.close()
