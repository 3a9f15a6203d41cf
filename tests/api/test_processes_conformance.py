"""OGC API - Processes 1.0 (OGC 18-062r2), requirement by requirement.

Classes: Core, OGC Process Description, JSON, OpenAPI 3.0, Job List and Dismiss. Each test is named after the
requirement it holds the service to.

Synchronous execution and callbacks are not offered: their requirements are tested as refusals, or for what they ask of
an asynchronous job's results.
"""

from __future__ import annotations

import base64
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient
from openapi_spec_validator import OpenAPIV30SpecValidator

from app import jobs
from app.database import JobRow, sessions
from app.storage import storage
from tests.api import processes_schemas as schemas
from tests.api.processes_schemas import require_valid
from tests.api.test_processes import AREA, BOW_TIE, PROCESS, execute

EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"
RELATIONS = "http://www.opengis.net/def/rel/ogc/1.0"
CLASSES = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf"
INPUTS = {"aoi": AREA, "model": "tiny", "outputs": ["areas", "classes"]}
NOBODY_S = "0" * 32


@pytest.fixture
def job_id(service: TestClient) -> str:
    return str(execute(service, INPUTS).json()["jobID"])


def succeed(job_id: str) -> None:
    """What a worker leaves of a job."""
    hrefs = {"areas": f"jobs/{job_id}/areas.json", "classes": f"jobs/{job_id}/classes.tif"}
    for href in hrefs.values():
        with storage().writing(href) as path:
            path.write_bytes(b"{}")
    with sessions().write() as session:
        jobs.succeed(session, job_id, hrefs)


def change(job_id: str, **values: Any) -> None:
    with sessions().write() as session:
        job = session.get_one(JobRow, job_id)
        for name, value in values.items():
            setattr(job, name, value)


def listed(service: TestClient, query: str = "") -> list[str]:
    return [job["jobID"] for job in service.get(f"/api/jobs{query}").json()["jobs"]]


def relations(document: dict[str, Any]) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in document["links"]}


# --- Core: landing page, conformance, API definition


def test_core_landingpage_op_and_success(service: TestClient) -> None:
    answer = service.get("/api")

    assert answer.status_code == 200
    require_valid(answer.json(), schemas.LANDING_PAGE)
    links = relations(answer.json())
    assert {"service-desc", "service-doc"} & set(links)
    assert links[f"{RELATIONS}/conformance"].endswith("/api/conformance")
    assert links[f"{RELATIONS}/processes"].endswith("/api/processes")
    assert links[f"{RELATIONS}/job-list"].endswith("/api/jobs")  # /rec/job-list/landing-page


def test_core_conformance_op_and_success(service: TestClient) -> None:
    answer = service.get("/api/conformance")

    assert answer.status_code == 200
    require_valid(answer.json(), schemas.CONFORMANCE)
    declared = {uri for uri in answer.json()["conformsTo"] if uri.startswith(CLASSES)}
    assert declared == {
        f"{CLASSES}/{name}" for name in ("core", "ogc-process-description", "json", "oas30", "job-list", "dismiss")
    }


def test_core_api_definition_op_and_success(service: TestClient) -> None:
    links = [link for link in service.get("/api").json()["links"] if link["rel"] in ("service-desc", "service-doc")]

    assert len(links) == 2
    for link in links:
        assert service.get(link["href"]).status_code == 200


def test_core_http_answers_with_methods_and_media_types(service: TestClient, job_id: str) -> None:
    refused = service.post(f"/api/jobs/{job_id}")

    assert refused.status_code == 405
    assert {"GET", "DELETE"} <= {method.strip() for method in refused.headers["allow"].split(",")}
    assert (
        service.post(f"{PROCESS}/execution", content=b"<xml/>", headers={"Content-Type": "text/xml"}).status_code == 415
    )


# --- Core: processes


def test_core_process_list_and_links(service: TestClient) -> None:
    answer = service.get("/api/processes")

    assert answer.status_code == 200
    require_valid(answer.json(), schemas.PROCESS_LIST)
    assert relations(answer.json())["self"].endswith("/api/processes")
    assert {"predict-land-cover", "measure-areas", "compare-layers"} <= {p["id"] for p in answer.json()["processes"]}


def test_core_pl_limit_definition_and_response(service: TestClient) -> None:
    every = [process["id"] for process in service.get("/api/processes").json()["processes"]]
    seen: list[str] = []
    page = service.get("/api/processes?limit=1").json()
    while True:
        assert len(page["processes"]) == 1
        seen += [process["id"] for process in page["processes"]]
        if "next" not in relations(page):  # /rec/core/next-1 to next-3
            break
        page = service.get(relations(page)["next"]).json()

    assert seen == every
    assert service.get("/api/processes?limit=0").status_code == 400


@pytest.mark.parametrize(
    ("client", "process"),
    [("service", "predict-land-cover"), ("published", "measure-areas"), ("published", "compare-layers")],
)
def test_core_process_success_and_ogc_process_description_json_encoding(
    request: pytest.FixtureRequest, client: str, process: str
) -> None:
    answer = request.getfixturevalue(client).get(f"/api/processes/{process}")

    assert answer.status_code == 200
    require_valid(answer.json(), schemas.PROCESS)
    assert answer.json()["jobControlOptions"] == ["async-execute", "dismiss"]
    assert relations(answer.json())[f"{RELATIONS}/execute"].endswith(f"/api/processes/{process}/execution")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "other"), ("POST", "other/execution"), ("POST", "other/estimate")]
)
def test_core_process_exception_no_such_process(service: TestClient, method: str, path: str) -> None:
    answer = service.request(method, f"/api/processes/{path}", json={"inputs": INPUTS} if method == "POST" else None)

    assert answer.status_code == 404
    require_valid(answer.json(), schemas.EXCEPTION)
    assert answer.json()["type"] == f"{EXCEPTIONS}/no-such-process"


# --- Core: execution


def test_core_process_execute_op_and_success_async(service: TestClient) -> None:
    answer = execute(service, INPUTS)

    assert answer.status_code == 201
    require_valid(answer.json(), schemas.STATUS_INFO)
    assert answer.headers["location"] == f"http://127.0.0.1:8000/api/jobs/{answer.json()['jobID']}"
    assert service.get(answer.headers["location"]).status_code == 200


@pytest.mark.parametrize("prefer", [None, "respond-async", "respond-async, wait=10", "wait=10", "respond-sync"])
def test_core_process_execute_default_and_auto_execution_mode(service: TestClient, prefer: str | None) -> None:
    answer = execute(service, INPUTS, **({"Prefer": prefer} if prefer else {}))

    assert answer.status_code == 201  # the process can only be executed asynchronously
    applied = answer.headers.get("preference-applied")  # /rec/core/process-execute-preference-applied
    assert applied == ("respond-async" if prefer and "respond-async" in prefer else None)


def test_core_process_execute_request_takes_the_standard_s_members(service: TestClient) -> None:
    body = {
        "inputs": {"aoi": AREA, "model": "tiny"},
        "outputs": {"areas": {"transmissionMode": "reference"}, "classes": {}},
        "response": "document",
    }
    job = service.post(f"{PROCESS}/execution", json=body).json()
    succeed(job["jobID"])

    assert set(service.get(f"/api/jobs/{job['jobID']}/results").json()) == {"areas", "classes"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"outputs": {"pdf": {}}}, "areas"),
        ({"outputs": []}, "areas"),
        ({"outputs": {}}, "areas"),
        ({"outputs": {"areas": {"transmissionMode": "value"}}}, "by reference only"),
        ({"response": "both"}, "document or raw"),
        ({"subscriber": {"successUri": "http://127.0.0.1:18099/"}}, "calls nobody back"),
    ],
)
def test_core_process_execute_request_refuses_what_it_does_not_offer(
    service: TestClient, body: dict[str, Any], says: str
) -> None:
    answer = service.post(f"{PROCESS}/execution", json={"inputs": {"aoi": AREA, "model": "tiny"}, **body})

    assert answer.status_code == 400
    require_valid(answer.json(), schemas.EXCEPTION)
    assert says in answer.json()["detail"]


def test_core_process_execute_default_outputs_are_all_but_costly_polygons_and_comparisons(service: TestClient) -> None:
    job = service.post(f"{PROCESS}/execution", json={"inputs": {"aoi": AREA, "model": "tiny"}}).json()

    with sessions().read() as session:
        names = session.get_one(JobRow, job["jobID"]).outputs["names"]
    described = service.get(PROCESS).json()["outputs"]
    compared = {name for name in described if name.startswith("changes")}
    assert set(names) == set(described) - compared - {"polygons"}


DATA_URL = "data:application/geo+json," + json.dumps(AREA).replace(" ", "%20")
BASE64_URL = "data:application/geo+json;base64," + base64.b64encode(json.dumps(AREA).encode()).decode()
FEATURE = {"type": "Feature", "geometry": AREA, "properties": {}}


@pytest.mark.parametrize(
    "aoi",
    [AREA, FEATURE, {"value": AREA}, {"value": FEATURE, "mediaType": "application/geo+json"}, {"href": DATA_URL},
     {"href": BASE64_URL, "type": "application/geo+json"}],
    ids=["inline", "feature", "qualified", "qualified feature", "by reference", "by reference, base64"],
)  # fmt: skip
def test_core_process_execute_inputs_inline_object_mixed_type_and_by_reference(
    service: TestClient, aoi: dict[str, Any]
) -> None:
    answer = execute(service, {"aoi": aoi, "model": {"value": "tiny"}})

    assert answer.status_code == 201
    assert answer.json()["area_m2"] == pytest.approx(49.6**2, rel=1e-6)


def test_core_process_execute_input_inline_bbox(service: TestClient) -> None:
    west, south, east, north = shapely.geometry.shape(AREA).bounds
    crs84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
    answers = [
        execute(service, {"aoi": {"bbox": [west, south, east, north], **crs}, "model": "tiny"})
        for crs in ({}, {"crs": crs84})
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["bbox"] == [west, south, east, north]


def test_core_process_execute_input_inline_binary_has_no_input_to_apply_to(service: TestClient) -> None:
    inputs = service.get(PROCESS).json()["inputs"].values()

    assert not [each for each in inputs if "contentEncoding" in each["schema"] or "contentMediaType" in each["schema"]]


def test_core_process_execute_input_array_has_no_input_to_apply_to(service: TestClient) -> None:
    assert all(each.get("maxOccurs", 1) == 1 for each in service.get(PROCESS).json()["inputs"].values())


@pytest.mark.parametrize(
    ("aoi", "says"),
    [
        (BOW_TIE, "3.2625, 43.5565"),
        ({"value": BOW_TIE}, "3.2625, 43.5565"),
        ({"value": AREA, "mediaType": "application/gml+xml"}, "mediaType"),
        ({"value": "e30=", "encoding": "base64"}, "mediaType"),
        ({"bbox": [3.27, 43.55, 3.26, 43.56]}, "west below east"),
        ({"bbox": [3.26, 43.55, "3.27", 43.56]}, "[west, south, east, north]"),
        ({"bbox": [3.26, 43.55, 3.27, 43.56], "crs": "EPSG:4326"}, "longitude/latitude"),
        ({"href": "http://127.0.0.1:18099/aoi.json"}, "fetches none"),
        ({"href": "file:///etc/passwd"}, "fetches none"),
        ({"href": 5}, "fetches none"),
        ({"href": "data:text/plain,hello"}, "application/geo+json"),
        ({"href": "data:application/geo+json,{"}, "not JSON"),
        ({"href": "data:application/geo+json;base64,*"}, "not JSON"),
        ({"href": "data:application/geo+json,5"}, "GeoJSON"),
    ],
)  # fmt: skip
def test_core_process_execute_input_validation(service: TestClient, aoi: dict[str, Any], says: str) -> None:
    answer = execute(service, {"aoi": aoi, "model": "tiny"})

    assert answer.status_code == 400
    require_valid(answer.json(), schemas.EXCEPTION)
    assert says in answer.json()["detail"]


# --- Core: jobs and results


def test_core_job_op_and_success(service: TestClient, job_id: str) -> None:
    answer = service.get(f"/api/jobs/{job_id}")

    assert answer.status_code == 200
    require_valid(answer.json(), schemas.STATUS_INFO)
    assert {"processID", "created", "updated"} <= set(answer.json())  # /rec/core/job-status
    assert "started" not in answer.json()
    assert "finished" not in answer.json()


@pytest.mark.parametrize("status", ["running", "successful", "failed", "dismissed"])
def test_core_job_success_in_every_status(service: TestClient, job_id: str, status: str) -> None:
    before = service.get(f"/api/jobs/{job_id}").json()["updated"]
    with sessions().write() as session:
        jobs.claim_blocks(session, job_id, owner="a", limit=1, lease_s=60, most_attempts=3)
    if status == "successful":
        succeed(job_id)
    elif status != "running":
        with sessions().write() as session:
            jobs.fail(session, job_id, "a reason") if status == "failed" else None
        if status == "dismissed":
            service.delete(f"/api/jobs/{job_id}")

    document = service.get(f"/api/jobs/{job_id}").json()
    require_valid(document, schemas.STATUS_INFO)
    assert document["status"] == status
    assert document["updated"] >= before
    assert ("finished" in document) == (status != "running")
    assert (f"{RELATIONS}/results" in relations(document)) == (status == "successful")


@pytest.mark.parametrize("rest", ["", "/results", "/results/areas.json", "/events", "/tiles/tilejson.json"])
@pytest.mark.parametrize("name", [NOBODY_S, "unknown"])
def test_core_job_exception_no_such_job(service: TestClient, name: str, rest: str) -> None:
    answer = service.get(f"/api/jobs/{name}{rest}")

    assert answer.status_code == 404
    require_valid(answer.json(), schemas.EXCEPTION)
    assert answer.json()["type"] == f"{EXCEPTIONS}/no-such-job"


def test_core_job_results_exception_results_not_ready(service: TestClient, job_id: str) -> None:
    answer = service.get(f"/api/jobs/{job_id}/results")

    assert answer.status_code == 404
    require_valid(answer.json(), schemas.EXCEPTION)
    assert answer.json()["type"] == f"{EXCEPTIONS}/result-not-ready"


def test_core_job_results_failed(service: TestClient, job_id: str) -> None:
    with sessions().write() as session:
        jobs.fail(session, job_id, "1 of 1 blocks failed: the imagery cannot be read")

    answer = service.get(f"/api/jobs/{job_id}/results")

    assert answer.status_code == 409
    require_valid(answer.json(), schemas.EXCEPTION)
    assert answer.json()["type"] == "urn:cosia:problem:job-failed"
    assert "the imagery cannot be read" in answer.json()["detail"]


def test_core_job_results_async_document(service: TestClient, job_id: str) -> None:
    succeed(job_id)

    answer = service.get(f"/api/jobs/{job_id}/results")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    require_valid(answer.json(), schemas.RESULTS)
    assert service.get(answer.json()["areas"]["href"]).content == b"{}"


def test_core_job_results_async_raw_ref(service: TestClient) -> None:
    job = service.post(f"{PROCESS}/execution", json={"inputs": INPUTS, "response": "raw"}).json()
    succeed(job["jobID"])

    answer = service.get(f"/api/jobs/{job['jobID']}/results")

    assert (answer.status_code, answer.content) == (204, b"")
    hrefs = [part.split(">")[0].strip(" <") for part in answer.headers["link"].split(", <")]
    assert [href.rpartition("/")[2] for href in hrefs] == ["areas.json", "classes.tif"]
    assert all(service.get(href).content == b"{}" for href in hrefs)


def test_core_job_results_by_value_are_not_offered(service: TestClient) -> None:
    processes = service.get("/api/processes").json()["processes"]

    assert all(process["outputTransmission"] == ["reference"] for process in processes)


# --- OGC Process Description


def test_ogc_process_description_inputs_and_outputs_def(service: TestClient) -> None:
    described = service.get(PROCESS).json()

    assert {"aoi", "source", "model", "outputs"} <= set(described["inputs"])
    assert {name for name, each in described["inputs"].items() if each.get("minOccurs", 1) > 0} == {"aoi"}
    assert {"classes", "confidence", "areas", "tiles"} <= set(described["outputs"])


def test_ogc_process_description_input_mixed_type_is_one_of_the_forms_of_an_area(service: TestClient) -> None:
    forms = service.get(PROCESS).json()["inputs"]["aoi"]["schema"]["oneOf"]

    assert [form["format"] for form in forms] == [
        "geojson-geometry", "geojson-feature", "geojson-feature-collection", "ogc-bbox"
    ]  # fmt: skip


# --- JSON


@pytest.mark.parametrize("path", ["/api", "/api/conformance", "/api/processes", PROCESS, "/api/jobs"])
def test_json_definition(service: TestClient, path: str) -> None:
    assert service.get(path, headers={"Accept": "application/json"}).headers["content-type"] == "application/json"


def test_json_definition_of_executions_and_jobs(service: TestClient) -> None:
    created = execute(service, INPUTS)

    assert created.headers["content-type"] == "application/json"
    assert service.get(created.headers["location"]).headers["content-type"] == "application/json"


# --- OpenAPI 3.0


@pytest.fixture
def description(service: TestClient) -> dict[str, Any]:
    document: dict[str, Any] = service.get("/api/openapi.json").json()
    return document


def test_oas30_oas_definition_1_in_json_and_html(service: TestClient) -> None:
    links = {link["rel"]: link for link in service.get("/api").json()["links"]}

    described = service.get(links["service-desc"]["href"])
    assert described.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    assert links["service-desc"]["type"] == described.headers["content-type"]
    assert service.get(links["service-doc"]["href"]).headers["content-type"].startswith("text/html")


def test_oas30_oas_definition_2_conforms_to_openapi_3_0(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.0.")
    assert [error.message for error in OpenAPIV30SpecValidator(description).iter_errors()] == []


def test_oas30_oas_impl_completeness_and_exceptions_codes(description: dict[str, Any]) -> None:
    operations = {
        "/api": "get", "/api/conformance": "get", "/api/processes": "get", "/api/processes/{processID}": "get",
        "/api/processes/{processID}/execution": "post", "/api/jobs": "get", "/api/jobs/{jobID}": "get",
        "/api/jobs/{jobID}/results": "get",
    }  # fmt: skip
    for path, method in [*operations.items(), ("/api/jobs/{jobID}", "delete")]:
        answers = description["paths"][path][method]["responses"]
        assert {"4XX", "503"} <= set(answers), path
        assert set(answers) & {"200", "201"}, path


def test_oas30_security(description: dict[str, Any]) -> None:
    schemes = description["components"]["securitySchemes"].values()

    assert {(scheme["type"], scheme.get("scheme") or scheme.get("name")) for scheme in schemes} == {
        ("http", "bearer"),
        ("apiKey", "X-API-Key"),
    }
    assert {} in description["security"]  # without a key, too


# --- Job List


def test_job_list_op_success_links_and_process_id_mandatory(service: TestClient, job_id: str) -> None:
    answer = service.get("/api/jobs")

    assert answer.status_code == 200
    require_valid(answer.json(), schemas.JOB_LIST)
    assert [job["jobID"] for job in answer.json()["jobs"]] == [job_id]
    assert relations(answer.json()) == {"self": "http://127.0.0.1:8000/api/jobs"}


def test_job_list_limit_definition_and_response(service: TestClient) -> None:
    ids = [execute(service, INPUTS).json()["jobID"] for _ in range(3)]
    pages = []
    address = "/api/jobs?limit=2&status=accepted"
    while address:
        document = service.get(address).json()
        pages.append([job["jobID"] for job in document["jobs"]])
        address = relations(document).get("next", "")  # /rec/job-list/next-1 to next-3

    assert pages == [[ids[2], ids[1]], [ids[0]]]
    assert service.get("/api/jobs?limit=0").status_code == 400
    assert service.get("/api/jobs?limit=1001").status_code == 400
    assert service.get(f"/api/jobs?before={NOBODY_S}").status_code == 400


def test_job_list_type_definition_and_response(service: TestClient, job_id: str) -> None:
    assert listed(service, "?type=process") == listed(service) == [job_id]
    assert listed(service, "?type=other") == []
    assert listed(service, "?type=other&type=process") == [job_id]


def test_job_list_process_id_definition_and_response(service: TestClient, job_id: str) -> None:
    assert listed(service, "?processID=predict-land-cover") == [job_id]
    assert listed(service, "?processID=measure-areas,predict-land-cover") == [job_id]
    assert listed(service, "?processID=measure-areas") == []


def test_job_list_status_definition_and_response(service: TestClient, job_id: str) -> None:
    other = execute(service, INPUTS).json()["jobID"]
    service.delete(f"/api/jobs/{other}")

    assert listed(service, "?status=dismissed") == [other]
    assert listed(service, "?status=accepted&status=dismissed") == [other, job_id]
    assert listed(service, "?status=running,failed") == []
    assert service.get("/api/jobs?status=finished").status_code == 400


def test_job_list_datetime_definition_and_response(service: TestClient, job_id: str) -> None:
    created = service.get(f"/api/jobs/{job_id}").json()["created"]
    moment = datetime.fromisoformat(created)
    earlier, later = (
        (moment + timedelta(seconds=by)).astimezone(UTC).isoformat().replace("+00:00", "Z") for by in (-60, 60)
    )

    for interval in (created, f"{created}/..", f"../{created}", f"/{later}", f"{earlier}/", f"{earlier}/{later}"):
        assert listed(service, f"?datetime={interval}") == [job_id], interval
    for interval in (earlier, f"{later}/..", f"../{earlier}"):
        assert listed(service, f"?datetime={interval}") == [], interval


@pytest.mark.parametrize("text", ["yesterday", "2026-01-31", "../..", "/", "2026-13-01T00:00:00Z",
                                  "2026-02-01T00:00:00Z/2026-01-01T00:00:00Z", "0000-01-01T00:00:00Z"])  # fmt: skip
def test_job_list_datetime_definition_refuses_other_forms(service: TestClient, text: str) -> None:
    answer = service.get(f"/api/jobs?datetime={text}")

    assert (answer.status_code, answer.json()["parameter"]) == (400, "datetime")


def test_job_list_duration_definition_and_response(service: TestClient) -> None:
    names = [execute(service, INPUTS).json()["jobID"] for _ in range(3)]
    waiting, running, ended = names
    now = datetime.now(UTC).timestamp()
    change(running, status="running", started_at=now - 100)
    change(ended, status="successful", started_at=now - 1000, finished_at=now - 990, results={})

    assert listed(service, "?minDuration=50") == [running]
    assert listed(service, "?maxDuration=50") == [ended]
    assert listed(service, "?minDuration=5&maxDuration=500") == [ended, running]
    assert listed(service, "?minDuration=0&status=accepted") == []  # it has not begun
    assert waiting in listed(service)
    assert service.get("/api/jobs?minDuration=soon").status_code == 400


def test_job_list_processid_mandatory_in_the_description_of_statuses(service: TestClient, job_id: str) -> None:
    for document in (service.get(f"/api/jobs/{job_id}").json(), *service.get("/api/jobs").json()["jobs"]):
        assert document["processID"] == "predict-land-cover"


# --- Dismiss


def test_dismiss_job_dismiss_op_and_success(service: TestClient, job_id: str) -> None:
    for answer in itertools.islice(iter(lambda: service.delete(f"/api/jobs/{job_id}"), None), 2):
        assert answer.status_code == 200
        require_valid(answer.json(), schemas.STATUS_INFO)
        assert answer.json()["status"] == "dismissed"


def test_dismiss_of_a_job_that_is_not_there(service: TestClient) -> None:
    answer = service.delete(f"/api/jobs/{NOBODY_S}")

    assert answer.status_code == 404
    assert answer.json()["type"] == f"{EXCEPTIONS}/no-such-job"


def test_dismiss_of_a_finished_job_changes_nothing(service: TestClient, job_id: str) -> None:
    succeed(job_id)

    assert service.delete(f"/api/jobs/{job_id}").status_code == 409
    assert service.get(f"/api/jobs/{job_id}").json()["status"] == "successful"
