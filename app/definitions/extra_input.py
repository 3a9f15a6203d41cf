"""What a network may need beside the imagery of a block."""

from __future__ import annotations

from enum import StrEnum


class ExtraInput(StrEnum):
    """METADATA: where, when and with which camera a patch was taken. SERIES: a Sentinel-2 series of its place.

    A network that needs one has a part in jobs on those imagery sources that give it.
    """

    METADATA = "metadata"
    SERIES = "series"

    @property
    def words(self) -> str:
        return {ExtraInput.METADATA: "the facts of each photograph", ExtraInput.SERIES: "a Sentinel-2 series"}[self]
