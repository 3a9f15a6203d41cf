"""A visitor of the page in a real browser, against a real server (`running_server`)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.components import require
from tests.page.browser import chromium
from tests.page.visit import Visit


# Not for the whole run: while Playwright's loop is alive, no other test could start an event loop of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(require("chromium")) as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser, running_server: str) -> Iterator[Visit]:
    """A new visitor, in English, who has not opened the page yet."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    yield Visit(context.new_page(), running_server)
    context.close()


@pytest.fixture
def phone(browser: Browser, running_server: str) -> Iterator[Visit]:
    """A visitor with a phone."""
    viewport: ViewportSize = {"width": 390, "height": 844}
    context = browser.new_context(viewport=viewport, has_touch=True, is_mobile=True, locale="en-GB")
    yield Visit(context.new_page(), running_server)
    context.close()
