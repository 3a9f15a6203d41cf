"""The tree of domain errors. None of them knows HTTP: `app.api.problems` holds the one table of statuses.

CosiaError
├── Invalid                what the caller gave cannot be used (message shown)
│   ├── AoiInvalid, AoiTooLarge, AoiOutside
│   ├── ParameterInvalid
│   ├── ImageryRefused, RasterRefused
│   └── WeightsUnreadable, WeightsMismatch, BandMismatch
├── Unknown                what was named does not exist (message shown)
│   └── JobUnknown, ProcessUnknown
├── Unauthorised           no valid API key where one is needed, or one that is not valid
├── Forbidden              the caller may not do this to a thing of somebody else (message shown)
├── Gone                   what was named was there once (message shown)
│   └── ResultExpired
├── Conflict               the thing is there but not in a state that allows it
│   └── ResultNotReady, JobFailed, JobDismissed
├── LimitReached           a limit of the caller or of the service; `retry_after_s` says when to come back
├── Unavailable            the weather: storage, database or broker; worth another try
│   └── RasterUnreadable, TilesBusy, QueueFull, TooManyFollowers
└── Misconfigured          an operator's mistake, found at start
"""

from __future__ import annotations


class CosiaError(Exception):
    """Root of the errors this program raises on purpose. The message is a sentence for people."""

    type: str = "error"
    """Stable name of the kind of error: a word of ours, or the URI a standard gives it."""

    @property
    def message(self) -> str:
        return str(self.args[0]) if self.args else self.type


class Invalid(CosiaError):
    type = "invalid"


class AoiInvalid(Invalid):
    type = "aoi-invalid"


class AoiTooLarge(Invalid):
    type = "aoi-too-large"

    def __init__(self, message: str, area_m2: float) -> None:
        super().__init__(message)
        self.area_m2 = area_m2


class AoiOutside(Invalid):
    type = "aoi-outside"


class ParameterInvalid(Invalid):
    type = "parameter-invalid"

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


class ImageryRefused(Invalid):
    type = "imagery-refused"


class RasterRefused(Invalid):
    type = "raster-refused"


class WeightsUnreadable(Invalid):
    type = "weights-unreadable"


class WeightsMismatch(Invalid):
    type = "weights-mismatch"


class BandMismatch(Invalid):
    type = "band-mismatch"


class Unknown(CosiaError):
    type = "unknown"

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


class JobUnknown(Unknown):
    type = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-job"


class ProcessUnknown(Unknown):
    type = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-process"


class Unauthorised(CosiaError):
    type = "unauthorised"


class Forbidden(CosiaError):
    type = "forbidden"


class Gone(CosiaError):
    type = "gone"


class ResultExpired(Gone):
    type = "result-expired"


class Conflict(CosiaError):
    type = "conflict"


class ResultNotReady(Conflict):
    type = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/result-not-ready"


class JobFailed(Conflict):
    type = "job-failed"


class JobDismissed(Conflict):
    type = "job-dismissed"


class LimitReached(CosiaError):
    type = "limit-reached"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(CosiaError):
    type = "unavailable"

    def __init__(self, message: str, retry_after_s: int = 5) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RasterUnreadable(Unavailable):
    type = "raster-unreadable"


class TilesBusy(Unavailable):
    type = "tiles-busy"


class QueueFull(Unavailable):
    type = "queue-full"


class TooManyFollowers(Unavailable):
    type = "too-many-followers"


class Misconfigured(CosiaError):
    type = "misconfigured"
