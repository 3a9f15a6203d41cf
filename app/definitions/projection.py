"""Coordinate reference systems of files, recognised by what they do rather than by what they are called."""

from __future__ import annotations

from functools import lru_cache

from pyproj import CRS
from pyproj.exceptions import CRSError

from app.definitions.grid import prediction_crs

_ELLIPSOID_TOLERANCE = 1e-7  # GRS 80 and WGS 84 are one here: their minor axes differ by 0.1 mm


def prediction_epsg(wkt: str) -> int | None:
    """The EPSG code of the prediction grid whose projection this CRS has, or None.

    Real BD ORTHO files often carry an unnamed WKT without codes, on an "unknown" datum and sometimes on the
    ellipsoid of WGS 84, so that neither names nor PROJ's own identification find EPSG:2154. The projection's
    method, its parameters, the ellipsoid, the meridian and the unit decide; a shift to another datum refuses.
    """
    try:
        crs = CRS.from_wkt(wkt)
    except CRSError:
        return None
    if crs.is_compound:  # with heights above sea level: the plane is what counts
        crs = crs.sub_crs_list[0]
    if crs.is_bound and crs.source_crs is not None:
        shift = crs.coordinate_operation.towgs84 if crs.coordinate_operation else []
        if any(shift):
            return None
        crs = crs.source_crs
    return next((code for code in prediction_crs() if _same_projection(crs, _crs(code))), None)


@lru_cache
def _crs(epsg: int) -> CRS:
    return CRS.from_epsg(epsg)


def _same_projection(a: CRS, b: CRS) -> bool:
    ellipsoid, other = a.ellipsoid, b.ellipsoid
    if not a.is_projected or ellipsoid is None or other is None:
        return False
    return (
        _projection(a) == _projection(b)
        and [axis.unit_conversion_factor for axis in a.axis_info] == [1.0, 1.0]
        and abs(ellipsoid.semi_major_metre / other.semi_major_metre - 1) < _ELLIPSOID_TOLERANCE
        and abs(ellipsoid.inverse_flattening / other.inverse_flattening - 1) < _ELLIPSOID_TOLERANCE
        and (a.prime_meridian is None or a.prime_meridian.longitude == 0)
    )


def _projection(crs: CRS) -> tuple[str, dict[str, float]] | None:
    """EPSG code of the method; of each parameter -> radians, metres or unity, rounded beyond what a file can mean."""
    conversion = crs.coordinate_operation
    if conversion is None:
        return None
    values = {p.code: round(float(p.value) * p.unit_conversion_factor, 9) for p in conversion.params}
    return conversion.method_code, values
