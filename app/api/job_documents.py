"""What a job answers with when it is made, and its results, in the words of OGC API - Processes."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

from app import jobs
from app.api.job_status import statuses
from app.api.languages import language_headers
from app.database import JobRow, sessions
from app.definitions import Language
from app.errors import JobDismissed, JobFailed, ResultNotReady
from app.jobs import Seen
from app.outputs import OUTPUTS
from app.settings import settings


def created(job: JobRow, language: Language) -> JSONResponse:
    """201 with the job's status and its address."""
    with sessions().read() as session:
        status = statuses.of(session, Seen(jobs.get(session, job.id), job.id))
    headers = {"Location": f"{settings().public_url}/api/jobs/{job.id}", **language_headers(language)}
    return JSONResponse(status.told_in(language).document, 201, headers)


def results(job: JobRow) -> dict[str, Any]:
    """Output name -> link. Raises ResultNotReady for an active job, JobFailed, JobDismissed."""
    if job.status == "failed":
        raise JobFailed(f"the job failed: {job.message}")
    if job.status == "dismissed":
        raise JobDismissed("the job was dismissed: it has no results")
    if job.results is None:
        raise ResultNotReady(f"the job is {job.status}: results are there once it is successful")
    there = {}
    for name in job.outputs["names"]:
        output = OUTPUTS[name]
        there[name] = {
            "href": settings().public_url + _path(job, name),
            "type": output.media_type,
            "title": output.title_en,
            "title_fr": output.title_fr,
        }
        if sha256 := (job.checksums or {}).get(name):
            there[name]["sha256"] = sha256
    return there


def _path(job: JobRow, name: str) -> str:
    if name == "tiles":
        return f"/api/jobs/{job.permalink}/tiles/tilejson.json"
    file_name = (job.results or {})[name].rpartition("/")[2]
    return f"/api/jobs/{job.permalink}/results/{file_name}"


def link_header(document: dict[str, Any]) -> str:
    """The outputs of a results document as a `Link` header (RFC 8288): what `response=raw` asks for, by reference."""
    return ", ".join(
        f'<{output["href"]}>; rel="item"; type="{output["type"]}"; title="{name}"' for name, output in document.items()
    )
