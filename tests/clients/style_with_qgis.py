"""Prints the style that QGIS gives a GeoTIFF, value -> [colour, label], one JSON object.

Without a QML: what QGIS finds by itself. Run by the Python that QGIS belongs to.
usage: style_with_qgis.py GEOTIFF [QML]
"""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

# Qt reads its platform when it is imported, hence below.
from qgis.core import QgsApplication, QgsRasterLayer

raster, *styles = sys.argv[1:]
application = QgsApplication([], False)
application.initQgis()
layer = QgsRasterLayer(raster, "classes")
for style in styles:
    message, loaded = layer.loadNamedStyle(style)
    if not loaded:
        sys.exit(f"QGIS does not load the style: {message}")
print(json.dumps({f"{c.value:g}": [c.color.name(), c.label] for c in layer.renderer().classes()}))
sys.stdout.flush()
os._exit(0)  # QGIS may crash while it takes itself apart
