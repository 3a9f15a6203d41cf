"""The built page and the API's documentation, as files: no request leaves this origin."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

from app.api.front_door import content_policy
from app.errors import Unknown
from app.settings import settings

EMBED = "/embed"


class _Assets(StaticFiles):
    """Files whose names change with their content: a browser may keep them for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def add_page(application: FastAPI, folder: Path) -> None:
    """Serves `folder` (made by `npm run build`) at the root."""
    application.mount("/assets", _Assets(directory=folder / "assets", check_dir=False), name="assets")

    @application.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return _file(folder / "index.html")

    @application.get(EMBED, include_in_schema=False)
    async def embedded_page() -> FileResponse:
        """The same page: it shows the map alone at this address, which other sites may put in a frame."""
        answer = _file(folder / "index.html")
        answer.headers["Content-Security-Policy"] = content_policy(settings().embed_sites)
        return answer

    @application.get("/api/docs", include_in_schema=False)
    async def documentation() -> FileResponse:
        return _file(folder / "docs.html")


def _file(path: Path) -> FileResponse:
    if not path.is_file():
        raise Unknown("the page is not built here: run `make run`, or `npm ci && npm run build` in frontend/")
    return FileResponse(path, headers={"Cache-Control": "no-cache"})
