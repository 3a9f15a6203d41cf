"""What tiles take in the memory of a page."""

from __future__ import annotations

from playwright.sync_api import Page

_KINDS = ("HTMLCanvasElement", "ImageBitmap")  # tiles of classes, and empty ones of pictures; pictures
_TOTAL = """function () {
  return this.reduce((sum, { width, height }) => sum + (width === 256 && height === 256 ? 4 * width * height : 0), 0);
}"""


def kept_bytes(page: Page) -> dict[str, int]:
    """Bytes of the colours of tiles that garbage collection leaves, by kind of object."""
    inspector = page.context.new_cdp_session(page)
    kept = {}
    for kind in _KINDS:
        prototype = inspector.send("Runtime.evaluate", {"expression": f"{kind}.prototype"})["result"]["objectId"]
        found = inspector.send("Runtime.queryObjects", {"prototypeObjectId": prototype})["objects"]["objectId"]
        call = {"objectId": found, "functionDeclaration": _TOTAL, "returnByValue": True}
        kept[kind] = int(inspector.send("Runtime.callFunctionOn", call)["result"]["value"])
    return kept
