"""Structured logs: one JSON object a line on standard error, with request and job ids where there are any."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import structlog

_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


_LEVELS = {logging.INFO: "info", logging.WARNING: "warning", logging.ERROR: "error"}

_quoted = json.JSONEncoder(ensure_ascii=False).encode


def log_request(request_id: str, method: str, path: str, status: int, ms: float) -> None:
    """The line of one answered request, on standard error like all others.

    request_id: letters, digits, dots and dashes. Written past the logging machinery, and only what a client chose
    goes through the encoder of JSON: both would be a quarter of the time of a tile from memory. What failed is a line
    of its own severity: 503 is weather, and a warning.
    """
    level = logging.INFO if status < 500 else logging.WARNING if status == 503 else logging.ERROR
    if logging.getLogger().isEnabledFor(level):
        sys.stderr.write(
            f'{{"event": "request", "method": {_quoted(method)}, "path": {_quoted(path)}, '
            f'"status": {status}, "ms": {ms:.1f}, "request_id": "{request_id}", "level": "{_LEVELS[level]}", '
            f'"timestamp": "{datetime.now(UTC).isoformat()}"}}\n'
        )


def configure_logs(level: str) -> None:
    """Sends the logs of this process, those of libraries included, through one JSON formatter."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_PROCESSORS,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)  # Python's warnings are lines of the log too, not bare text between them
    for name in ("uvicorn", "uvicorn.error", "celery", "celery.task", "celery.redirected"):
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = True
    access = logging.getLogger("uvicorn.access")  # `log_request` writes that line, with what we want to know
    access.handlers, access.propagate = [], False
    logging.getLogger("rasterio").setLevel(logging.ERROR)
    for name in ("celery.worker.strategy", "celery.app.trace"):
        # They name messages, which nobody knows; our own lines name jobs.
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
