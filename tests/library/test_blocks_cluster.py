"""Fits on Dask's own scheduler with worker processes, one of which dies midway."""

import os
import signal
import time

import numpy as np
import pytest
from test_blocks import FITS, STEPS, X, assert_same, clone_of, in_memory

from lvmnotes import GaussianMixture
from lvmnotes.core.blocks import blocks_of

dask = pytest.importorskip("dask")
dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})  # read at import
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")
ROWS = 100
pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no process can be killed at once"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@pytest.fixture(scope="module")
def client():
    """Two worker processes; a new one, which has imported all it needs, replaces a dead one."""
    from distributed.utils import get_mp_context

    get_mp_context().set_forkserver_preload(["distributed", "lvmnotes", "dask.array"])
    limits = {
        # A loaded machine is no failure, and a worker that dies again is no lost one.
        "distributed.comm.timeouts.tcp": "1 hour",
        "distributed.deploy.lost-worker-timeout": "1 hour",
        # For so long the other worker tries to reach the dead one; then its blocks are made anew.
        "distributed.comm.timeouts.connect": "10s",
    }
    with (
        dask.config.set(limits),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def wait_for_workers(client):
    """Wait until both workers run and their nannies know it: else a dead one is not replaced."""
    running = False
    while not running:
        nannies = client.cluster.workers.values()
        running = all(nanny.process.status is distributed.Status.running for nanny in nannies)
        running = running and len(client.scheduler_info()["workers"]) == 2
        time.sleep(0.01)


def fatal(block, file, number):
    """Return a block; the process that reads the block of this number in order is killed."""
    descriptor = os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(descriptor, b".")
    n_read = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.close(descriptor)
    if n_read == number:
        os.kill(os.getpid(), signal.SIGKILL)
    return block


def deadly(array, file, number):
    """Make a dask array whose reading kills a worker once."""
    options = {"dtype": array.dtype, "meta": np.empty((0,) * array.ndim)}
    return array.map_blocks(fatal, str(file), number, **options)


@pytest.mark.parametrize("name", FITS)
def test_a_worker_dies_and_the_fit_is_that_in_memory(name, client, tmp_path):
    """In the first pass over the data if there is only one; otherwise later."""
    wait_for_workers(client)
    model, arrays, others = FITS[name]
    blocks = [da.from_array(V, chunks=(ROWS, *[-1] * (V.ndim - 1))) for V in arrays]
    one_pass = name in ("PCA", "PPCA", "Bayesian PCA", "factor analysis")
    number = 4 if one_pass else 2 * len(X) // ROWS + 4
    blocks[0] = deadly(blocks[0], tmp_path / "read", number)
    assert_same(clone_of(model).fit(*blocks, **others), in_memory(name))
    assert (tmp_path / "read").stat().st_size > number


def test_blocks_in_the_memory_of_a_worker_that_dies_are_made_anew(client, tmp_path):
    wait_for_workers(client)
    held = deadly(da.from_array(X, chunks=(ROWS, -1)), tmp_path / "made", 0).persist()
    distributed.wait(held)
    made = tmp_path / "made"
    assert made.stat().st_size == len(X) // ROWS
    array = deadly(held, tmp_path / "read", 20)
    assert_same(GaussianMixture(3, **STEPS).fit(array), in_memory("Gaussian mixture"))
    assert len(X) // ROWS < made.stat().st_size < 2 * len(X) // ROWS


def test_the_order_of_a_sum_does_not_depend_on_who_adds(client):
    """To the last bit: on a cluster as in this process, and not as one after the other."""
    wait_for_workers(client)
    values = np.exp(10 * np.random.default_rng(0).normal(size=(90, 1)))
    sums = [
        blocks_of(blocks)[0].total(lambda block: block[0, 0])
        for blocks in (da.from_array(values, chunks=(1, 1)), np.split(values, 90))
    ]
    assert sums[0] == sums[1] != sum(values.ravel().tolist())


def test_errors_of_workers_reach_the_caller(client):
    array = da.from_array(np.where(X > X.max() - 1e-9, np.nan, X), chunks=(ROWS, -1))
    with pytest.raises(ValueError, match="X contains NaN"):
        GaussianMixture(2).fit(array)
