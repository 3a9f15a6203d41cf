"""Memory of large arrays: given back at once, kept for the next, given back in the end."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import json, resource, threading
from pathlib import Path
from worker.memory import KeptMemory, share_one_arena

LARGE = 200_000_000

def faults_of_an_array():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    b"x" * LARGE
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

def measure():
    given_back = faults_of_an_array()
    with KeptMemory(idle_s=0):
        faults_of_an_array()
        kept, held = faults_of_an_array(), resident()
    found.append([given_back, kept, faults_of_an_array(), held - resident()])

found = []
memory = KeptMemory(idle_s=3600)
share_one_arena()
measure()
thread = threading.Thread(target=measure)
thread.start()
thread.join()
with memory:
    faults_of_an_array()
with memory:
    found_again = faults_of_an_array()
print(json.dumps([found, found_again]))
"""


def test_memory_is_kept_between_arrays_in_every_thread_and_given_back_when_idle() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True, text=True)

    found, found_again = json.loads(ended.stdout)
    assert found_again < found[0][0] / 10
    for given_back, kept, again, returned in found:
        assert kept < given_back / 10
        assert again > given_back / 2
        assert returned > 150_000_000
