"""Is it alive, is it ready, how is it doing."""

from __future__ import annotations

from functools import lru_cache

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from app.broker_policy import eviction_policy, fault_of, is_safe
from app.catalogue import Catalogue
from app.database import is_reachable, sessions
from app.errors import Misconfigured, Unavailable
from app.metrics import ServiceCollector, exposition
from app.settings import settings
from app.standing import standing
from app.tiling.integrity import integrity

router = APIRouter(tags=["health"])

_NOT_KNOWN = "unknown while the database is away"
_NEEDED = ("database", "catalogue", "rasters")


@router.get("/healthz", summary="Whether this process answers")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="Whether the components this process needs answer", responses={503: {}})
def readyz(request: Request) -> JSONResponse:
    """200 with `degraded` while only jobs suffer: broker or workers are missing, and jobs wait in the database."""
    reachable = is_reachable(sessions().engine)
    components = {
        "database": "ok" if reachable else "away",
        "catalogue": "ok" if request.app.state.catalogue.loaded else "not loaded yet",
        "rasters": _rasters(request.app.state.catalogue),
        "broker": _broker(),
        "workers": _workers() if reachable else _NOT_KNOWN,
    }
    if any(components[name] != "ok" for name in _NEEDED):
        return JSONResponse({"status": "not ready", "components": components}, 503)
    degraded = any(said != "ok" for said in components.values())
    return JSONResponse({"status": "degraded" if degraded else "ready", "components": components})


def _broker() -> str:
    try:
        policy = eviction_policy(settings())
    except Unavailable:
        return "away"
    except Misconfigured as error:
        return error.message
    return "ok" if policy is None or is_safe(policy) else fault_of(policy)


def _workers() -> str:
    """Why jobs wait, where they do: nobody is at work, or those who are cannot predict."""
    try:
        with sessions().read() as session:
            workers = standing(session, settings()).workers
    except Unavailable:
        return _NOT_KNOWN
    out = sorted({worker.reason or "no reason given" for worker in workers if worker.state == "out of service"})
    if out:
        return f"out of service: {'; '.join(out)}"
    return "ok" if any(worker.state == "ready" for worker in workers) else "none at work"


def _rasters(catalogue: Catalogue) -> str:
    """Names the layers with a file that cannot be read or is not what was published."""
    doubtful = integrity.doubtful()
    if not doubtful or not catalogue.loaded:
        return "ok"
    touched = [layer.id for layer in catalogue.layers() if not doubtful.isdisjoint(layer.paths)]
    return f"unreadable in {', '.join(touched)}" if touched else "ok"


@lru_cache
def _collector() -> ServiceCollector:
    return ServiceCollector(sessions, settings())


@router.get("/metrics", summary="Figures for Prometheus", include_in_schema=False)
def metrics() -> Response:
    return Response(exposition(_collector()), media_type=CONTENT_TYPE_PLAIN_0_0_4)
