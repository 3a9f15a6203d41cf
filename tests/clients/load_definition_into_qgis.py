"""Loads a layer definition into an empty QGIS project, and prints the valid layers that are there then, as JSON.

Run by the Python that QGIS belongs to. usage: load_definition_into_qgis.py QLR
"""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

# Qt reads its platform when it is imported, hence below.
from qgis.core import QgsApplication, QgsLayerDefinition, QgsProject

application = QgsApplication([], False)
application.initQgis()
project = QgsProject.instance()
loaded, message = QgsLayerDefinition.loadLayerDefinition(sys.argv[1], project, project.layerTreeRoot())
if not loaded:
    sys.exit(f"QGIS does not load the definition: {message}")
found = []
for layer in project.mapLayers().values():
    extent = layer.extent()
    sides = [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()]
    if layer.isValid():
        renderer = layer.renderer()
        labels = [c.label for c in renderer.classes()] if hasattr(renderer, "classes") else []
        found.append({"name": layer.name(), "crs": layer.crs().authid(), "extent": sides, "labels": labels})
print(json.dumps(found))
sys.stdout.flush()
os._exit(0)  # QGIS may crash while it takes itself apart
