"""The listings of the page *When the data outgrow the machine* work as they are written there."""

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from lvmnotes import GaussianMixture

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "book" / "chapters" / "large-data.md").read_text(encoding="utf-8")
PORT = "8786"


def listings(language):
    """Return the listings of the page, which are not executed with it."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def running(command, folder):
    """Run a command of the page until the block ends."""
    words = shlex.split(command)
    words[0] = str(Path(sys.executable).with_name(words[0]))
    with (folder / f"{words[1]}.log").open("wb") as log:
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


def wait_until_it_listens(port, process):
    while True:
        assert process.poll() is None, "the scheduler has ended"
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


@pytest.mark.skipif(os.name == "nt", reason="processes are ended as on Unix")
def test_the_session_works(tmp_path):
    pytest.importorskip("distributed")
    port = free_port()
    commands = [command for command in listings("sh") if command.startswith("dask ")]
    (script,) = (listing for listing in listings("python") if "Client" in listing)
    printed = re.search(r"It prints `(.*)`", PAGE)[1]
    scheduler, workers, script = (text.replace(PORT, str(port)) for text in (*commands, script))
    assert scheduler.startswith("dask scheduler") and workers.startswith("dask worker")
    with running(scheduler, tmp_path) as process:
        wait_until_it_listens(port, process)
        with running(workers, tmp_path):
            session = subprocess.run(
                [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
            )
    assert session.returncode == 0, session.stderr
    assert session.stdout.strip() == printed


def test_new_data_are_assigned_in_blocks():
    da = pytest.importorskip("dask.array")
    (listing,) = (listing for listing in listings("python") if "map_blocks" in listing)
    X = np.random.default_rng(0).normal(size=(300, 4)) + 5 * (np.arange(300) < 100)[:, None]
    names = {"X": da.from_array(X, chunks=(70, 4)), "model": GaussianMixture(2, random_state=0)}
    names["model"].fit(names["X"])
    exec(listing, names)
    np.testing.assert_array_equal(names["Z"].compute(), names["model"].predict(X))


def test_the_memory_map_is_fitted(tmp_path):
    """The file is longer than a block."""
    (script,) = (listing for listing in listings("python") if "mmap_mode" in listing)
    H, noise = np.random.default_rng(0).normal(size=(2, 200_000, 6))
    np.save(tmp_path / "X.npy", 2 * H[:, [0, 0, 0, 1, 1, 1]] + noise)
    script += "print(model.noise_variance_.round(1))"
    session = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert session.returncode == 0, session.stderr
    assert session.stdout.strip() == "[1. 1. 1. 1. 1. 1.]"
