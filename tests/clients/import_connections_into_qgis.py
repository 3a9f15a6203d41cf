"""Loads a connection file as QGIS' dialog does, and prints what its settings hold then, one JSON object.

Run by the Python that QGIS belongs to. usage: import_connections_into_qgis.py wms|xyz FILE
"""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

# Qt reads its platform when it is imported, hence below.
from qgis.core import QgsApplication, QgsSettings
from qgis.gui import QgsManageConnectionsDialog
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QDialogButtonBox, QListWidget, QMessageBox

kind, path = sys.argv[1:]
kinds = {
    "wms": (QgsManageConnectionsDialog.WMS, "qgis/connections-wms"),
    "xyz": (QgsManageConnectionsDialog.XyzTiles, "qgis/connections-xyz"),
}
application = QgsApplication([], True)
application.initQgis()


def refuse() -> None:
    """A message box would wait for ever for somebody to click."""
    for widget in application.topLevelWidgets():
        if isinstance(widget, QMessageBox):
            print(widget.text(), file=sys.stderr)
            os._exit(1)


timer = QTimer()
timer.timeout.connect(refuse)
timer.start(100)

dialog_kind, group = kinds[kind]
dialog = QgsManageConnectionsDialog(None, QgsManageConnectionsDialog.Import, dialog_kind, path)
dialog.findChild(QListWidget).selectAll()
dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.Ok).click()
settings = QgsSettings()
settings.beginGroup(group)
print(json.dumps({name: settings.value(f"{name}/url") for name in settings.childGroups()}))
sys.stdout.flush()
os._exit(0)  # QGIS may crash while it takes itself apart
