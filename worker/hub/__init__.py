"""A hub of models as a file server: one file of a repository, found by name, fetched and verified.

Source of the protocol: the published client of the Hugging Face hub (huggingface_hub ee0a451).
"""

from __future__ import annotations

from worker.hub.download import Hub, downloaded
from worker.hub.offers import HubFile

__all__ = ["Hub", "HubFile", "downloaded"]
