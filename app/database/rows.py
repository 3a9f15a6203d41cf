"""Rows: one class per table. Times are seconds since 1970 on the database's clock (`now_s`)."""

from __future__ import annotations

from typing import Any, ClassVar

from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.database.types import Geometry, now_s

_AUTO_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only a column typed INTEGER


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {str: String(), float: Double(), dict[str, Any]: JSON(), BaseGeometry: Geometry()}


class LayerRow(Base):
    """A published layer. `version` changes with every publication of its content."""

    __tablename__ = "layer"

    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    description: Mapped[str]
    nomenclature: Mapped[str]
    vintage: Mapped[int | None]
    imagery_source: Mapped[str | None]
    model: Mapped[str | None]
    attribution: Mapped[str]
    demonstration: Mapped[bool] = mapped_column(default=False)
    version: Mapped[str]
    published_at: Mapped[float] = mapped_column(server_default=now_s())


class RasterRow(Base):
    """A class raster of a layer: band 1 class value, band 2 (where `bands` is 2) confidence.

    Only a file of one band can carry a colour table, so published confidence lies in a file of its own. Its `name` is
    unique in the layer. A row is never changed: another content is another row.
    """

    __tablename__ = "raster"
    __table_args__ = (Index("ix_raster_layer_id_name", "layer_id", "name", unique=True),)

    id: Mapped[int] = mapped_column(_AUTO_ID, primary_key=True)
    layer_id: Mapped[str] = mapped_column(ForeignKey("layer.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    href: Mapped[str]
    confidence_href: Mapped[str | None]
    sha256: Mapped[str]
    bands: Mapped[int]
    epsg: Mapped[int]
    left: Mapped[float]
    top: Mapped[float]
    resolution_m: Mapped[float]
    width: Mapped[int]
    height: Mapped[int]
    footprint: Mapped[BaseGeometry]


class LayerQualityRow(Base):
    """How good a layer is: `document` is the QualityReport of the content of `version`."""

    __tablename__ = "layer_quality"

    layer_id: Mapped[str] = mapped_column(ForeignKey("layer.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[str]
    document: Mapped[dict[str, Any]]


class LayerOverviewRow(Base):
    """All rasters of a layer in one CRS as one coarse raster, for tiles seen from afar."""

    __tablename__ = "layer_overview"

    layer_id: Mapped[str] = mapped_column(ForeignKey("layer.id", ondelete="CASCADE"), primary_key=True)
    epsg: Mapped[int] = mapped_column(primary_key=True)
    href: Mapped[str]
    confidence_href: Mapped[str | None]
    sha256: Mapped[str]
    left: Mapped[float]
    top: Mapped[float]
    resolution_m: Mapped[float]
    width: Mapped[int]
    height: Mapped[int]


class ImagerySourceRow(Base):
    """A registered imagery source; `document` is its ImagerySource."""

    __tablename__ = "imagery_source"

    id: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    registered_at: Mapped[float] = mapped_column(server_default=now_s())


class ImageryFileRow(Base):
    """A file of an imagery source. (left, bottom, right, top) in the source's CRS, metres."""

    __tablename__ = "imagery_file"

    id: Mapped[int] = mapped_column(_AUTO_ID, primary_key=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("imagery_source.id", ondelete="CASCADE"), index=True)
    role: Mapped[str]
    href: Mapped[str]
    left: Mapped[float]
    bottom: Mapped[float]
    right: Mapped[float]
    top: Mapped[float]
    footprint: Mapped[BaseGeometry]


class SeriesImageRow(Base):
    """An image of a source's Sentinel-2 series and its mask. taken: the day, as 2021-07-10. (left, bottom, right, top)
    in the image's own CRS, metres.
    """

    __tablename__ = "series_image"

    id: Mapped[int] = mapped_column(_AUTO_ID, primary_key=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("imagery_source.id", ondelete="CASCADE"), index=True)
    taken: Mapped[str]
    href: Mapped[str]
    mask_href: Mapped[str]
    epsg: Mapped[int]
    left: Mapped[float]
    bottom: Mapped[float]
    right: Mapped[float]
    top: Mapped[float]
    footprint: Mapped[BaseGeometry]


class ModelRow(Base):
    """A model card completed with weights by an operator; `document` is its ModelCard."""

    __tablename__ = "model"

    id: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    weights_href: Mapped[str]
    sha256: Mapped[str]
    added_at: Mapped[float] = mapped_column(server_default=now_s())


class JobRow(Base):
    """What somebody asked of a process. `status` is one of OGC API - Processes; the last three are never left.

    A prediction has an imagery source, a model and blocks; `predicted_by` is that model, or an ensemble and an
    augmentation (see `app.definitions.ensemble`). A job that counts has `progress` (0-100) and, in `checkpoint`, what
    is counted so far. `inputs` are those that no other column holds. `lease_until` and `fence` belong to the worker
    that is making the results. Whoever has the `permalink` may look at the job, and no more.

    `bells`: messages on their way to a worker of `queue`, since `rung_at`; 0 is the most urgent `priority`. `coverage`:
    share (0-1) of the AOI that has imagery. `blocks_reused`: done before the job was asked for. `request_id`: under
    which the logs have the request for it. `checksums`: output name -> sha256 of its file; jobs of the same
    `results_key` have the same files, but for those that name the job.
    """

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("owner", "idempotency_key"),
        CheckConstraint("status IN ('accepted','running','successful','failed','dismissed')", name="status"),
        Index("ix_job_status_created_at", "status", "created_at"),
        Index("ix_job_owner_created_at", "owner", "created_at"),
        Index("ix_job_permalink", "permalink", unique=True),
        Index("ix_job_results_key", "results_key"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    permalink: Mapped[str]
    owner: Mapped[str]
    idempotency_key: Mapped[str | None]
    request_sha256: Mapped[str]
    status: Mapped[str] = mapped_column(default="accepted")
    message: Mapped[str] = mapped_column(default="")
    process: Mapped[str]
    inputs: Mapped[dict[str, Any] | None]
    source_id: Mapped[str | None]
    model_id: Mapped[str | None]
    predicted_by: Mapped[str | None]
    outputs: Mapped[dict[str, Any]]
    aoi: Mapped[BaseGeometry]
    area_m2: Mapped[float]
    epsg: Mapped[int]
    coverage: Mapped[float | None]
    priority: Mapped[int] = mapped_column(default=1)
    queue: Mapped[str] = mapped_column(default="gpu")
    blocks_total: Mapped[int]
    blocks_done: Mapped[int] = mapped_column(default=0)
    blocks_failed: Mapped[int] = mapped_column(default=0)
    blocks_reused: Mapped[int] = mapped_column(default=0)
    results: Mapped[dict[str, Any] | None]
    results_key: Mapped[str | None]
    checksums: Mapped[dict[str, Any] | None]
    result_bytes: Mapped[int | None] = mapped_column(BigInteger)
    progress: Mapped[int] = mapped_column(default=0)
    checkpoint: Mapped[dict[str, Any] | None]
    finalize_attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[float] = mapped_column(default=0.0)
    fence: Mapped[int] = mapped_column(default=0)
    rung_at: Mapped[float] = mapped_column(default=0.0)
    bells: Mapped[int] = mapped_column(default=0)
    last_event: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[float] = mapped_column(server_default=now_s())
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]
    updated_at: Mapped[float] = mapped_column(server_default=now_s())
    used_at: Mapped[float] = mapped_column(default=0.0)
    expired_at: Mapped[float | None]
    request_id: Mapped[str | None]


class BlockRow(Base):
    """A block: the prediction of one cell, whoever asked. Its `key` holds all that decides its pixels.

    further_models: pairs of id and sha256, the other members of an ensemble in the order of their ids; None for one
    model alone. histogram: class value (as text) -> pixels; `lease_until` counts only while the block is claimed.
    Nobody claims it before `retry_at`. `used_at`: when a job last asked for it or read it.
    """

    __tablename__ = "block"
    __table_args__ = (
        CheckConstraint("status IN ('waiting','claimed','done','failed')", name="status"),
        Index("ix_block_status_lease_until", "status", "lease_until"),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    epsg: Mapped[int]
    grid_column: Mapped[int]
    grid_row: Mapped[int]
    source_id: Mapped[str]
    source_version: Mapped[str]
    model_id: Mapped[str]
    model_sha256: Mapped[str]
    further_models: Mapped[list[list[str]] | None] = mapped_column(JSON(none_as_null=True))
    augmentation: Mapped[str] = mapped_column(default="none")
    status: Mapped[str] = mapped_column(default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str | None]
    fence: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[float] = mapped_column(default=0.0)
    href: Mapped[str | None]
    sha256: Mapped[str | None]
    histogram: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None]
    seconds: Mapped[float | None]
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    retry_at: Mapped[float] = mapped_column(default=0.0)
    used_at: Mapped[float] = mapped_column(default=0.0)
    finished_at: Mapped[float | None]


class JobBlockRow(Base):
    """A block of a job; `position` orders them, the middle of the AOI first. `ended`: the job has counted its end."""

    __tablename__ = "job_block"
    __table_args__ = (
        Index(
            "ix_job_block_job_id_position",
            "job_id",
            "position",
            postgresql_where=text("NOT ended"),
            sqlite_where=text("NOT ended"),
        ),
    )

    job_id: Mapped[str] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    block_key: Mapped[str] = mapped_column(ForeignKey("block.key"), primary_key=True, index=True)
    position: Mapped[int]
    ended: Mapped[bool] = mapped_column(default=False)


class EventRow(Base):
    """Something that happened to a job, in the order of `id`: what server-sent events replay.

    `id` counts up within the job, from `JobRow.last_event`, so that events are seen in the order of their commits.
    """

    __tablename__ = "event"

    job_id: Mapped[str] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[float] = mapped_column(server_default=now_s())


class WorkerRow(Base):
    """A worker process. It is alive while it keeps `seen_at` fresh; `reason` says why it is out of service.

    seconds_per_block: what predicts (as in `JobRow.predicted_by`) -> its measured pace. fetch_seconds: imagery source
    -> how long the imagery of a block took to come from its map server. tallies: name -> what it has counted since it
    started.
    """

    __tablename__ = "worker"
    __table_args__ = (CheckConstraint("state IN ('ready','out of service','stopped')", name="state"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    device: Mapped[str]
    queues: Mapped[str]
    state: Mapped[str] = mapped_column(default="ready")
    reason: Mapped[str | None]
    seconds_per_block: Mapped[dict[str, Any]] = mapped_column(default=dict)
    fetch_seconds: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    tallies: Mapped[dict[str, Any]] = mapped_column(default=dict)
    started_at: Mapped[float] = mapped_column(server_default=now_s())
    seen_at: Mapped[float] = mapped_column(server_default=now_s())


class BellRow(Base):
    """Per queue and priority, when the latest bell that a worker has `heard` was rung: older ones are lost."""

    __tablename__ = "bell"

    queue: Mapped[str] = mapped_column(primary_key=True)
    priority: Mapped[int] = mapped_column(primary_key=True)
    heard: Mapped[float]


class ApiKeyRow(Base):
    """A key somebody may ask with: its hash, whose it is, and limits of its own (None: those of everybody)."""

    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("sha256"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    sha256: Mapped[str]
    operator: Mapped[bool] = mapped_column(default=False)
    active_jobs: Mapped[int | None]
    km2_per_day: Mapped[float | None]
    created_at: Mapped[float] = mapped_column(server_default=now_s())
    expires_at: Mapped[float | None]
    revoked_at: Mapped[float | None]
