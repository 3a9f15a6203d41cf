"""All layers, followed as the database changes.

A thread looks at the database every `refresh_s` seconds and reads again only layers whose content or words changed, and
of those only rasters that are new. While the database is away, what was known last is served.
"""

from __future__ import annotations

import threading

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from app.catalogue.layer import Layer
from app.catalogue.snapshot import Snapshot
from app.database import LayerOverviewRow, LayerRow, RasterRow, Sessions
from app.definitions import nomenclature
from app.errors import CosiaError, Unavailable, Unknown
from app.quality import find_report
from app.storage import Storage
from app.tiling import RasterRef, handles

log = structlog.get_logger(__name__)

# All but the footprint: tiles ask the index, not the geometry.
_COLUMNS = (
    RasterRow.id,
    RasterRow.href,
    RasterRow.confidence_href,
    RasterRow.epsg,
    RasterRow.left,
    RasterRow.top,
    RasterRow.resolution_m,
    RasterRow.width,
    RasterRow.height,
    RasterRow.bands,
    RasterRow.sha256,
)

_Known = dict[tuple[int, str, str], RasterRef]
"""By id, href and digest of the row: an id alone may come again after its row was removed."""


class Catalogue:
    """Readers see one consistent state; `start` and `stop` the thread that follows the database.

    snapshot: where the layers are kept for a process that starts while the database is away.
    """

    def __init__(
        self, sessions: Sessions, storage: Storage, refresh_s: float, snapshot: Snapshot | None = None
    ) -> None:
        self._sessions = sessions
        self._storage = storage
        self._refresh_s = refresh_s
        self._snapshot = snapshot
        self._layers: dict[str, Layer] = {}
        self._rasters: dict[str, _Known] = {}
        self._refused: dict[str, float] = {}
        """Layers that cannot be shown, by the time of the publication that was found so."""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.loaded = False
        """Whether there is anything to serve: the database was read, or a snapshot of it."""

    def layers(self) -> list[Layer]:
        """By id. Raises Unavailable where the database never answered yet."""
        return list(self._known().values())

    def layer(self, layer_id: str) -> Layer:
        """Raises Unknown, naming those there are; Unavailable where the database never answered yet."""
        layers = self._known()
        if layer_id not in layers:
            raise Unknown(f"there is no such layer; published: {', '.join(list(layers)[:20]) or 'none yet'}", "layer")
        return layers[layer_id]

    def rasters(self) -> list[RasterRef]:
        """All rasters of all layers, overviews too; none where the database never answered yet."""
        return [raster for layer in self._layers.values() for raster in (*layer.rasters, *layer.overviews)]

    def start(self) -> None:
        """Reads the database and goes on following it. A database that is away is waited for."""
        self._try_refresh()
        if not self.loaded and self._snapshot is not None and (kept := self._snapshot.load()) is not None:
            log.warning("catalogue_from_snapshot", layers=len(kept))
            self._layers, self.loaded = kept, True
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
            layers = {row.id: layer for row in rows if (layer := self._current(session, row)) is not None}
        changed = not self.loaded or layers.keys() != self._layers.keys()
        changed = changed or any(layer is not self._layers[name] for name, layer in layers.items())
        self._layers, self.loaded = layers, True
        self._rasters = {name: known for name, known in self._rasters.items() if name in layers}
        if changed:
            handles.keep(frozenset(path for layer in layers.values() for path in layer.paths))
        if changed and self._snapshot is not None:
            self._snapshot.save(layers)

    def _known(self) -> dict[str, Layer]:
        if not self.loaded:
            raise Unavailable("the layers are not loaded yet: try again in a moment")
        return self._layers

    def _current(self, session: Session, row: LayerRow) -> Layer | None:
        """The layer of a row; None for one that this version cannot show, so that it takes no other layer with it."""
        known = self._layers.get(row.id)
        if known is not None and (known.version, known.published_at) == (row.version, row.published_at):
            return known
        rasters = self._read_rasters(session, row.id)
        try:
            definition = nomenclature(row.nomenclature)
        except CosiaError as error:
            self._refuse(row, error.message)
            return None
        if not rasters:
            self._refuse(row, "it has no raster")
            return None
        overviews = session.scalars(
            select(LayerOverviewRow).where(LayerOverviewRow.layer_id == row.id).order_by(LayerOverviewRow.epsg)
        ).all()
        report = find_report(session, row.id, row.version)
        layer = Layer(
            id=row.id,
            title=row.title,
            description=row.description,
            nomenclature=definition,
            vintage=row.vintage,
            imagery_source=row.imagery_source,
            model=row.model,
            attribution=row.attribution,
            demonstration=row.demonstration,
            version=row.version,
            published_at=row.published_at,
            rasters=tuple(rasters.values()),
            overviews=tuple(self._reference(overview, bands=1) for overview in overviews),
            quality=None if report is None else report.headline,
        )
        layer.prepare()
        self._rasters[row.id] = rasters
        log.info("layer_read", layer=row.id, version=row.version, rasters=len(rasters))
        return layer

    def _refuse(self, row: LayerRow, reason: str) -> None:
        """Logs it once, not at every look."""
        if self._refused.get(row.id) != row.published_at:
            log.error("layer_not_shown", layer=row.id, reason=reason)
        self._refused[row.id] = row.published_at

    def _read_rasters(self, session: Session, layer_id: str) -> _Known:
        """The rasters of a layer in the order of their ids; those known already are not read again."""
        of_layer = RasterRow.layer_id == layer_id
        there = session.execute(
            select(RasterRow.id, RasterRow.href, RasterRow.sha256).where(of_layer).order_by(RasterRow.id)
        )
        keys = [(id_, href, sha256) for id_, href, sha256 in there]
        known = self._rasters.get(layer_id, {})
        new = [key for key in keys if key not in known]
        if new:
            rows = session.scalars(
                select(RasterRow).options(load_only(*_COLUMNS)).where(of_layer, RasterRow.id >= new[0][0])
            )
            known = known | {(row.id, row.href, row.sha256): self._reference(row, bands=row.bands) for row in rows}
        return {key: known[key] for key in keys}

    def _reference(self, row: RasterRow | LayerOverviewRow, bands: int) -> RasterRef:
        return RasterRef(
            path=self._storage.gdal_path(row.href),
            epsg=row.epsg,
            left=row.left,
            top=row.top,
            resolution_m=row.resolution_m,
            width=row.width,
            height=row.height,
            bands=bands,
            version=row.sha256,
            confidence_path=self._storage.gdal_path(row.confidence_href) if row.confidence_href else None,
        )

    def _follow(self) -> None:
        while not self._stopping.wait(self._refresh_s):
            self._try_refresh()

    def _try_refresh(self) -> None:
        try:
            self.refresh()
        except CosiaError as error:
            log.warning("catalogue_not_refreshed", reason=error.message)
        except Exception:  # the thread goes on: what was known is served, and the next round may do better
            log.exception("catalogue_not_refreshed")
