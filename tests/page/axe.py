"""axe-core on a page: the rules of WCAG 2.2 A and AA, target size among them, and of good practice.

It comes with the tools that build the page; the package does not need it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_SCRIPT = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
  return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((node) => node.html) }));
}"""


def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is now, a line for each rule."""
    # By the debugger's door: no script of ours passes the page's content security policy.
    if not page.evaluate("'axe' in window"):
        page.evaluate(_script())
    found: list[dict[str, Any]] = page.evaluate(_RUN, _TAGS)
    return [f"{rule['id']} ({rule['help']}): {' | '.join(rule['nodes'])}" for rule in found]


@cache
def _script() -> str:
    return _SCRIPT.read_text(encoding="utf-8")
