"""`make benchmark`: every measurement, or those named, one after another, and one table at the end.

The machine should be idle otherwise. Where it is not, the ratios still hold (both sides of one were measured in turn)
and so does CPU time; rates do not.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context

from benchmarks.figures import Figure, table

MEASUREMENTS = (
    "tiles",
    "throughput",
    "cached",
    "scale",
    "memory",
    "statistics",
    "publishing",
    "inference",
    "agreement",
    "outputs",
    "jobs",
    "queue",
    "scale_out",
    "polygons",
    "page",
)
"""Modules of this package, each with `measure() -> list[Figure]`."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"some of {', '.join(MEASUREMENTS)}; all by default")
    names = parser.parse_args(arguments).names or MEASUREMENTS
    unknown = sorted(set(names) - set(MEASUREMENTS))
    if unknown:
        parser.error(f"no such measurement: {unknown[0]}; there are {', '.join(MEASUREMENTS)}")
    print(f"{platform.machine()}, Python {platform.python_version()}", flush=True)
    figures: list[Figure] = []
    for name in names:
        print(f"\n== {name}", flush=True)
        # A process of its own: what one leaves in memory and settings is nothing of the next one's.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            figures += process.submit(import_module(f"benchmarks.{name}").measure).result()
    print(f"\n{table(figures)}")


if __name__ == "__main__":
    main()
