"""Draws a WMTS layer in QGIS, without a screen. Run by the Python that QGIS belongs to.

usage: draw_with_qgis.py CAPABILITIES_URL LAYER TILE_MATRIX_SET EPSG LEFT BOTTOM RIGHT TOP SIDE_PX PICTURE
"""

import os
import sys
from urllib.parse import quote

os.environ["QT_QPA_PLATFORM"] = "offscreen"

# Qt reads its platform when it is imported, hence below.
from qgis.core import (
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

address, layer_id, tms, epsg, left, bottom, right, top, side, picture = sys.argv[1:]
application = QgsApplication([], False)
application.initQgis()
layer = QgsRasterLayer(
    f"contextualWMSLegend=0&crs=EPSG:{epsg}&dpiMode=7&format=image/png&layers={layer_id}&styles=normal"
    f"&tileMatrixSet={tms}&url={quote(address, safe='')}",
    layer_id,
    "wms",
)
if not layer.isValid():
    sys.exit(f"QGIS finds the layer not valid: {layer.error().summary()}")
settings = QgsMapSettings()
settings.setLayers([layer])
settings.setDestinationCrs(layer.crs())
settings.setExtent(QgsRectangle(float(left), float(bottom), float(right), float(top)))
settings.setOutputSize(QSize(int(side), int(side)))
settings.setBackgroundColor(QColor(0, 0, 0, 0))
job = QgsMapRendererParallelJob(settings)
job.start()
job.waitForFinished()
if job.errors():
    sys.exit("; ".join(error.message for error in job.errors()))
job.renderedImage().save(picture)
os._exit(0)  # QGIS may crash while it takes itself apart, long after the picture is saved
