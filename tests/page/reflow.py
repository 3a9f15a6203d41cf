"""Whether a page keeps its content when there is less room: WCAG 2.2, 1.4.4 (200 %), 1.4.10 and 1.4.12 (spacing)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

# The least that 1.4.12 asks for.
_SPACED = """
* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
p { margin-bottom: 2em !important }
"""

_SPACE = """rules => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(rules);
  document.adoptedStyleSheets = [sheet];
}"""

# The divider's handle reaches half its width beyond the map, so that its middle reaches the edge.
_CUT_OFF = """() => {
  const { clientWidth, scrollWidth } = document.documentElement;
  const faults = scrollWidth > clientWidth ? [`the page is ${scrollWidth} px wide`] : [];
  for (const node of document.querySelectorAll('#app *:not(option, canvas, svg *, .map *, .swipe, .swipe input)')) {
    const { left, right, width, height } = node.getBoundingClientRect();
    if (width < 2 || height < 2 || node.closest('.visually-hidden')) continue;
    const name = `${node.localName}#${node.id}.${node.className} "${node.textContent.trim().slice(0, 40)}"`;
    if (left < -1 || right > clientWidth + 1) faults.push(`${Math.round(left)} to ${Math.round(right)} px: ${name}`);
    const hides = ['hidden', 'clip'].includes(getComputedStyle(node).overflowX) && !node.matches('select, input');
    if (hides && node.scrollWidth > node.clientWidth + 1) faults.push(`cut off: ${name}`);
  }
  return faults;
}"""


def cut_off(page: Page) -> list[str]:
    """What of the page's content is beyond its edge, or hidden inside a box too small for it, a line each."""
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    found: list[str] = page.evaluate(_CUT_OFF)
    return found


@contextmanager
def space_text(page: Page) -> Iterator[None]:
    """Text set as widely as 1.4.12 says, while the block lasts."""
    # A style element would break the page's content security policy; a sheet made by a script does not.
    page.evaluate(_SPACE, _SPACED)
    yield
    page.evaluate("document.adoptedStyleSheets = []")


@contextmanager
def enlarge_text(page: Page) -> Iterator[None]:
    """Text twice as large, as people set it in their browser, while the block lasts."""
    browser = page.context.new_cdp_session(page)
    browser.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    yield
    browser.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
    browser.detach()
