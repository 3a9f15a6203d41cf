"""A walk through the page by the Tab key, and what is wrong on the way: WCAG 2.2, 2.1.1, 2.4.3, 2.4.7, 2.4.11."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

_MOST_STOPS = 300

# What Tab should come to: visible controls, of each group of radio buttons one, in the order of the document.
_EXPECTED = """() => {
  const controls = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')];
  const stops = controls.filter((node) => {
    if (node.disabled || node.tabIndex < 0 || !node.checkVisibility({ visibilityProperty: true })) return false;
    return node.type !== 'radio' || node.checked;
  });
  stops.forEach((node, i) => { node.dataset.stop = i; });
  return stops.length;
}"""

# The thumb of a slider shows its focus itself; of a radio button, hidden under its label, the label does.
_STOP = """() => {
  const node = document.activeElement;
  const words = (node.ariaLabel ?? node.textContent).trim().slice(0, 30);
  const name = `${node.localName}#${node.id}.${node.className} "${words}"`;
  const faults = [];
  const shown = node.type === 'radio' ? node.nextElementSibling : node;
  const { outlineStyle, outlineWidth } = getComputedStyle(shown);
  const visible = node.closest('.swipe') || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2);
  if (!visible) faults.push(`its focus is not seen: ${name}`);
  const { left, top, width, bottom } = shown.getBoundingClientRect();
  const [x, y] = [left + width / 2, (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2];
  const above = document.elementFromPoint(x, y);
  const own = above && (shown.contains(above) || above.contains(shown) || node.labels?.[0]?.contains(above));
  if (!own && !node.closest('.swipe')) faults.push(`it is ${above ? 'covered' : 'out of sight'}: ${name}`);
  return { stop: node.dataset.stop ?? null, name, faults };
}"""


def walk(page: Page) -> list[str]:
    """What is wrong with the stops of the Tab key from the top of the page to its end, a line each."""
    expected: int = page.evaluate(_EXPECTED)
    faults: list[str] = []
    reached: list[int] = []
    page.keyboard.press("Shift")  # who last used a mouse is shown no focus
    page.locator("[data-stop='0']").focus()
    for _ in range(_MOST_STOPS):
        stop: dict[str, Any] = page.evaluate(_STOP)
        if stop["name"].startswith("body") or stop["stop"] in map(str, reached):
            break
        faults += stop["faults"]
        if stop["stop"] is None:
            faults.append(f"Tab came to what is no control: {stop['name']}")
        else:
            reached.append(int(stop["stop"]))
        page.keyboard.press("Tab")
    faults += [f"Tab never came to stop {i} of {expected}" for i in sorted(set(range(expected)) - set(reached))]
    if reached != sorted(reached):
        faults.append(f"the order is not that of the page: {reached}")
    return faults
