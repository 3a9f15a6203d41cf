"""The rows of an imagery source: written together, or left as they are."""

from __future__ import annotations

import shapely
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.aoi import from_grid_crs
from app.database import ImageryFileRow, ImagerySourceRow, SeriesImageRow, now_s
from app.definitions import ImagerySource
from app.errors import ImageryRefused
from app.imagery.files import href_of
from app.imagery.inspection import InspectedFile
from app.imagery.series import footprint
from app.imagery.series_inspection import InspectedImage


def store(
    session: Session, source: ImagerySource, files: list[InspectedFile], images: list[InspectedImage], replace: bool
) -> None:
    """Makes this the source of its id, with these files and the images of its series.

    Equal files change nothing. Raises ImageryRefused where there are others under that id and `replace` is not said.
    """
    hrefs = {(file.role.value, href_of(file.path)) for file in files} | {
        (image.taken.isoformat(), href_of(image.path)) for image in images
    }
    document = source.model_dump(mode="json")
    row = session.get(ImagerySourceRow, source.id, with_for_update=True)
    if row is not None:
        same_files = _hrefs(session, source.id) == hrefs and (bool(hrefs) or row.document == document)
        version = row.document["version"]
        if not (same_files or version == source.version or replace):
            raise ImageryRefused(
                f"there is an imagery source {source.id!r} with other files or another definition:"
                " choose another id, or replace it"
            )
        if same_files and row.document == document:
            return
        row.document, row.registered_at = document, now_s()
        for rows in (ImageryFileRow, SeriesImageRow):
            session.execute(delete(rows).where(rows.source_id == source.id))
    else:
        session.add(ImagerySourceRow(id=source.id, document=document))
        session.flush()
    for file in files:
        bounds = file.layout.bounds
        session.add(
            ImageryFileRow(
                source_id=source.id,
                role=file.role.value,
                href=href_of(file.path),
                footprint=from_grid_crs(shapely.box(*bounds), source.epsg),
                **bounds._asdict(),
            )
        )
    for image in images:
        bounds = image.layout.bounds
        session.add(
            SeriesImageRow(
                source_id=source.id,
                taken=image.taken.isoformat(),
                href=href_of(image.path),
                mask_href=href_of(image.mask),
                epsg=image.epsg,
                footprint=footprint(image.epsg, bounds),
                **bounds._asdict(),
            )
        )


def _hrefs(session: Session, source_id: str) -> set[tuple[str, str]]:
    """Of all files of a source, each with its role or the day it shows."""
    files = select(ImageryFileRow.role, ImageryFileRow.href).where(ImageryFileRow.source_id == source_id)
    images = select(SeriesImageRow.taken, SeriesImageRow.href).where(SeriesImageRow.source_id == source_id)
    return {(of, href) for question in (files, images) for of, href in session.execute(question)}
