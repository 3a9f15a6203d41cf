"""What a block is predicted from: its imagery and the network, as they were when the job was asked."""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np

from app import imagery, models
from app.blocks import Claim
from app.database import Sessions
from app.definitions import prediction_grid
from app.errors import Invalid, RasterUnreadable, Unavailable, Unknown, WeightsUnreadable
from app.models import TrainedModel
from app.storage import Storage
from worker.pipeline import Predictor, predictor
from worker.readers import FileReader, OpenedFiles


class Imagery(NamedTuple):
    """pixels: (bands, height, width) uint8 with the card's margin. valid: (height, width), where they are imagery."""

    pixels: np.ndarray
    valid: np.ndarray


class Materials:
    """Of the blocks of one batch; its threads share it."""

    def __init__(self, sessions: Sessions, storage: Storage) -> None:
        self._sessions = sessions
        self._storage = storage
        self._lock = threading.Lock()
        self._models: dict[str, TrainedModel] = {}
        self._opened: dict[str, OpenedFiles] = {}

    def read(self, claim: Claim) -> Imagery:
        """Raises Invalid where the imagery was replaced, RasterUnreadable where a file is damaged, Unavailable."""
        card = self._model(claim).card
        grid = prediction_grid(claim.epsg).block(claim.cell).grown(card.margin_px)
        with self._sessions.read() as session:
            source = imagery.find(session, claim.source_id)
            if source.version != claim.source_version:
                raise Invalid(f"imagery source {source.id} was replaced since the job was asked: ask again")
            files = imagery.files_for(session, claim.source_id, grid.bounds)
        with self._lock:
            opened = self._opened.setdefault(source.id, OpenedFiles(source.id))
        try:
            return Imagery(*FileReader(files, source, opened).read(grid, card.bands))
        except RasterUnreadable as error:
            if files and not any(file.is_there() for file in files):
                raise Unavailable(f"the imagery of {source.id} is away") from error
            raise

    def network(self, claim: Claim) -> Predictor:
        """Raises WeightsUnreadable or WeightsMismatch where the weights are gone or damaged, Invalid where replaced."""
        model = self._model(claim)
        if model.sha256 != claim.model_sha256:
            raise Invalid(f"the weights of model {claim.model_id} were replaced since the job was asked: ask again")
        return predictor([(model.card, model.weights)])

    def _model(self, claim: Claim) -> TrainedModel:
        with self._lock:
            if claim.model_id not in self._models:
                try:
                    with self._sessions.read() as session:
                        self._models[claim.model_id] = models.find_model(session, self._storage, claim.model_id)
                except Unknown as error:
                    raise WeightsUnreadable(error.message) from error
            return self._models[claim.model_id]
