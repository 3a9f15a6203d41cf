"""Prediction and training of land cover: the only place of the program that knows torch."""

import os

# Networks allocate and free maps of hundreds of MB per block. On 4 kB pages half of the CPU time of a forward
# pass goes into page faults; torch asks for huge pages if told so before its first allocation.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
# The web process lives on the same cores: threads that wait for one another must not keep them busy meanwhile
# (1.4 times the pixels per CPU second beside other work). Read when torch loads its OpenMP library.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
