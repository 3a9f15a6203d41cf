"""What is counted in published layers at full resolution: areas per class, changes between two vintages."""

from __future__ import annotations

from app.statistics.areas import AreaMeasurement
from app.statistics.changes import ChangeMeasurement
from app.statistics.counting import Tally, count
from app.statistics.measurement import Measurement

__all__ = ["AreaMeasurement", "ChangeMeasurement", "Measurement", "Tally", "count"]
