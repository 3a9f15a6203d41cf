"""Is it alive, is it ready, how is it doing."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app import broker
from app.catalogue import Catalogue
from app.database import is_reachable, sessions
from app.tiling.integrity import integrity

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Whether this process answers")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="Whether the components this process needs answer", responses={503: {}})
def readyz(request: Request) -> JSONResponse:
    """200 with `degraded` while only the broker is away: tiles are served and jobs wait in the database."""
    components = {
        "database": "ok" if is_reachable(sessions().engine) else "away",
        "broker": "ok" if broker.is_reachable() else "away",
        "catalogue": "ok" if request.app.state.catalogue.loaded else "not loaded yet",
        "rasters": _rasters(request.app.state.catalogue),
    }
    ready = all(components[name] == "ok" for name in ("database", "catalogue", "rasters"))
    status = ("ready" if components["broker"] == "ok" else "degraded") if ready else "not ready"
    return JSONResponse({"status": status, "components": components}, 200 if ready else 503)


def _rasters(catalogue: Catalogue) -> str:
    """Names the layers with a file that cannot be read or is not what was published."""
    doubtful = integrity.doubtful()
    if not doubtful or not catalogue.loaded:
        return "ok"
    touched = [layer.id for layer in catalogue.layers() if not doubtful.isdisjoint(layer.paths)]
    return f"unreadable in {', '.join(touched)}" if touched else "ok"


@router.get("/metrics", summary="Figures for Prometheus", include_in_schema=False)
def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
