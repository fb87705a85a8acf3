"""Processes that share a long evaluation."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


def crew(jobs: int) -> ProcessPoolExecutor:
    """`jobs` processes with one thread each, for there are as many as cores. Fresh interpreters, not forks: dlib and
    OpenCV keep threads."""
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    return ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"))
