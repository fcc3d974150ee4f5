"""Measure how time and memory grow with the data: `python -m benchmarks.growth [--again]`.

The results are written to lvmnotes/plots/growth.json, after each measurement, for the chapter *When
the data outgrow the machine*. A second run measures only what is missing; `--again` measures all.
Blocks are made by the worker that reads them, by a copy of the same numbers, so that no disk is
measured. Workers are processes on this machine, with one thread each.
"""

from __future__ import annotations

import argparse
import ctypes
import functools
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # numpy reads this when it is imported, so set it first
#: The settings of the chapter, with which workers keep the memory of arrays for the next ones.
KEEP = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "32000000"}

import dask  # noqa: E402
import dask.array as da  # noqa: E402
import numpy as np  # noqa: E402
from distributed import Client, LocalCluster, wait  # noqa: E402

from lvmnotes import Moments  # noqa: E402
from lvmnotes.core.blocks import as_blocks, blocks_of  # noqa: E402
from lvmnotes.core.gaussian_classes import em_step  # noqa: E402

RESULTS = Path(__file__).parents[1] / "lvmnotes" / "plots" / "growth.json"
#: Numbers in a block: 8 MB.
BLOCK = 2**20
#: Classes of the mixture.
K = 3
#: Shapes, of which one side grows.
LONG = [(10**power, 16) for power in range(3, 8)]
WIDE = [(10**5, D) for D in (4, 8, 16, 32, 64, 128, 256)]
#: Blocks on which the time per task is measured, and numbers that are moved between two workers.
N_TASKS, MOVED = 2000, 2**23


@functools.cache
def numbers(n: int, D: int) -> np.ndarray:
    """Return the same normal numbers each time, with a mean for each of K classes."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, D)) + 3 * rng.normal(size=(K, D))[rng.integers(K, size=n)]


def made(n: int, D: int) -> np.ndarray:
    """Make a block of n rows."""
    return numbers(max(1, BLOCK // D), D)[:n].copy()


def blocks(N: int, D: int) -> da.Array:
    """Return a dask array of blocks of the usual size."""
    size = min(N, max(1, BLOCK // D))
    lengths = [size] * (N // size) + [N % size] * (N % size > 0)
    make = dask.delayed(made)
    return da.concatenate([da.from_delayed(make(n, D), (n, D), dtype=float) for n in lengths])


def moments(X) -> Callable[[], object]:
    """Return a function that makes the one pass of PCA, PPCA and factor analysis."""
    return lambda: Moments.from_data(X) if isinstance(X, np.ndarray) else Moments.from_dask(X)


def mixture(X) -> Callable[[], object]:
    """Return a function that takes one step of EM of a mixture with full covariances."""
    D = X.shape[1]
    data = as_blocks(X, None) if isinstance(X, np.ndarray) else blocks_of(X)[0].map(_unweighted)
    start = (np.full(K, 1 / K), numbers(1000, D)[:K], np.tile(np.eye(D), (K, 1, 1)))
    return lambda: em_step(start, data, 1e-6 * np.eye(D))


def _unweighted(X: np.ndarray) -> tuple[np.ndarray, None]:
    return X, None


MODELS = {"moments": moments, "mixture": mixture}


def resident(field: str) -> int:
    """Return a figure of this process from Linux, in bytes: VmRSS, or VmHWM for the peak."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split(f"{field}:")[1].split()[0])


def forget_peak() -> int:
    """Return what the process has kept to the system; make the rest its peak, and return it."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


def measure(run: Callable[[], object], client: Client | None) -> dict:
    """Return the median of the times of some runs, and the peak memory that the first adds."""

    def everywhere(function, *arguments):
        if client is None:
            return {"here": function(*arguments)}
        return client.run(function, *arguments)

    before = everywhere(forget_peak)
    times, started = [], time.perf_counter()
    while len(times) < 3 or (time.perf_counter() - started < 1 and len(times) < 20):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
        if len(times) == 1:
            peaks = everywhere(resident, "VmHWM")
        if time.perf_counter() - started > 60:
            break
    added = max(peaks[who] - before[who] for who in before)
    return {"seconds": statistics.median(times), "bytes": added, "runs": len(times)}


def machine(client: Client) -> dict:
    """Return what the calculation for a cluster rests on, besides the times of the fits."""
    rows = da.ones((N_TASKS, 1), chunks=(1, 1))
    seconds = measure(moments(rows), client)["seconds"]
    one, other = client.scheduler_info()["workers"]
    times = []
    for _ in range(5):
        array = client.submit(np.ones, MOVED, workers=one, pure=False)
        wait(array)
        start = time.perf_counter()
        client.submit(len, array, workers=other, pure=False).result()
        times.append(time.perf_counter() - start)
    return {
        "seconds per block": seconds / N_TASKS,
        "bytes per second between workers": 8 * MOVED / statistics.median(times),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
    }


def transfers(client: Client) -> dict:
    """Return how many bytes move between two workers that add up the moments of many blocks."""

    def sent(dask_worker) -> int:
        return dask_worker.transfer_outgoing_bytes_total

    n_blocks, D, n_sums = 64, 256, 10
    array = da.concatenate(
        [da.from_delayed(dask.delayed(made)(D, D), (D, D), dtype=float) for _ in range(n_blocks)]
    )
    before = sum(client.run(sent).values())
    for _ in range(n_sums):
        Moments.from_dask(array)
    moved = sum(client.run(sent).values()) - before
    return {"sums moved per block": moved / (8 * D * D) / (n_blocks * n_sums)}


def main() -> None:
    """Measure what is missing, case by case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--again", action="store_true", help="measure what is there, too")
    results = {}
    if RESULTS.exists() and not parser.parse_args().again:
        results = json.loads(RESULTS.read_text())
    results.setdefault("cases", [])
    known = {(case["model"], case["N"], case["D"], case["workers"]) for case in results["cases"]}

    def save() -> None:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")

    def race(n_workers: int) -> None:
        for name, make in MODELS.items():
            for N, D in dict.fromkeys(LONG + WIDE):
                key = {"model": name, "N": N, "D": D, "workers": n_workers}
                if tuple(key.values()) in known or (n_workers == 0 and N > 10**6):
                    continue
                if n_workers == 0:
                    X = made_at_once(N, D)
                    case = key | measure(make(X), None)
                    case["bytes"] += X.nbytes  # the data were there before
                else:
                    with cluster_of(n_workers) as client:  # whose memory holds nothing yet
                        client.run(numbers, max(1, BLOCK // D), D)  # what blocks are copies of
                        case = key | measure(make(blocks(N, D)), client)
                results["cases"].append(case)
                print(*case.values(), flush=True)
                save()

    race(0)
    seconds = []
    for settings in ({}, KEEP):
        os.environ.update(settings)
        if "machine" not in results:
            with cluster_of(1) as client:
                seconds.append(measure(mixture(blocks(10**6, 16)), client)["seconds"])
    race(1)
    race(2)
    if "machine" not in results:
        with cluster_of(2) as client:
            results["machine"] = machine(client) | transfers(client)
        results["machine"]["times slower if memory is returned"] = seconds[0] / seconds[1]
        save()


@contextmanager
def cluster_of(n_workers: int) -> Iterator[Client]:
    """Start workers, which have fitted something, and so imported what a fit needs."""
    options = {"threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with LocalCluster(n_workers=n_workers, **options) as cluster, Client(cluster) as client:
        mixture(blocks(1000, 4))()
        yield client


def made_at_once(N: int, D: int) -> np.ndarray:
    """Return an array in memory of the same numbers."""
    size = max(1, BLOCK // D)
    return np.concatenate([made(min(size, N - start), D) for start in range(0, N, size)])


if __name__ == "__main__":
    from benchmarks import growth  # so that workers find the functions in this module

    growth.main()
