"""Clicks into a WMTS layer as QGIS' identify tool does, and prints what it shows, one JSON object.

Run by the Python that QGIS belongs to. usage: identify_with_qgis.py CAPABILITIES_URL LAYER TILE_MATRIX_SET EPSG X Y
"""

import json
import os
import sys
from urllib.parse import quote

os.environ["QT_QPA_PLATFORM"] = "offscreen"

# Qt reads its platform when it is imported, hence below.
from qgis.core import QgsApplication, QgsPointXY, QgsRaster, QgsRasterLayer, QgsRectangle

address, layer_id, tms, epsg, x, y = sys.argv[1:]
application = QgsApplication([], False)
application.initQgis()
layer = QgsRasterLayer(
    f"contextualWMSLegend=0&crs=EPSG:{epsg}&dpiMode=7&featureCount=10&format=image/png&layers={layer_id}&styles=normal"
    f"&tileMatrixSet={tms}&url={quote(address, safe='')}",
    layer_id,
    "wms",
)
if not layer.isValid():
    sys.exit(f"QGIS finds the layer not valid: {layer.error().summary()}")
place = QgsPointXY(float(x), float(y))
window = QgsRectangle(place.x() - 50, place.y() - 50, place.x() + 50, place.y() + 50)


def identify(form: int) -> object:
    """The first result; 500 pixels of 0.2 m on each side of the canvas."""
    answer = layer.dataProvider().identify(place, form, window, 500, 500)
    if not answer.isValid():
        sys.exit(f"QGIS cannot identify: {answer.error().summary()}")
    return next(iter(answer.results().values()))


(store,) = identify(QgsRaster.IdentifyFormatFeature)
(feature,) = store.features()
point = feature.geometry().asPoint()
told = {
    "text": identify(QgsRaster.IdentifyFormatText),
    "html": identify(QgsRaster.IdentifyFormatHtml),
    "feature": dict(zip((field.name() for field in feature.fields()), feature.attributes(), strict=True)),
    "place": [point.x(), point.y()],
}
print(json.dumps(told))
sys.stdout.flush()
os._exit(0)  # QGIS may crash while it takes itself apart
