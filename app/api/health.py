"""Is it alive, is it ready, how is it doing."""

from __future__ import annotations

from functools import lru_cache

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from app.api.languages import answer_language, language_headers
from app.broker_policy import eviction_policy, fault_of, is_safe
from app.catalogue import Catalogue
from app.database import is_reachable, sessions
from app.errors import Misconfigured, Unavailable
from app.metrics import ServiceCollector, exposition
from app.phrases import told
from app.settings import settings
from app.standing import Worker, standing
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
    reachable, catalogue = is_reachable(sessions().engine), request.app.state.catalogue
    components = {
        "database": _database(reachable),
        "catalogue": _catalogue(catalogue),
        "rasters": _rasters(catalogue),
        "broker": _broker(),
        "workers": _workers(reachable),
    }
    status, code = "ready", 200
    if any(components[name] != "ok" for name in _NEEDED):
        status, code = "not ready", 503
    elif any(said != "ok" for said in components.values()):
        status = "degraded"
    language = answer_language(request.headers)
    said = {name: told(state, language) for name, state in components.items()}
    return JSONResponse({"status": status, "components": said}, code, language_headers(language))


def _database(reachable: bool) -> str:
    return "ok" if reachable else "away"


def _catalogue(catalogue: Catalogue) -> str:
    return "ok" if catalogue.loaded else "not loaded yet"


def _broker() -> str:
    try:
        policy = eviction_policy(settings())
    except Unavailable:
        return "away"
    except Misconfigured as error:
        return error.message
    return "ok" if policy is None or is_safe(policy) else fault_of(policy)


def _workers(reachable: bool) -> str:
    """Why jobs wait, where they do: nobody is at work, or those who are cannot predict."""
    if not reachable:
        return _NOT_KNOWN
    try:
        with sessions().read() as session:
            workers = standing(session, settings()).workers
    except Unavailable:
        return _NOT_KNOWN
    out = sorted({_reason(worker) for worker in workers if worker.state == "out of service"})
    if out:
        return f"out of service: {'; '.join(out)}"
    return "ok" if any(worker.state == "ready" for worker in workers) else "none at work"


def _reason(worker: Worker) -> str:
    return worker.reason or "no reason given"


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
