"""Training scenes, composed in a process of their own and kept in memory for a while.

Seeds are split once and for all: training may take any seed from FIRST_TRAINING_SEED up to the others, checks during
training use VALIDATION_SEEDS, and figures in model cards come from HELD_OUT_SEEDS only. Seeds below
FIRST_TRAINING_SEED (the demonstration territory, the tests) are never trained on.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.demonstration.scene import Scene, compose

FIRST_TRAINING_SEED: Final = 100_000
VALIDATION_SEEDS: Final = range(800_000, 800_100)
HELD_OUT_SEEDS: Final = range(900_000, 901_000)

_SECONDS_FOR_A_SCENE = 120.0
_SCENES_AHEAD = 4
_NICENESS = 5
_LOOK_AFTER_TRAINER_S = 5.0


class ScenePool:
    """Up to `capacity` scenes; the oldest gives way to each new one."""

    def __init__(self, arriving: multiprocessing.Queue[Scene], capacity: int) -> None:
        self._arriving = arriving
        self._capacity = capacity
        self._next = 0
        self.scenes: list[Scene] = []
        self.arrived = 0

    def wait_for(self, count: int) -> Iterator[int]:
        """Wait until `count` scenes are here, telling after each how many there are.

        Raises queue.Empty if the composing process gives nothing for two minutes.
        """
        while len(self.scenes) < min(count, self._capacity):
            self._keep(self._arriving.get(timeout=_SECONDS_FOR_A_SCENE))
            yield len(self.scenes)

    def refresh(self) -> None:
        """Take one new scene, if one is ready."""
        try:
            scene = self._arriving.get_nowait()
        except queue.Empty:
            return
        self._keep(scene)

    def _keep(self, scene: Scene) -> None:
        self.arrived += 1
        if len(self.scenes) < self._capacity:
            self.scenes.append(scene)
        else:
            self.scenes[self._next] = scene
            self._next = (self._next + 1) % self._capacity


@contextmanager
def scene_pool(first_seed: int, size_px: int, capacity: int) -> Iterator[ScenePool]:
    """A pool fed by a process that composes the scenes of `first_seed`, `first_seed` + 1, ..."""
    # Spawned, not forked: a child of a process with torch's threads running may lock up.
    context = multiprocessing.get_context("spawn")
    arriving: multiprocessing.Queue[Scene] = context.Queue(maxsize=_SCENES_AHEAD)
    composing = context.Process(target=_compose, args=(first_seed, size_px, arriving), daemon=True)
    composing.start()
    try:
        yield ScenePool(arriving, capacity)
    finally:
        composing.terminate()
        composing.join()


def _compose(first_seed: int, size_px: int, arriving: multiprocessing.Queue[Scene]) -> None:
    os.nice(_NICENESS)
    trainer = multiprocessing.parent_process()
    for seed in range(first_seed, VALIDATION_SEEDS.start):
        scene = compose(seed, size_px)
        while True:
            try:
                arriving.put(scene, timeout=_LOOK_AFTER_TRAINER_S)
                break
            except queue.Full:
                # A trainer that was killed could not end this process.
                if trainer is None or not trainer.is_alive():
                    arriving.cancel_join_thread()  # nobody will take what is left
                    return
