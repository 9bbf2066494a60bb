"""Measures OpenBLAS's matrix product in this process and prints it as JSON.

The core is chosen when the library is loaded (OPENBLAS_CORETYPE), so each core needs a process.
"""

import ctypes
import ctypes.util
import json
import os
import sys
import time
from pathlib import Path

SIZE = 768


def library():
    suffixes = ["libopenblas.so.0", "libopenblas.so", "libopenblas.dylib"]
    folders = [Path(os.environ["CONDA_PREFIX"]) / "lib"] if "CONDA_PREFIX" in os.environ else []
    folders += [Path("/opt/homebrew/opt/openblas/lib"), Path("/usr/local/opt/openblas/lib")]
    names = [str(folder / name) for folder in folders for name in suffixes if (folder / name).exists()]
    names += suffixes + [ctypes.util.find_library("openblas")]
    for name in filter(None, names):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    sys.exit("libopenblas cannot be loaded")


def main():
    blas = library()
    for name in ("openblas_get_corename", "openblas_get_config"):
        getattr(blas, name).restype = ctypes.c_char_p
    count = SIZE * SIZE
    a, b, c = ((ctypes.c_float * count)() for _ in range(3))
    for array in (a, b):
        array[:] = [(i % 17) * 0.25 - 2.0 for i in range(count)]
    order, plain = ctypes.c_int(101), ctypes.c_int(111)
    size, one, zero = ctypes.c_int(SIZE), ctypes.c_float(1.0), ctypes.c_float(0.0)

    def multiply():
        blas.cblas_sgemm(order, plain, plain, size, size, size, one, a, size, b, size, zero, c, size)

    multiply()
    best = float("inf")
    end = time.perf_counter() + 0.4
    while time.perf_counter() < end:
        start = time.perf_counter()
        multiply()
        best = min(best, time.perf_counter() - start)
    print(
        json.dumps(
            {
                "core": blas.openblas_get_corename().decode(),
                "config": blas.openblas_get_config().decode(),
                "gflops": 2 * SIZE**3 / best / 1e9,
            }
        )
    )


main()
