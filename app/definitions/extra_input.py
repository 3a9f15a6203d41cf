"""What a network may need beside the imagery of a block."""

from __future__ import annotations

from enum import StrEnum


class ExtraInput(StrEnum):
    """METADATA: where, when and with which camera a patch was taken. SERIES: a Sentinel-2 series of its place.

    No imagery source gives them, so that a network that needs one has no part in jobs.
    """

    METADATA = "metadata"
    SERIES = "series"

    @property
    def words(self) -> str:
        return {ExtraInput.METADATA: "the facts of each photograph", ExtraInput.SERIES: "a Sentinel-2 series"}[self]
