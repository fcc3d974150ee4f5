"""Figures of the page about data that outgrow the machine, and the measurements behind them."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .common import BLUE, GREEN, ORANGE, WIDTH, frameless

#: By number of workers: colour, marker and name; 0 is data in the memory of one process.
WAYS = {0: (GREEN, "s", "in memory"), 1: (BLUE, "o", "1 worker"), 2: (ORANGE, "^", "2 workers")}
LINES = {"moments": ("-", "moments"), "mixture": (":", "mixture, an EM step")}
#: The side that is the same while the other grows, and the slope of time that is expected.
OTHER, EXPECTED = {"N": ("D", 16), "D": ("N", 10**5)}, {"N": 1, "D": 2}


def measured() -> dict:
    """Return what `python -m benchmarks.growth` has measured.

    Returns
    -------
    dict
        Under "cases" one dict per model, shape and number of workers, with the seconds of a pass
        and the bytes of memory that it added; under "machine" what the machine can do.
    """
    return json.loads(Path(__file__).with_name("growth.json").read_text(encoding="utf-8"))


def tree() -> Figure:
    """Draw how the sums of eight blocks, on two machines, are added in pairs."""
    figure, ax = plt.subplots(figsize=(WIDTH, 2.9))
    left, height = np.arange(8.0), 0.0
    left[4:] += 0.6
    colours = [BLUE] * 4 + [ORANGE] * 4
    for x, colour in zip(left, colours, strict=True):
        ax.add_patch(Rectangle((x - 0.36, -0.75), 0.72, 0.55, facecolor=colour, edgecolor="none"))
        ax.plot([x, x], [-0.2, height], color="gray", zorder=0)
    for number, middle in enumerate((left[:4].mean(), left[4:].mean()), start=1):
        ax.text(middle, -0.9, f"machine {number}", ha="center", va="top")
    while True:
        ax.scatter(left, np.full(len(left), height), s=70, color=colours, zorder=2)
        if len(left) == 1:
            break
        for x, parent in zip(left, np.repeat(left[::2] + left[1::2], 2) / 2, strict=True):
            ax.plot([x, parent], [height, height + 1], color="gray", zorder=0)
        left, height, colours = (left[::2] + left[1::2]) / 2, height + 1, colours[::2]
    ax.set(xlim=(-0.6, 8.2), ylim=(-1.4, height + 0.25))
    frameless(ax)
    return figure


def along(results: dict, model: str, side: str, workers: int) -> list[dict]:
    """Return the cases in which one side grows, in order.

    Parameters
    ----------
    results : dict
        As from `measured`.
    model : {"moments", "mixture"}
    side : {"N", "D"}
    workers : int
        0 for data in memory.
    """
    other, value = OTHER[side]
    wanted = {"model": model, other: value, "workers": workers}
    cases = (case for case in results["cases"] if wanted.items() <= case.items())
    return sorted(cases, key=lambda case: case[side])


def slope(results: dict, model: str, side: str, workers: int) -> float:
    """Return the slope of log time between the two largest sizes.

    Parameters
    ----------
    results, model, side, workers
        As for `along`.
    """
    before, last = along(results, model, side, workers)[-2:]
    ratio = last["seconds"] / before["seconds"]
    return float(np.log(ratio) / np.log(last[side] / before[side]))


def growth(results: dict) -> Figure:
    """Draw time and added memory against the number of rows and of variables.

    Parameters
    ----------
    results : dict
        As from `measured`.
    """
    figure, axes = plt.subplots(2, 2, sharex="col", sharey="row", figsize=(WIDTH, 5.4))
    for column, side in zip(axes.T, OTHER, strict=True):
        for model, (line, _) in LINES.items():
            for workers, (colour, marker, _) in WAYS.items():
                cases = along(results, model, side, workers)
                sizes = [case[side] for case in cases]
                style = {"color": colour, "marker": marker, "markersize": 4, "linestyle": line}
                column[0].plot(sizes, [case["seconds"] for case in cases], **style)
                memory = [max(case["bytes"] / 1e6, 1) for case in cases]
                column[1].plot(sizes, memory, **style)
        cases = along(results, "moments", side, 1)
        size, seconds = cases[-1][side], cases[-1]["seconds"] / 3
        ends = np.array([size / 30, size])
        column[0].plot(ends, seconds * (ends / size) ** EXPECTED[side], "k--", linewidth=1)
        column[1].set_xlabel({"N": "rows", "D": "variables"}[side])
        for ax in column:
            ax.set(xscale="log", yscale="log")
    axes[0, 0].set_ylabel("seconds per pass")
    axes[1, 0].set_ylabel("memory, MB")
    named = [({"color": colour, "marker": marker}, name) for colour, marker, name in WAYS.values()]
    named += [({"color": "gray", "linestyle": line}, name) for line, name in LINES.values()]
    handles = [axes[0, 0].plot([], [], label=name, **style)[0] for style, name in named]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    return figure
