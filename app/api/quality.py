"""How good a layer is: the report of its evaluation, as a document and as a page."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from app.api.landing import link
from app.api.languages import LanguageAsked, language_headers, language_of
from app.api.parameters import allow_only
from app.api.reading import NO_CACHE, content, read_route
from app.api.tiles import LayerId, catalogue_of
from app.catalogue import Layer
from app.database import sessions
from app.errors import Unknown
from app.quality import CONTENT_SECURITY_POLICY, QualityReport, find_report, page

router = APIRouter(prefix="/collections/{layer}", tags=["collections"])

_HTML = "text/html; charset=utf-8"


@read_route(
    router,
    "/quality.json",
    summary="Report of the quality of a layer: confusion matrix, figures per class, edges, confidence",
    response_class=Response,
    responses={200: {"model": QualityReport}},
)
def quality_document(request: Request, layer: LayerId) -> Response:
    allow_only(request, ())
    report = _report(request, layer)
    return content(request, report.model_dump_json().encode(), "application/json", NO_CACHE)


@read_route(
    router,
    "/quality.html",
    summary="The same as a page with plots, in French or English",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}},
)
def quality_page(request: Request, layer: LayerId, lang: LanguageAsked = None) -> Response:
    allow_only(request, ("lang",))
    language = language_of(request, lang)
    answer = content(request, page(_report(request, layer), language).encode(), _HTML, NO_CACHE)
    answer.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    answer.headers.update(language_headers(language))
    return answer


def links(layer: Layer) -> list[dict[str, Any]]:
    """To the report, where there is one."""
    if layer.quality is None:
        return []
    path = f"/api/collections/{layer.id}/quality"
    return [
        link("describedby", f"{path}.json", "report of its quality"),
        link("describedby", f"{path}.html", "report of its quality, with plots", "text/html"),
    ]


def _report(request: Request, layer_id: str) -> QualityReport:
    layer = catalogue_of(request).layer(layer_id)
    with sessions().read() as session:
        report = find_report(session, layer.id, layer.version)
    if report is None:
        raise Unknown(
            "this layer was not evaluated, or its content has changed since: "
            "`cosia evaluate --layer ID --reference FILE --publish` does it",
            "layer",
        )
    return report
