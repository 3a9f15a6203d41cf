"""Is it alive, is it ready, how is it doing."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app import broker
from app.database import is_reachable, sessions

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
    }
    ready = components["database"] == "ok" and components["catalogue"] == "ok"
    status = ("ready" if components["broker"] == "ok" else "degraded") if ready else "not ready"
    return JSONResponse({"status": status, "components": components}, 200 if ready else 503)


@router.get("/metrics", summary="Figures for Prometheus", include_in_schema=False)
def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
