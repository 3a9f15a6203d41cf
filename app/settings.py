"""Settings: every `COSIA_` environment variable, with its unit and default.

With none set, everything is embedded under one data folder (SQLite, our own Valkey, files).
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVICES = r"^(auto|cpu|cuda(:[0-9]{1,2})?)$"
"""What `device` may be."""


class Settings(BaseSettings):
    # Errors name the setting and what it expects, never what was given: it may be a secret.
    model_config = SettingsConfigDict(env_prefix="COSIA_", frozen=True, hide_input_in_errors=True)

    data: str = Field(".data", description="Data folder, or s3://bucket/prefix.")
    local: str = Field(".data", description="Folder of the embedded parts where the data are in S3.")
    s3_endpoint: str = Field(
        "", description="Address of an S3-compatible server (https://…). Unset: Amazon's. Keys: the AWS_ variables."
    )
    database_url: SecretStr | None = Field(
        None, description="SQLAlchemy URL (postgresql+psycopg://…). Unset: SQLite in the data folder."
    )
    redis_url: SecretStr | None = Field(
        None, description="redis:// or redis+socket:// URL. Unset: the embedded broker of `cosia up`."
    )
    public_url: str = Field("", description="Address that all links begin with. Unset: http://host:port.")
    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the web server listens on.")
    provider_name: str = Field("CoSIA Map", min_length=1, max_length=200, description="Who offers the service.")
    provider_url: str = Field("", description="Site of who offers the service. Unset: the page itself.")
    contact_name: str = Field("", max_length=200, description="Person or team to ask about the service.")
    contact_email: str = Field("", max_length=254, description="E-mail address to ask about the service.")
    embed_origins: str = Field(
        "",
        description="Sites that may frame the map: https://example.org, comma-separated; * for all. Unset: none.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe line logged.")

    demonstration_blocks: int = Field(
        3, ge=0, le=10, description="Side of the demonstration territory, blocks of 409.6 m; 0 for none."
    )
    demonstration_vintages: int = Field(
        2,
        ge=1,
        le=2,
        description="Vintages of the demonstration territory; the second is predicted once `cosia up` is ready.",
    )

    aoi_km2: float = Field(25.0, gt=0, description="Largest area of interest, km².")
    aoi_vertices: int = Field(10_000, gt=3, description="Most vertices in an area of interest.")
    areas_km2: float = Field(
        100.0, gt=0, description="Largest polygon whose areas are counted while the caller waits, km²; changes: half."
    )
    statistics_km2: float = Field(
        20_000.0, gt=0, description="Largest polygon that a job counts areas or changes in, km²."
    )
    statistics_threads: int = Field(2, gt=0, description="Threads that count areas and changes, in each process.")
    publish_results: bool = Field(True, description="Whether callers may publish results of their jobs as layers.")
    api_keys: Literal["optional", "required"] = Field(
        "optional", description="Whether anonymous callers may ask for jobs, or only those with an API key."
    )
    trusted_proxies: str = Field(
        "", description="Proxies whose X-Forwarded-For is believed: addresses and networks, comma-separated."
    )
    body_bytes: int = Field(2_000_000, gt=0, description="Largest request body, bytes.")
    active_jobs: int = Field(20, gt=0, description="Most jobs accepted or running at a time for one caller.")
    km2_per_day: float = Field(500.0, gt=0, description="Largest area one caller may ask for in 24 hours, km².")
    queue_length: int = Field(10_000, gt=0, description="Most blocks waiting to be computed, of all jobs.")

    remote_imagery: bool = Field(
        True, description="Whether the shipped definitions of public map servers are offered as imagery."
    )
    imagery_cache_bytes: int = Field(
        10_000_000_000, ge=0, description="Most bytes kept of what map servers gave; the least recently used go first."
    )

    geocoder_url: str = Field(
        "https://data.geopf.fr/geocodage/search",
        description="Search of the national geocoder, asked for places and addresses. Empty: nobody is asked.",
    )

    followers: int = Field(500, gt=0, description="Most event streams of jobs open at a time, in each process.")

    answer_wait_s: float = Field(
        2.5, gt=0, description="Longest wait of who asks for jobs, s; then they are told to come back."
    )

    device: str = Field(
        "auto",
        pattern=DEVICES,
        description="Device of the networks: auto (a GPU if there is one), cpu, cuda, or cuda:1 for the second GPU.",
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="Type that networks compute in; auto is bf16 on a GPU that has it, fp32 elsewhere."
    )
    batch_s: float = Field(10.0, gt=0, le=60, description="Time a worker predicts for one job before others, s.")
    hub_url: str = Field("https://huggingface.co", description="Hub that `cosia model add` fetches from.")
    hub_token: SecretStr | None = Field(
        None, description="Access token of that hub, for repositories that are not public."
    )
    queues: str = Field(
        "", description="Queues of models: pattern=queue, comma-separated, the first that fits. Otherwise gpu."
    )
    batches_in_flight: int = Field(4, gt=0, description="Batches one job may have queued or running at a time.")
    lease_s: float = Field(60.0, gt=1, description="Time a claimed block stays its worker's without a sign of life, s.")
    turn_s: float = Field(10.0, gt=0, description="Time a counting job has a worker for itself before others, s.")
    stall_s: float = Field(
        120.0, gt=1, description="Time without progress after which a worker gives up its work and is restarted, s."
    )
    sweep_s: float = Field(5.0, gt=0, description="Time between two rounds of the sweeper, s.")
    attempts: int = Field(3, gt=0, description="Tries of a block before it fails.")

    result_days: float = Field(30.0, ge=0, description="Days after their last use until results go; 0 for never.")
    result_bytes: int = Field(
        50_000_000_000, ge=0, description="Most bytes of results; the least recently used go first. 0 for no limit."
    )
    block_bytes: int = Field(
        100_000_000_000, ge=0, description="Most bytes of blocks; the least recently used go first. 0 for no limit."
    )
    job_days: float = Field(
        365.0, ge=0, description="Days after its end until a job without results is forgotten; 0 for never."
    )

    raster_handles: int = Field(64, gt=0, description="Open rasters kept by each thread.")
    raster_cache_bytes: int = Field(64_000_000, ge=0, description="Memory for decoded parts of rasters, bytes.")
    tile_cache_bytes: int = Field(64_000_000, ge=0, description="Memory for encoded tiles, bytes.")
    tile_cache_redis_url: SecretStr | None = Field(
        None, description="redis:// URL of a second cache of tiles, shared by all processes. Unset: none."
    )
    tile_cache_expires_s: int = Field(86_400, gt=0, description="Time a tile stays in the second cache, s.")
    tile_threads: int = Field(1, gt=0, description="Threads that render tiles; slow disks and buckets want some ten.")
    tile_queue: int = Field(500, ge=0, description="Most tiles waiting for a thread; more are refused for the moment.")
    tile_wait_s: float = Field(1.0, gt=0, description="Longest wait of a tile for a thread, s; then it is refused.")
    scrub_s: float = Field(3.0, gt=0, description="Time until a changed file of a layer is noticed, s.")
    scrub_bytes_per_s: int = Field(
        20_000_000, ge=0, description="Speed of reading all files of layers through for rot, bytes/s; 0 for never."
    )
    refresh_s: float = Field(2.0, gt=0, description="Time until a published layer is seen by every process, s.")

    @model_validator(mode="before")
    @classmethod
    def _public_url_of_address(cls, values: dict[str, Any]) -> dict[str, Any]:
        host, port = values.get("host", "127.0.0.1"), values.get("port", 8000)
        return {**values, "public_url": (values.get("public_url") or f"http://{host}:{port}").rstrip("/")}

    @field_validator("s3_endpoint")
    @classmethod
    def _an_address_without_secrets(cls, value: str) -> str:
        parts = urlsplit(value)
        more = parts.path.strip("/") or parts.query or "@" in value
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or more):
            raise ValueError("expected https://host, https://host:port, or the same with http")
        return value.rstrip("/")

    @field_validator("hub_token")
    @classmethod
    def _a_token(cls, value: SecretStr | None) -> SecretStr | None:
        # A secret read from a file often ends in a line break; in a header it would be refused in words that show it.
        token = value.get_secret_value().strip() if value else ""
        if not all("!" <= character <= "~" for character in token):
            raise ValueError("expected a word of letters, digits and signs")
        return SecretStr(token) if token else None

    @field_validator("geocoder_url")
    @classmethod
    def _a_geocoder(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or "@" in value):
            raise ValueError("expected an address such as https://data.geopf.fr/geocodage/search, or nothing")
        return value

    @field_validator("hub_url")
    @classmethod
    def _a_hub(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or "@" in value:
            raise ValueError("expected an address such as https://huggingface.co, without user or token")
        return value.rstrip("/")

    @field_validator("queues")
    @classmethod
    def _rules_of_queues(cls, value: str) -> str:
        for rule in filter(None, value.split(",")):
            if not re.fullmatch(r"\s*[\w.*?\[\]-]+=[A-Za-z0-9_-]+\s*", rule):
                raise ValueError("expected pattern=queue, comma-separated, such as flair-*=gpu-large,*=gpu")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, value: str) -> str:
        try:
            networks = [ipaddress.ip_network(word.strip()) for word in value.split(",") if word.strip()]
        except ValueError as error:
            raise ValueError(f"expected addresses and networks such as 10.0.0.2,172.30.0.0/24: {error}") from error
        return ",".join(str(network) for network in networks)

    @field_validator("provider_url")
    @classmethod
    def _a_site(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("expected an address such as https://example.org")
        return value

    @field_validator("embed_origins")
    @classmethod
    def _sources_of_a_policy(cls, value: str) -> str:
        # They end in a header between other words: nothing but sites may come through.
        sites = [word.strip().rstrip("/") for word in value.split(",") if word.strip()]
        for site in sites:
            if site != "*" and not re.fullmatch(r"https?://(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?", site):
                raise ValueError("expected sites such as https://example.org,https://*.example.org, or *")
        return ",".join(sites)

    @field_validator("contact_email")
    @classmethod
    def _an_email_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+", value):
            raise ValueError("expected an address such as maps@example.org")
        return value

    @field_validator("provider_name", "contact_name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("expected one line of text")
        return value

    @property
    def embed_sites(self) -> list[str]:
        return self.embed_origins.split(",") if self.embed_origins else []

    @property
    def is_s3(self) -> bool:
        return self.data.startswith("s3://")

    @property
    def local_folder(self) -> Path:
        """The local folder of the embedded parts (database, broker, logs, demonstration imagery)."""
        return Path(self.local if self.is_s3 else self.data).resolve()


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once from its environment."""
    return Settings()
