"""Prediction and training of land cover: the only place of the program that knows torch."""

import os

# Networks allocate and free maps of hundreds of MB per block. On 4 kB pages half of the CPU time of a forward
# pass goes into page faults; torch asks for huge pages if told so before its first allocation.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
