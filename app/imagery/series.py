"""The images of a source's Sentinel-2 series: what each is, and which of them show a place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.aoi import from_grid_crs, to_grid_crs
from app.database import SeriesImageRow, intersects
from app.definitions import ImagerySource
from app.imagery.files import Bounds

_FOOTPRINT_STEP_M = 1000.0
"""Between the corners of a footprint in lon/lat, which bends by less than 2 cm there."""


@dataclass(frozen=True)
class SeriesImage:
    """Ten bands of one day, and the mask beside them. hrefs: as of `ImageryFile`. bounds: of the image, in its CRS."""

    taken: date
    href: str
    mask_href: str
    epsg: int
    bounds: Bounds

    @property
    def order(self) -> tuple[date, str, str]:
        """By day; where images of one day overlap, the first wins, as `ImageryFile.order` has it."""
        return (self.taken, self.href.rpartition("/")[2], self.href)


def footprint(epsg: int, bounds: Bounds) -> BaseGeometry:
    """The ground of an image, lon/lat."""
    return from_grid_crs(shapely.box(*bounds), epsg, step_m=_FOOTPRINT_STEP_M)


def series_images(session: Session, source_id: str) -> list[SeriesImage]:
    """All of a source's, in their order."""
    return _images(session, select(SeriesImageRow).where(SeriesImageRow.source_id == source_id))


def series_over(
    session: Session, source: ImagerySource, bounds: tuple[float, float, float, float]
) -> list[SeriesImage]:
    """Those that meet (left, bottom, right, top) of the source's CRS, in their order."""
    shape = from_grid_crs(shapely.box(*bounds), source.epsg)
    there = (SeriesImageRow.source_id == source.id, intersects(SeriesImageRow.footprint, shape))
    return _images(session, select(SeriesImageRow).where(*there))


def series_coverage(session: Session, source_id: str, area: BaseGeometry, epsg: int) -> BaseGeometry:
    """Where in an area (lon/lat) a source has an image of any day; in the CRS of that code, metres."""
    found = session.scalars(
        select(SeriesImageRow.footprint).where(
            SeriesImageRow.source_id == source_id, intersects(SeriesImageRow.footprint, area)
        )
    )
    # Most days show the same ground.
    distinct = {shapely.to_wkb(each): each for each in found}.values()
    return shapely.union_all([to_grid_crs(each, epsg) for each in distinct])


def _images(session: Session, question: Select[SeriesImageRow]) -> list[SeriesImage]:
    return sorted(map(_image, session.scalars(question)), key=lambda image: image.order)


def _image(row: SeriesImageRow) -> SeriesImage:
    bounds = Bounds(row.left, row.bottom, row.right, row.top)
    return SeriesImage(date.fromisoformat(row.taken), row.href, row.mask_href, row.epsg, bounds)
