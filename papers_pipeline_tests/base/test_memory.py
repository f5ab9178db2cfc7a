"""Threads share the memory that a process has."""

import platform
import subprocess
import sys

import pytest

THREADS = """
import sys, threading
from papers_pipeline.base.memory import share_arenas
if sys.argv[1] == "shared":
    share_arenas()
everyone = threading.Barrier(12)
def allocate():
    everyone.wait()
    kept.append([bytes(2_000) for _ in range(200)])
    everyone.wait()
kept = []
threads = [threading.Thread(target=allocate) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
import ctypes
libc = ctypes.CDLL(None)
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fdopen.restype = ctypes.c_void_p
libc.fdopen.argtypes = [ctypes.c_int, ctypes.c_char_p]
libc.fflush.argtypes = [ctypes.c_void_p]
stream = libc.fdopen(1, b"w")
libc.malloc_info(0, stream)
libc.fflush(stream)
"""


def arenas(how: str) -> int:
    command = [sys.executable, "-c", THREADS, how]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
def test_all_threads_allocate_from_two_arenas():
    assert arenas("shared") == 2
    assert arenas("own") > 2
