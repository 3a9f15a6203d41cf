"""Commands for what the service holds: imagery sources and layers."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from app import imagery
from app.cli.progress import Bars, say
from app.database import LayerRow, sessions
from app.database.migrate import migrate as migrate_database
from app.definitions import Band, Photographs, nomenclature
from app.definitions.coding import Coding
from app.definitions.grid import prediction_crs
from app.errors import ImageryRefused
from app.publish import publish as publish_layer
from app.publish import unpublish as unpublish_layer
from app.storage import storage

_SERVICE_PATIENCE_S = 60.0
_GRACE_S = 3.0
"""How long files stay when a layer is withdrawn: every process looks at the database each two seconds."""


@click.command()
@click.argument("layer_id", metavar="LAYER")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--title", default=None, help="What people read; the id when left out.")
@click.option("--description", default=None)
@click.option("--vintage", type=click.IntRange(1900, 2200), default=None, help="Year of the imagery.")
@click.option("--imagery", "imagery_source", default=None, help="Id of the imagery source to show behind it.")
@click.option("--attribution", default=None, help="Whom to name; IGN when left out.")
@click.option("--nomenclature", "nomenclature_id", default="cosia", show_default=True)
@click.option(
    "--coding",
    type=click.Choice([coding.value for coding in Coding]),
    default=Coding.VALUES.value,
    show_default=True,
    help="What the numbers in GeoTIFFs mean: the nomenclature's values, FLAIR's codes, or indexes of its networks.",
)
@click.option(
    "--add", is_flag=True, help="Keep the rasters and words LAYER has; files of the same place replace theirs."
)
def publish(
    layer_id: str,
    files: tuple[Path, ...],
    title: str | None,
    description: str | None,
    vintage: int | None,
    imagery_source: str | None,
    attribution: str | None,
    nomenclature_id: str,
    coding: str,
    add: bool,
) -> None:
    """Publish class rasters as LAYER, new or in place of the one of that id.

    FILE is a GeoTIFF (a byte a pixel), an official GeoPackage (.gpkg), or a folder with such files. Readers see the old
    layer until the new one is whole; when a file is refused, nothing has changed.
    """
    migrate_database(sessions().engine)
    before = _words(layer_id) if add else None
    with Bars() as bars:
        version = publish_layer(
            sessions(),
            storage(),
            layer_id=layer_id,
            title=title or (before.title if before else layer_id),
            description=description if description is not None else (before.description if before else ""),
            rasters=files,
            nomenclature=nomenclature(nomenclature_id),
            vintage=vintage or (before.vintage if before else None),
            imagery_source=imagery_source or (before.imagery_source if before else None),
            model=before.model if before else None,
            attribution=attribution or (before.attribution if before else "IGN"),
            demonstration=before.demonstration if before else False,
            coding=Coding(coding),
            add=add,
            progress=lambda fraction: bars.show("publishing", fraction),
            tell=say,
        )
    say(f"layer {layer_id} is published, version {version}")


def _words(layer_id: str) -> LayerRow | None:
    """What a published layer says of itself."""
    with sessions().read() as session:
        return session.get(LayerRow, layer_id)


@click.command()
@click.argument("layer_id", metavar="LAYER")
def unpublish(layer_id: str) -> None:
    """Withdraw LAYER and remove its files."""
    migrate_database(sessions().engine)
    unpublish_layer(sessions(), storage(), layer_id, grace_s=_GRACE_S)
    say(f"layer {layer_id} is withdrawn")


@click.group("imagery")
def imagery_() -> None:
    """Imagery sources: add, list."""


_FILES = click.Path(exists=True, path_type=Path)


@imagery_.command("add")
@click.argument("source_id", metavar="ID")
@click.option("--title", default=None, help="What people read; the id when left out.")
@click.option("--rgb", multiple=True, type=_FILES, help="File or folder with bands R, G, B. Repeatable.")
@click.option("--irc", multiple=True, type=_FILES, help="File or folder with bands NIR, R, G. Repeatable.")
@click.option(
    "--height", multiple=True, type=_FILES, help="File or folder, one count = 0.2 m above ground. Repeatable."
)
@click.option("--stack", multiple=True, type=_FILES, help="File or folder with bands R, G, B, NIR, E. Repeatable.")
@click.option("--surface", multiple=True, type=_FILES, help="Surface model, metres; the terrain is taken from it.")
@click.option("--terrain", multiple=True, type=_FILES, help="Terrain model, metres. Repeatable.")
@click.option(
    "--series",
    multiple=True,
    type=_FILES,
    help="Sentinel-2 images of ten bands with their masks beside them, the day in the name. Repeatable.",
)
@click.option(
    "--index",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Shapefile or GeoPackage that names the files of each role; looked for in folders inside the folders.",
)
@click.option(
    "--crs",
    type=click.Choice([f"EPSG:{code}" for code in prediction_crs()]),
    help="Of files that name none.",
)
@click.option(
    "--scale", nargs=2, type=float, metavar="LOW HIGH", help="What becomes black and white, of pictures beyond 8 bits."
)
@click.option("--stack-bands", default=None, help="Bands of stacks in file order, such as NIR,R,G,B.")
@click.option(
    "--service",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON definition of a WMS or WMTS to read from, instead of files.",
)
@click.option("--taken", type=click.DateTime(["%Y-%m-%dT%H:%M"]), help="When the pictures were taken, local time.")
@click.option("--camera", default=None, help="That took the pictures, such as UCE-M3-f120-s06; with --taken.")
@click.option("--altitude-m", type=float, default=None, help="Of the ground in the pictures, metres; with --taken.")
@click.option("--year", type=click.IntRange(1900, 2200), default=None, help="Year of the flight.")
@click.option("--attribution", default="IGN", show_default=True)
@click.option("--replace", is_flag=True, help="Let other files take the place of those under this id.")
def imagery_add(
    source_id: str,
    title: str | None,
    rgb: tuple[Path, ...],
    irc: tuple[Path, ...],
    height: tuple[Path, ...],
    stack: tuple[Path, ...],
    surface: tuple[Path, ...],
    terrain: tuple[Path, ...],
    series: tuple[Path, ...],
    index: Path | None,
    crs: str | None,
    scale: tuple[float, float] | None,
    stack_bands: str | None,
    service: Path | None,
    taken: datetime | None,
    camera: str | None,
    altitude_m: float | None,
    year: int | None,
    attribution: str,
    replace: bool,
) -> None:
    """Register files, or a map server, as the imagery source ID."""
    migrate_database(sessions().engine)
    photographs = _photographs(taken, camera, altitude_m)
    if service is not None:
        if rgb or irc or height or stack or surface or terrain or series or photographs:
            raise click.UsageError("a source is read from files or from --service, not from both")
        told = {"title": title, "year": year} if title is not None else {"year": year}
        _add_service(source_id, service, {name: value for name, value in told.items() if value is not None}, replace)
        return
    source = imagery.register(
        sessions(),
        source_id=source_id,
        title=title or source_id,
        rgb=rgb,
        irc=irc,
        height=height,
        stack=stack,
        surface=surface,
        terrain=terrain,
        series=series,
        photographs=photographs,
        index=index,
        told=_told(crs, scale, stack_bands),
        year=year,
        attribution=attribution,
        replace=replace,
    )
    note = "; its pixels are resampled to the prediction grid" if source.resampled else ""
    if source.resolution_m is not None:
        note = f"; its pixels of {source.resolution_m:g} m are resampled to the prediction grid's"
    if source.series is not None:
        note += f"; with a Sentinel-2 series, {source.series.words}"
    if source.photographs is not None:
        note += f"; {source.photographs.words}"
    say(f"{source.id}: bands {', '.join(source.bands)}, EPSG:{source.epsg}, version {source.version}{note}")


def _photographs(taken: datetime | None, camera: str | None, altitude_m: float | None) -> Photographs | None:
    if taken is None and camera is None and altitude_m is None:
        return None
    if taken is None or camera is None or altitude_m is None:
        raise click.UsageError("--taken, --camera and --altitude-m tell together how the pictures were taken: give all")
    try:
        return Photographs(taken=taken, camera=camera, altitude_m=altitude_m)
    except ValidationError as error:
        fault = error.errors()[0]
        raise ImageryRefused(f"{fault['loc'][0]} {fault['input']} is not accepted: {fault['msg']}") from error


def _told(crs: str | None, scale: tuple[float, float] | None, stack_bands: str | None) -> imagery.Told:
    epsg = None if crs is None else int(crs.removeprefix("EPSG:"))
    if stack_bands is None:
        return imagery.Told(epsg, scale)
    names = [name.strip().upper() for name in stack_bands.split(",")]
    if len(set(names)) < len(names) or not {"R", "G", "B"} <= set(names) <= set(Band):
        raise click.UsageError(f"--stack-bands names each band once, R, G and B among them: {', '.join(Band)}")
    return imagery.Told(epsg, scale, tuple(Band(name) for name in names))


def _add_service(source_id: str, file: Path, told: dict[str, Any], replace: bool) -> None:
    """told: what the command line says, before what the file says."""
    from app.imagery.remote import check_service  # with its HTTP client: other commands start without it

    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ImageryRefused(f"{file.name} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ImageryRefused(f"{file.name} holds no object: see the definitions that are shipped")
    source = imagery.define_service({"title": source_id, **document, **told, "id": source_id})
    if source.service is not None:
        check_service(source, source.service, patience_s=_SERVICE_PATIENCE_S)
    imagery.register_service(sessions(), source, replace=replace)
    say(f"{source.id}: bands {', '.join(source.bands)}, EPSG:{source.epsg}, read from its server, which answers")


@imagery_.command("list")
def imagery_list() -> None:
    """List the imagery sources."""
    migrate_database(sessions().engine)
    with sessions().read() as session:
        for source in imagery.list_sources(session):
            place = "files" if source.service is None else f"{source.service.protocol}: available, nothing to add"
            if source.series is not None:
                place += f", series of {source.series.words}"
            say(f"{source.id}\t{source.year or '-'}\t{','.join(source.bands)}\t{place}\t{source.title}")
