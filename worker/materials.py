"""What a block is predicted from: its imagery and the networks, as they were when the job was asked."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from app import imagery, models
from app.blocks import Claim
from app.database import Sessions
from app.definitions import ExtraInput, bands_of, extra_inputs_of, margin_of, prediction_grid
from app.errors import ImageryRefused, Invalid, RasterUnreadable, Unavailable, Unknown, WeightsUnreadable
from app.models import TrainedModel
from app.storage import Storage
from worker.extras import PatchExtras, extras_of
from worker.pipeline import Predictor, predictor
from worker.readers import Handles, around, reader_of


class Imagery(NamedTuple):
    """pixels: (bands, height, width) uint8 with the margin of the networks. valid: (height, width), where they are.
    extras: what the patches have beside them, where a network needs it. fetch_s: what a map server took to give them,
    seconds; None where they lie in files.
    """

    pixels: np.ndarray
    valid: np.ndarray
    extras: PatchExtras | None
    fetch_s: float | None


class Materials:
    """Of the blocks of one batch; its threads share it."""

    def __init__(self, sessions: Sessions, storage: Storage) -> None:
        self._sessions = sessions
        self._storage = storage
        self._lock = threading.Lock()
        self._models: dict[str, TrainedModel] = {}
        self._handles = Handles()

    def are_fetched(self, claim: Claim) -> bool:
        """Whether its imagery comes from a map server; of a source that is gone `read` tells. Raises Unavailable."""
        with self._sessions.read() as session, suppress(Unknown):
            return imagery.find(session, claim.source_id).service is not None
        return False

    def read(self, claim: Claim) -> Imagery:
        """Raises Invalid where the imagery was replaced, RasterUnreadable where a file is damaged, Unavailable where a
        storage or a map server is away, ImageryRefused where a map server never gives what is asked.
        """
        cards = [model.card for model in self._models_of(claim)]
        block = prediction_grid(claim.epsg).block(claim.cell)
        grid = block.grown(margin_of(cards))
        needs_series = ExtraInput.SERIES in extra_inputs_of(cards)
        with self._sessions.read() as session:
            source = imagery.find(session, claim.source_id)
            if source.version != claim.source_version:
                raise Invalid(f"imagery source {source.id} was replaced since the job was asked: ask again")
            files = imagery.files_for(session, claim.source_id, grid.bounds)
            images = imagery.series_over(session, source, around(block)) if needs_series else []
        began = time.monotonic()
        try:
            pixels, valid = reader_of(source, files, self._handles).read(grid, bands_of(cards))
            fetch_s = None if source.service is None else time.monotonic() - began
            return Imagery(pixels, valid, extras_of(block, cards, valid, source, images, self._handles), fetch_s)
        except RasterUnreadable as error:
            for hrefs in ([file.href for file in files], [image.href for image in images]):
                if hrefs and not any(map(imagery.href_is_there, hrefs)):
                    raise Unavailable(f"the imagery of {source.id} is away") from error
            raise
        except Unavailable as error:
            raise Unavailable(f"{error.message}; it is asked again without your doing", error.retry_after_s) from error
        except ImageryRefused as error:
            raise ImageryRefused(f"{error.message}; choose other imagery, or tell the operator") from error

    def networks(self, claim: Claim) -> Predictor:
        """Raises WeightsUnreadable or WeightsMismatch where weights are gone or damaged, Invalid where replaced."""
        found = self._models_of(claim)
        for model, used in zip(found, claim.models, strict=True):
            if model.sha256 != used.sha256:
                raise Invalid(f"the weights of model {used.id} were replaced since the job was asked: ask again")
        return predictor([(model.card, model.weights) for model in found], claim.augmentation)

    def _models_of(self, claim: Claim) -> list[TrainedModel]:
        return [self._model(used.id) for used in claim.models]

    def _model(self, model_id: str) -> TrainedModel:
        with self._lock:
            if model_id not in self._models:
                try:
                    with self._sessions.read() as session:
                        self._models[model_id] = models.find_model(session, self._storage, model_id)
                except Unknown as error:
                    raise WeightsUnreadable(error.message) from error
            return self._models[model_id]
