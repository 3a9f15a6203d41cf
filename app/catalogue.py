"""The published layers in memory, with a spatial index: a tile needs no SQL.

A thread looks at the database every `refresh_s` seconds and reads again only layers whose content or words changed.
While the database is away, what was known last is served.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import shapely
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import LayerRow, RasterRow, Sessions
from app.definitions import Nomenclature, nomenclature
from app.definitions.tile_matrix_set import TileMatrixSet, tile_matrix_sets
from app.errors import CosiaError, Unavailable, Unknown
from app.storage import Storage
from app.tiling import RasterRef, Style
from app.tiling.reproject import bounds_in

log = structlog.get_logger(__name__)

Bounds = tuple[float, float, float, float]
"""(left, bottom, right, top), x or longitude first."""


@dataclass(frozen=True)
class Layer:
    """A published layer as it was at one moment; a newer state is another object."""

    id: str
    title: str
    description: str
    nomenclature: Nomenclature
    vintage: int | None
    imagery_source: str | None
    model: str | None
    attribution: str
    demonstration: bool
    version: str
    published_at: float
    rasters: tuple[RasterRef, ...]
    _indexes: dict[int, tuple[shapely.STRtree, Bounds]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def styles(self) -> tuple[Style, ...]:
        """The default first."""
        with_confidence = any(raster.confidence is not None for raster in self.rasters)
        return (Style.NORMAL, Style.CONFIDENCE) if with_confidence else (Style.NORMAL,)

    @property
    def resolution_m(self) -> float:
        """Of all rasters: publishing sees to it."""
        return self.rasters[0].resolution_m

    @cached_property
    def tile_matrix_sets(self) -> tuple[TileMatrixSet, ...]:
        """Those that suit the layer: Web Mercator first, the CRS of its rasters, then geographic ones."""
        order = [3857, *sorted({raster.epsg for raster in self.rasters} - {3857, 4326}), 4326]
        suited = [tms for tms in tile_matrix_sets().values() if tms.epsg in order]
        return tuple(sorted(suited, key=lambda tms: order.index(tms.epsg)))

    @property
    def bbox(self) -> Bounds:
        """(west, south, east, north), degrees."""
        return self.bounds(4326)

    def bounds(self, epsg: int) -> Bounds:
        """Of all rasters, in that CRS."""
        return self._index(epsg)[1]

    def rasters_in(self, epsg: int, bounds: Bounds) -> list[RasterRef]:
        """Rasters that may meet the bounds (in that CRS), in their order."""
        if len(self.rasters) == 1:  # reading finds out as cheaply
            return list(self.rasters)
        found = self._index(epsg)[0].query(shapely.box(*bounds))
        return [self.rasters[i] for i in sorted(found.tolist())]

    def _index(self, epsg: int) -> tuple[shapely.STRtree, Bounds]:
        # Made at the first question in a CRS. Two threads may both make it; either result is right.
        if epsg not in self._indexes:
            boxes = [shapely.box(*bounds_in(raster.grid, epsg)) for raster in self.rasters]
            left, bottom, right, top = shapely.total_bounds(boxes).tolist()
            self._indexes[epsg] = (shapely.STRtree(boxes), (left, bottom, right, top))
        return self._indexes[epsg]


class Catalogue:
    """All layers. Readers see one consistent state; `start` and `stop` the thread that follows the database."""

    def __init__(self, sessions: Sessions, storage: Storage, refresh_s: float) -> None:
        self._sessions = sessions
        self._storage = storage
        self._refresh_s = refresh_s
        self._layers: dict[str, Layer] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.loaded = False
        """Whether the database has been read at least once."""

    def layers(self) -> list[Layer]:
        """By id. Raises Unavailable where the database never answered yet."""
        return list(self._known().values())

    def layer(self, layer_id: str) -> Layer:
        """Raises Unknown, naming those there are; Unavailable where the database never answered yet."""
        layers = self._known()
        if layer_id not in layers:
            raise Unknown(f"there is no such layer; published: {', '.join(list(layers)[:20]) or 'none yet'}", "layer")
        return layers[layer_id]

    def start(self) -> None:
        """Reads the database and goes on following it. A database that is away is waited for."""
        self._try_refresh()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._follow, name="catalogue", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def refresh(self) -> None:
        """Reads what changed. Raises Unavailable, and then keeps what was known."""
        with self._sessions.read() as session:
            rows = session.scalars(select(LayerRow).order_by(LayerRow.id)).all()
            self._layers = {row.id: self._current(session, row) for row in rows}
        self.loaded = True

    def _known(self) -> dict[str, Layer]:
        if not self.loaded:
            raise Unavailable("the layers are not loaded yet: try again in a moment")
        return self._layers

    def _current(self, session: Session, row: LayerRow) -> Layer:
        known = self._layers.get(row.id)
        if known is not None and (known.version, known.published_at) == (row.version, row.published_at):
            return known
        rasters = session.scalars(select(RasterRow).where(RasterRow.layer_id == row.id).order_by(RasterRow.id)).all()
        log.info("layer_read", layer=row.id, version=row.version, rasters=len(rasters))
        return Layer(
            id=row.id,
            title=row.title,
            description=row.description,
            nomenclature=nomenclature(row.nomenclature),
            vintage=row.vintage,
            imagery_source=row.imagery_source,
            model=row.model,
            attribution=row.attribution,
            demonstration=row.demonstration,
            version=row.version,
            published_at=row.published_at,
            rasters=self._references(rasters),
        )

    def _references(self, rows: Sequence[RasterRow]) -> tuple[RasterRef, ...]:
        return tuple(
            RasterRef(
                path=self._storage.gdal_path(row.href),
                epsg=row.epsg,
                left=row.left,
                top=row.top,
                resolution_m=row.resolution_m,
                width=row.width,
                height=row.height,
                bands=row.bands,
                version=row.sha256,
                confidence_path=self._storage.gdal_path(row.confidence_href) if row.confidence_href else None,
            )
            for row in rows
        )

    def _follow(self) -> None:
        while not self._stopping.wait(self._refresh_s):
            self._try_refresh()

    def _try_refresh(self) -> None:
        try:
            self.refresh()
        except CosiaError as error:
            log.warning("catalogue_not_refreshed", reason=error.message)
