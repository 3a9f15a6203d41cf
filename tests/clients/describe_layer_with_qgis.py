"""Opens a file of features and prints what QGIS finds of them, as JSON.

Run by the Python that QGIS belongs to. usage: describe_layer_with_qgis.py FILE LAYER
"""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

# Qt reads its platform when it is imported, hence below.
from qgis.core import QgsApplication, QgsVectorLayer, QgsWkbTypes

application = QgsApplication([], False)
application.initQgis()
path, name = sys.argv[1:]
layer = QgsVectorLayer(f"{path}|layername={name}", name, "ogr")
if not layer.isValid():
    sys.exit("QGIS does not open the layer")
told = {
    "crs": layer.crs().authid(),
    "geometry": QgsWkbTypes.displayString(layer.wkbType()),
    "fields": [field.name() for field in layer.fields()],
    "features": [[feature["numero"], feature["classe"], feature["confidence"]] for feature in layer.getFeatures()],
    "valid": all(feature.geometry().isGeosValid() for feature in layer.getFeatures()),
}
print(json.dumps(told))
sys.stdout.flush()
os._exit(0)  # QGIS may crash while it takes itself apart
