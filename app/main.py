"""The web application: routes, error answers, the page, and what lives as long as the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.access import Keyring
from app.api import (
    collections,
    dataset,
    health,
    imagery,
    job_layers,
    jobs,
    landing,
    places,
    points,
    previews,
    processes,
    qgis,
    rasters,
    stac,
    statistics,
    tiles,
    tilesets,
    wmts,
)
from app.api.followers import Followers
from app.api.front_door import FrontDoor
from app.api.job_status import statuses
from app.api.openapi import add_description
from app.api.page import add_page
from app.api.patience import Patience
from app.api.problems import PROBLEMS, add_problem_handlers
from app.catalogue import Catalogue, Snapshot
from app.database import sessions
from app.logs import configure_logs
from app.places import Geocoder
from app.settings import settings
from app.storage import storage
from app.tiling.integrity import integrity
from app.tiling.scrubber import Scrubber

PAGE_FOLDER = Path(__file__).parent / "page"


@asynccontextmanager
async def _lifespan(application: FastAPI) -> AsyncIterator[None]:
    catalogue: Catalogue = application.state.catalogue
    scrubber = Scrubber(catalogue.rasters, integrity, settings().scrub_s, settings().scrub_bytes_per_s)
    catalogue.start()
    scrubber.start()
    try:
        yield
    finally:
        scrubber.stop()
        catalogue.stop()
        application.state.geocoder.close()


def create_app() -> ASGIApp:
    """The ASGI application of this process's settings."""
    configure_logs(settings().log_level)
    application = FastAPI(
        title="CoSIA Map",
        version=version("cosia-map"),
        summary="IGN's 16-class land cover: tiles, WMTS, areas, and prediction on demand.",
        openapi_url=None,  # ours is of another version
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        responses=PROBLEMS,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours are /metrics and the log
        routes=[*tiles.PLAIN_ROUTES, *tilesets.PLAIN_ROUTES, *wmts.PLAIN_ROUTES],
    )
    application.state.catalogue = Catalogue(sessions(), storage(), settings().refresh_s, _snapshot())
    application.state.keyring = Keyring(sessions())
    application.state.followers = Followers(sessions(), statuses, settings().followers)
    application.state.geocoder = Geocoder(settings().geocoder_url)
    add_problem_handlers(application)
    for module in (
        landing,
        collections,
        dataset,
        points,
        places,
        statistics,
        processes,
        jobs,
        job_layers,
        previews,
        tiles,
        imagery,
        wmts,
        rasters,
        stac,
        qgis,
        health,
    ):
        application.include_router(module.router)
    add_description(application)
    add_page(application, PAGE_FOLDER)
    patient = Patience(application, settings().answer_wait_s, aoi_km2=settings().aoi_km2)
    return _behind_proxies(FrontDoor(patient, settings().body_bytes, settings().public_url))


def _behind_proxies(application: ASGIApp) -> ASGIApp:
    """Lets trusted proxies say in X-Forwarded-For whom they speak for; from everybody else the header means nothing."""
    trusted = settings().trusted_proxies
    if not trusted:
        return application
    return ProxyHeadersMiddleware(application, trusted_hosts=trusted)  # type: ignore[arg-type,return-value]


def _snapshot() -> Snapshot:
    """In the local folder. The database's address, without its password, says what it is a snapshot of."""
    return Snapshot(settings().local_folder / "catalogue.json", f"{sessions().engine.url!s} {settings().data}")
