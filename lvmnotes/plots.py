"""The look of the book's figures, and the figures that are too long for a chapter's cell."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import set_matplotlib_formats
from numpy.typing import ArrayLike

#: Inches, of figures with several panels.
WIDTH = 6.4

#: Okabe and Ito's colours, which colour-blind readers tell apart; without yellow, which is too
#: pale for lines on white.
BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#E69F00",
)


def style() -> None:
    """Draw figures as SVG, the same bytes for the same figure, legible on a telephone."""
    set_matplotlib_formats("svg", metadata={"Date": None})
    plt.rcParams.update(
        {
            "svg.hashsalt": "lvmnotes",
            "figure.figsize": (5.6, 3.5),
            "figure.constrained_layout.use": True,
            "savefig.dpi": 150,  # of the layers that are rasterised
            "font.size": 12,
            "axes.titlesize": 12,
            "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER]),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
            "legend.frameon": False,
            "lines.linewidth": 2,
        }
    )


def heatmaps(matrices: dict[str, ArrayLike], names: Sequence[str]) -> Figure:
    """Draw square matrices of the same variables side by side on one scale from -1 to 1.

    Parameters
    ----------
    matrices : dict of str to array_like of shape (n_features, n_features)
        Title to matrix.
    names : sequence of str
        One a variable.
    """
    figure, axes = plt.subplots(1, len(matrices), figsize=(WIDTH, 3.2))
    for ax, (title, matrix) in zip(np.atleast_1d(axes), matrices.items(), strict=True):
        image = ax.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
        ax.set(title=title, xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    first = np.atleast_1d(axes)[0]
    first.set_yticks(range(len(names)), names)
    first.tick_params(length=0)
    figure.colorbar(image, ax=axes, location="bottom", shrink=0.5, label="correlation")
    return figure


def loading_bars(loadings: ArrayLike, names: Sequence[str], factor_names: Sequence[str]) -> Figure:
    """Draw loadings as bars, a panel a factor, a row a variable.

    Parameters
    ----------
    loadings : array_like of shape (n_features, n_components)
    names : sequence of str
        One a variable.
    factor_names : sequence of str
        One a factor.
    """
    loadings = np.asarray(loadings)
    D, d = loadings.shape
    figure, axes = plt.subplots(1, d, figsize=(WIDTH, 0.8 + 0.27 * D), sharex=True, sharey=True)
    for j, ax in enumerate(np.atleast_1d(axes)):
        ax.barh(range(D), loadings[:, j], color=f"C{j}")
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set(title=factor_names[j], xlim=(-1, 1))
    np.atleast_1d(axes)[0].set_yticks(range(D), names)
    np.atleast_1d(axes)[0].invert_yaxis()
    figure.supxlabel("loading", fontsize="medium")
    return figure


def path_diagram(
    loadings: ArrayLike,
    names: Sequence[str],
    factor_names: Sequence[str],
    threshold: float = 0.3,
) -> Figure:
    """Draw factors as circles, variables as boxes, and loadings as arrows between them.

    Parameters
    ----------
    loadings : array_like of shape (n_features, n_components)
    names : sequence of str
        One a variable.
    factor_names : sequence of str
        One a factor.
    threshold : float
        Smaller loadings are left out.
    """
    loadings = np.asarray(loadings)
    D, d = loadings.shape
    figure, ax = plt.subplots(figsize=(WIDTH, 0.45 * D))
    factor_y = (np.arange(d) + 0.5) * D / d - 0.5
    for j, y in enumerate(factor_y):
        ax.text(
            0,
            y,
            factor_names[j],
            ha="center",
            va="center",
            zorder=3,
            bbox={"boxstyle": "circle,pad=0.6", "fc": "white", "ec": f"C{j}", "lw": 2},
        )
        for i in np.flatnonzero(np.abs(loadings[:, j]) >= threshold):
            arrow = {
                "arrowstyle": "-|>",
                "color": f"C{j}",
                "shrinkA": 28,
                "shrinkB": 2,
                "lw": 4 * abs(loadings[i, j]),
                "ls": "-" if loadings[i, j] > 0 else "--",
            }
            ax.annotate("", (2.0, i), (0, y), arrowprops=arrow)
            along = 0.88 if abs(y - i) < 3 else 0.6  # a steep arrow crosses others near its end
            ax.text(
                2 * along,
                y + along * (i - y),
                f"{loadings[i, j]:.2f}",
                ha="center",
                va="center",
                fontsize="small",
                zorder=4,
                bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"},
            )
    for i, name in enumerate(names):
        ax.text(
            2.05,
            i,
            name,
            va="center",
            bbox={"boxstyle": "square,pad=0.3", "fc": "white", "ec": "black"},
        )
    ax.set(xlim=(-0.5, 4), ylim=(D - 0.4, -0.6))
    ax.axis("off")
    return figure


def convergence(traces: dict[str, ArrayLike]) -> Figure:
    """Draw how far each trace of log-likelihoods is from the best value of all.

    Parameters
    ----------
    traces : dict of str to array_like of shape (n_iterations,)
        Name of a method to its trace.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.4))
    best = max(np.max(trace) for trace in traces.values())
    for color, (name, trace) in enumerate(traces.items()):
        gap = best - np.asarray(trace)
        iterations = np.flatnonzero(gap > 1e-12)
        ax.semilogy(iterations, gap[iterations], color=f"C{color}", marker=".", label=name)
    ax.set(xlabel="iteration", ylabel="left to gain (nats a sample)")
    ax.legend()
    return figure


def rotation(
    loadings: ArrayLike,
    names: Sequence[str],
    angle: float,
    angles: ArrayLike,
    criterion: ArrayLike,
    log_likelihood: float,
) -> Figure:
    """Draw the loadings on two turned factors, and the varimax criterion over all angles.

    Parameters
    ----------
    loadings : array_like of shape (n_features, 2)
        At `angle`.
    names : sequence of str
        One a variable.
    angle : float
        In degrees.
    angles, criterion : array_like of shape (n_angles,)
        The curve that `angle` is a point of.
    log_likelihood : float
        In nats a sample; printed.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(5.6, 3.2), width_ratios=[1.3, 1])
    D = len(names)
    left.barh(np.arange(D) - 0.2, loadings[:, 0], height=0.4, color="C0", label="factor 1")
    left.barh(np.arange(D) + 0.2, loadings[:, 1], height=0.4, color="C1", label="factor 2")
    left.axvline(0, color="black", linewidth=0.8)
    left.set_yticks(range(D), names)
    left.set(xlim=(-1, 1), xlabel="loading")
    left.invert_yaxis()
    left.legend(loc="lower center", bbox_to_anchor=(0.3, 1), ncols=2)
    right.plot(angles, criterion, color="C2")
    right.plot(angle, np.interp(angle, angles, criterion), "o", color="black")
    right.set(xticks=[0, 90, 180], xlabel="angle (°)", ylabel="varimax criterion", ylim=(0, None))
    right.set_title(f"log-likelihood\n{log_likelihood:.4f}", fontsize="medium")
    return figure


def heywood(
    uniqueness: ArrayLike, log_likelihood: ArrayLike, crawl: ArrayLike, label: str
) -> Figure:
    """Draw the best fit for each value of one uniqueness, and EM's way to zero.

    Parameters
    ----------
    uniqueness, log_likelihood : array_like of shape (n_values,)
        The profile.
    crawl : array_like of shape (n_iterations,)
        The uniqueness after each iteration of EM.
    label : str
        Names the uniqueness.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    left.semilogx(uniqueness, log_likelihood, color="C0", marker="o")
    left.axvline(0.005, color="C1", linestyle="--")
    left.text(0.004, np.min(log_likelihood), "R stops here", color="C1", ha="right")
    left.set(xlabel=label, ylabel="log-likelihood (nats a sample)")
    right.loglog(np.arange(1, len(crawl) + 1), crawl, color="C0")
    right.set(xlabel="iteration of EM", ylabel=label)
    return figure


# ---- Latent variable models ----


def association_bars(misfits: dict[str, ArrayLike], pairs: Sequence[str], limit: float) -> Figure:
    """Draw how badly models miss the two-way tables, a row a pair of items.

    Parameters
    ----------
    misfits : dict of str to array_like of shape (n_pairs,)
        Name of a model to the chi-square of each pair.
    pairs : sequence of str
        One name a pair.
    limit : float
        Drawn as a dashed line.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 0.9 + 0.32 * len(pairs)))
    height = 0.8 / len(misfits)
    for j, (name, misfit) in enumerate(misfits.items()):
        ax.barh(np.arange(len(pairs)) + j * height, misfit, height, color=f"C{j}", label=name)
    ax.axvline(limit, color="black", linewidth=1, linestyle="--")
    ax.set_yticks(np.arange(len(pairs)) + height / 2, pairs)
    ax.invert_yaxis()
    ax.set(ylabel="pair of items", xlabel="χ² of the two-way table (1 degree of freedom)")
    figure.legend(loc="outside upper right", ncols=len(misfits))
    return figure


def half_steps(bounds: ArrayLike, log_likelihoods: ArrayLike, gaps: ArrayLike) -> Figure:
    """Draw bound and log-likelihood over EM's half-steps, an E-step first, and the gap below.

    Parameters
    ----------
    bounds, log_likelihoods, gaps : array_like of shape (n_half_steps,)
        In nats a sample.
    """
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(WIDTH, 4.4), sharex=True, height_ratios=[2, 1]
    )
    steps = np.arange(len(bounds))
    top.fill_between(steps, bounds, log_likelihoods, color="C1", alpha=0.25, linewidth=0)
    top.plot(steps, log_likelihoods, color="C0", marker="o", label="log-likelihood")
    top.plot(steps, bounds, color="C1", marker="s", linestyle="--", label="bound")
    top.set(ylabel="nats a person")
    top.legend(loc="lower right")
    bottom.bar(steps, gaps, color="C1")
    bottom.set_xticks(steps, ["E", "M"] * (len(steps) // 2))
    bottom.set(xlabel="half-step", ylabel="KL gap\n(nats)")
    return figure


def mixture_steps(
    X: ArrayLike, steps: dict[str, tuple[ArrayLike, ArrayLike, ArrayLike]], labels: Sequence[str]
) -> Figure:
    """Draw two-dimensional data coloured by responsibility, and two Gaussians, a panel a step.

    Parameters
    ----------
    X : array_like of shape (n_samples, 2)
    steps : dict of str to tuple
        Title to responsibilities (n_samples, 2), means (2, 2) and covariances (2, 2, 2).
    labels : sequence of str
        Names of the two axes.
    """
    figure, axes = plt.subplots(1, len(steps), figsize=(WIDTH, 2.9), sharex=True, sharey=True)
    angle = np.linspace(0, 2 * np.pi, 80)
    circle = 2 * np.array([np.cos(angle), np.sin(angle)])
    blend = LinearSegmentedColormap.from_list("blend", [ORANGE, "#BBBBBB", BLUE])
    for ax, (title, (R, means, covariances)) in zip(axes, steps.items(), strict=True):
        ax.scatter(*np.transpose(X), c=np.asarray(R)[:, 0], cmap=blend, vmin=0, vmax=1, s=8)
        for mean, C, color in zip(means, covariances, (BLUE, ORANGE), strict=True):
            ax.plot(*(np.linalg.cholesky(C) @ circle + mean[:, None]), color=color)
        ax.set(title=title, xlim=(1, 6), ylim=(35, 105))
    axes[0].set(ylabel=labels[1])
    figure.supxlabel(labels[0], fontsize="medium")
    return figure


def label_bits(bits: ArrayLike) -> Figure:
    """Draw the bits that a hidden bit tells about the label, for each pair of ten labels.

    Parameters
    ----------
    bits : array_like of shape (10, 10)
        Lower triangle; the rest NaN.
    """
    figure, ax = plt.subplots(figsize=(5.2, 4.4))
    image = ax.imshow(bits, cmap="Blues", vmin=0, vmax=1)
    for i in range(10):
        for j in range(i):
            tone = "white" if bits[i][j] > 0.6 else "black"
            ax.text(
                j, i, f"{bits[i][j]:.1f}", ha="center", va="center", color=tone, fontsize="small"
            )
    ax.set(xticks=range(9), yticks=range(1, 10), xlim=(-0.5, 8.5), ylim=(9.5, 0.5))
    ax.set(xlabel="digit", ylabel="digit")
    ax.spines[:].set_visible(False)
    figure.colorbar(image, label="bits about which digit it is", shrink=0.8)
    return figure


def hypothesis(probabilities: ArrayLike, draws: ArrayLike, title: str) -> Figure:
    """Draw a class of binary images as its probabilities, and images drawn from it.

    Parameters
    ----------
    probabilities : array_like of shape (64,)
        Of ink, pixel by pixel.
    draws : array_like of shape (8, 64)
    title : str
        Over the probabilities.
    """
    figure = plt.figure(figsize=(4.8, 2.1))
    grid = figure.add_gridspec(2, 6)
    panels = [(figure.add_subplot(grid[:, :2]), probabilities)]
    panels += [(figure.add_subplot(grid[i // 4, 2 + i % 4]), x) for i, x in enumerate(draws)]
    for ax, image in panels:
        ax.imshow(np.reshape(image, (8, 8)), cmap="Greys", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="#999999", linewidth=0.5)
    panels[0][0].set_title(title, fontsize=10)
    panels[1][0].set_title("draws from p(x | z)", fontsize=10, loc="left")
    return figure


def same_table(weights: ArrayLike, probabilities: ArrayLike, table: ArrayLike) -> Figure:
    """Draw the parameters of two classes and two items as bars, and the table that they give.

    Parameters
    ----------
    weights : array_like of shape (2,)
    probabilities : array_like of shape (2, 2)
        Of a right answer; a row a class.
    table : array_like of shape (2, 2)
        Persons by the answers to A (wrong, right) and B.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(4.8, 2.6), width_ratios=[1.7, 1])
    for k, color in enumerate((BLUE, ORANGE)):
        heights = [weights[k], *probabilities[k]]
        left.bar(np.arange(3) + 0.4 * k - 0.2, heights, 0.36, color=color, label=f"class {k + 1}")
    left.set_xticks(range(3), ["share", "A right", "B right"])
    left.set(ylim=(0, 1), ylabel="probability")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, 1.25), ncols=2)
    right.imshow(table, cmap="Greys", vmin=0, vmax=3 * np.max(table))
    for (i, j), value in np.ndenumerate(table):
        right.text(j, i, f"{value:.0f}", ha="center", va="center")
    right.set_xticks([0, 1], ["wrong", "right"])
    right.set_yticks([0, 1], ["wrong", "right"], rotation=90, va="center")
    right.set(xlabel="B", ylabel="A")
    return figure


def bad_ends(ends: ArrayLike, widths: ArrayLike, log_likelihoods: dict[str, ArrayLike]) -> Figure:
    """Draw where EM ends from many starts, and a likelihood without a maximum.

    Parameters
    ----------
    ends : array_like of shape (n_starts,)
        Log-likelihoods.
    widths : array_like of shape (n_widths,)
        Standard deviations of the class that closes in.
    log_likelihoods : dict of str to array_like of shape (n_widths,)
        Where it closes in, to the log-likelihood at each width.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    left.plot(np.arange(1, len(ends) + 1), np.sort(ends), "o", color="C0")
    left.set(xlabel="start, by where it ends", ylabel="log-likelihood (nats)")
    left.set_title("LSAT-7, three classes")
    for color, (name, values) in enumerate(log_likelihoods.items()):
        right.semilogx(widths, values, color=f"C{color}", label=name)
    right.invert_xaxis()
    right.set(xlabel="width of the second class", ylabel="log-likelihood (nats)")
    right.set_title("Old Faithful, two classes")
    figure.legend(loc="outside lower right", ncols=3, fontsize="small")
    return figure


# ---- Linear factor models ----


def generation(step: str, H: ArrayLike, W: ArrayLike, b: ArrayLike, X: ArrayLike) -> Figure:
    """Draw one factor, and what it becomes in the plane of two variables, up to one step.

    Parameters
    ----------
    step : {"h", "W h", "W h + b", "x"}
        The last step that is drawn.
    H : array_like of shape (n_samples, 1)
    W : array_like of shape (2, 1)
    b : array_like of shape (2,)
    X : array_like of shape (n_samples, 2)
    """
    figure, (top, plane) = plt.subplots(2, 1, figsize=(5.6, 4.6), height_ratios=[1, 5])
    image = H @ W.T
    points = {"h": None, "W h": image, "W h + b": image + b, "x": X}[step]
    top.scatter(H, np.zeros(len(H)), s=14, color=BLUE, alpha=0.5, linewidths=0)
    top.scatter(H[0], 0, s=70, color=ORANGE, zorder=3)
    top.set(xlim=(-3.3, 3.3), yticks=[], xlabel="h, the setting of the lamp")
    top.spines.left.set_visible(False)
    if points is None:
        plane.text(3.5, 2.5, "no reading yet", ha="center", va="center", color="#666666")
    else:
        shift = b if step in ("W h + b", "x") else np.zeros(2)
        ends = np.array([[-4.0], [4.0]]) @ W.T + shift
        plane.plot(*ends.T, color="#999999", linewidth=1)
        plane.scatter(*points.T, s=14, color=BLUE, alpha=0.5, linewidths=0)
        plane.scatter(*points[0], s=70, color=ORANGE, zorder=3)
    if step == "x":
        plane.plot(*np.stack([image[0] + b, X[0]]).T, color=ORANGE)
    plane.set(xlim=(-6, 13), ylim=(-3.5, 8.5), xlabel="sensor 1 (lux)", ylabel="sensor 2 (lux)")
    plane.set_title(f"drawn so far: {step}", loc="left")
    return figure


def densities(log_densities: dict[str, ArrayLike], ticks: ArrayLike) -> Figure:
    """Draw contours of densities of two factors, a panel a density, two nats apart.

    Parameters
    ----------
    log_densities : dict of str to array_like of shape (n_ticks, n_ticks)
        Title to values; the first factor runs along the rows.
    ticks : array_like of shape (n_ticks,)
    """
    figure, axes = plt.subplots(1, len(log_densities), figsize=(5.2, 2.3), sharex=True, sharey=True)
    for ax, (title, values) in zip(axes, log_densities.items(), strict=True):
        levels = np.max(values) + np.arange(-12, 0, 2)
        ax.contour(ticks, ticks, values, levels, colors=BLUE, linestyles="-", linewidths=1.2)
        ax.set(title=title, aspect="equal", xlabel="$h_1$", xticks=[-5, 0, 5], yticks=[-5, 0, 5])
    axes[0].set_ylabel("$h_2$")
    return figure


def clouds(samples: dict[str, ArrayLike], C: ArrayLike, names: Sequence[str]) -> Figure:
    """Draw two-dimensional samples, a panel each, all with the ellipse of one covariance.

    Parameters
    ----------
    samples : dict of str to array_like of shape (n_samples, 2)
    C : array_like of shape (2, 2)
        Its ellipse is drawn at two standard deviations.
    names : sequence of str
        Of the two variables.
    """
    figure, axes = plt.subplots(1, len(samples), figsize=(5.2, 2.3), sharex=True, sharey=True)
    angle = np.linspace(0, 2 * np.pi, 100)
    ellipse = 2 * np.linalg.cholesky(C) @ [np.cos(angle), np.sin(angle)]
    for ax, (title, X) in zip(axes, samples.items(), strict=True):
        ax.scatter(*X.T, s=3, color=BLUE, alpha=0.4, linewidths=0, rasterized=True)
        ax.plot(*ellipse, color=ORANGE)
        ax.set(title=title, xlim=(-7, 7), ylim=(-7, 7), aspect="equal", xlabel=names[0])
    axes[0].set_ylabel(names[1])
    return figure


def posteriors(h: ArrayLike, curves: dict[str, tuple[ArrayLike, ...]]) -> Figure:
    """Draw prior, likelihood and posterior of one factor, a panel a prior.

    Parameters
    ----------
    h : array_like of shape (n_ticks,)
    curves : dict of str to tuple of three array_like of shape (n_ticks,)
        Title to the values of prior, likelihood and posterior.
    """
    figure, axes = plt.subplots(len(curves), 1, figsize=(5.6, 4.6), sharex=True, sharey=True)
    for ax, (title, (prior, likelihood, posterior)) in zip(axes, curves.items(), strict=True):
        ax.plot(h, prior, ":", color="black", linewidth=1.5, label="prior")
        ax.plot(h, likelihood, "--", color=GREEN, linewidth=1.5, label="likelihood")
        ax.plot(h, posterior, color=BLUE, label="posterior")
        ax.set(ylim=(0, 1.1), xlim=(-4, 4), ylabel="density")
        ax.set_title(title, loc="left")
    axes[0].legend(loc="upper right", fontsize="small")
    axes[-1].set_xlabel("h")
    return figure


def recovered(truth: ArrayLike, found: dict[str, ArrayLike]) -> Figure:
    """Draw factors found against the true ones, a panel a way of finding them.

    Parameters
    ----------
    truth : array_like of shape (n_samples,)
    found : dict of str to array_like of shape (n_samples,)
    """
    figure, axes = plt.subplots(1, len(found), figsize=(5.6, 3.1), sharex=True, sharey=True)
    for ax, (title, values) in zip(axes, found.items(), strict=True):
        ax.scatter(truth, values, s=5, color=BLUE, alpha=0.4, linewidths=0, rasterized=True)
        ax.axline((0, 0), slope=1, color=ORANGE, linewidth=1)
        ax.set(title=title, xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xlabel="true $h_1$")
        ax.set(xticks=[-3, 0, 3], yticks=[-3, 0, 3])
    axes[0].set_ylabel("found")
    return figure


def labelled_plane(H: ArrayLike, labels: ArrayLike) -> Figure:
    """Draw samples as their labels, at their first two factors.

    Parameters
    ----------
    H : array_like of shape (n_samples, at least 2)
    labels : array_like of int, shape (n_samples,)
        From 0 to 9.
    """
    figure, ax = plt.subplots(figsize=(5.6, 4.6))
    colors = (BLUE, ORANGE, GREEN, PURPLE, "black")
    for label in range(10):
        points = H[labels == label]
        ax.scatter(
            *points[:, :2].T, marker=f"${label}$", s=55, color=colors[label % 5], linewidths=0.2
        )
    ax.set(xlabel="factor 1 (posterior mean)", ylabel="factor 2 (posterior mean)")
    return figure


def image_rows(rows: dict[str, ArrayLike]) -> Figure:
    """Draw rows of 8 x 8 images; NaN is shown in blue.

    Parameters
    ----------
    rows : dict of str to array_like of shape (n_images, 64)
        Label of a row to its images.
    """
    n_images = len(next(iter(rows.values())))
    figure, axes = plt.subplots(
        len(rows), n_images, figsize=(5.6, 5.2 / n_images * len(rows) + 0.1)
    )
    for line, (label, images) in zip(axes, rows.items(), strict=True):
        for ax, x in zip(line, images, strict=True):
            ax.set_facecolor("#9ec9e2")
            ax.imshow(np.reshape(x, (8, 8)), cmap="Greys", vmin=0, vmax=16)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center")
    return figure


# ---- Probabilistic PCA ----


def ppca_surface(
    S: ArrayLike,
    noise_variance: float,
    stationary: ArrayLike,
    path: ArrayLike,
    names: Sequence[str],
) -> Figure:
    """Draw the likelihood of PPCA with one factor and fixed noise over the two loadings.

    Parameters
    ----------
    S : array_like of shape (2, 2)
        Sample covariance.
    noise_variance : float
    stationary : array_like of shape (2, 2)
        Columns are the stationary points along the second and the first eigenvector.
    path : array_like of shape (n_iterations, 2)
        Loadings after each iteration of EM.
    names : sequence of str
        Of the two variables.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 4.6))
    w = np.linspace(-1.5, 1.5, 161)
    loadings = np.stack(np.meshgrid(w, w), axis=-1)
    squared = (loadings**2).sum(axis=-1)
    gain = np.einsum("...i,ij,...j->...", loadings, np.asarray(S), loadings)
    twice = np.log1p(squared / noise_variance) - gain / noise_variance / (noise_variance + squared)
    levels = np.quantile(-twice / 2, np.linspace(0.02, 1, 24))
    ax.contour(w, w, -twice / 2, levels=levels, cmap="Blues", linewidths=1.2)
    saddle, best = np.transpose(stationary)
    for point, mark, label in [(best, "^", "maximum"), (saddle, "X", "saddle point")]:
        both = np.array([point, -np.asarray(point)])
        ax.plot(*both.T, mark, color="black", markersize=9, linestyle="none", label=label)
    ax.plot(0, 0, "v", color="black", markersize=9, linestyle="none", label="minimum")
    ax.plot(*np.transpose(path), ".-", color="C1", label="EM")
    ax.set(aspect="equal", xlabel=f"loading of {names[0]}", ylabel=f"loading of {names[1]}")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def ppca_rates(angles: ArrayLike, errors: ArrayLike) -> Figure:
    """Draw how subspace and lengths converge under EM.

    Parameters
    ----------
    angles : array_like of shape (n_iterations,)
        To the principal subspace, in radians.
    errors : array_like of shape (n_iterations,)
        Of the lengths of the columns.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.4))
    iterations = np.arange(1, len(angles) + 1)
    for values, color, marker, name in [
        (angles, "C0", "o", "angle to the subspace (radians)"),
        (errors, "C1", "s", "error of the lengths"),
    ]:
        ax.semilogy(iterations, values, color=color, marker=marker, markevery=5, label=name)
    ax.set(xlabel="iteration", ylabel="distance from the maximum")
    ax.legend()
    return figure


def ppca_limit(W: ArrayLike, sigma: float, X: ArrayLike, names: Sequence[str]) -> Figure:
    """Draw points, their reconstructions by the posterior mean, and the density, in two dimensions.

    Parameters
    ----------
    W : array_like of shape (2, 1)
    sigma : float
        Standard deviation of the noise.
    X : array_like of shape (n_samples, 2)
        Standardised.
    names : sequence of str
        Of the two variables.
    """
    figure, ax = plt.subplots(figsize=(4.8, 4.2))
    length = np.linalg.norm(W)
    u = np.ravel(W) / length
    across = np.array([-u[1], u[0]])
    grid = np.linspace(-3.2, 3.2, 161)
    points = np.stack(np.meshgrid(grid, grid), axis=-1)
    distance = (points @ u) ** 2 / (length**2 + sigma**2) + (points @ across) ** 2 / sigma**2
    ax.contourf(
        grid, grid, np.sqrt(distance), levels=[0, 1, 2, 3], colors=["#9ec9e2", "#c6e0ee", "#e6f2f8"]
    )
    decoded = np.outer(X @ u, u) * length**2 / (length**2 + sigma**2)
    ax.plot(*np.stack([X, decoded], axis=1).T, color="C1", linewidth=0.8)
    ax.plot(*np.transpose(X), ".", color="black", markersize=5, label="pupil")
    ax.plot(*decoded.T, "o", color="C1", markersize=3, label="reconstruction")
    ax.set(aspect="equal", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2))
    ax.set(xlabel=names[0], ylabel=names[1], title=f"sigma = {sigma:g}")
    ax.legend(loc="upper left", fontsize="small")
    return figure


def ppca_noise(factors: ArrayLike, log_likelihoods: ArrayLike) -> Figure:
    """Draw held-out log-likelihood over the noise level.

    Parameters
    ----------
    factors : array_like of shape (n_levels,)
        Of the maximum likelihood standard deviation.
    log_likelihoods : array_like of shape (n_levels,)
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.4))
    ax.semilogx(factors, log_likelihoods, color="C0", marker="o")
    ax.axvline(1, color="C1", linestyle="--")
    ax.text(1.05, np.min(log_likelihoods), "maximum likelihood", color="C1")
    ticks = [0.2, 0.5, 1, 2, 3]
    ax.set_xticks(ticks, map(str, ticks))
    ax.minorticks_off()
    ax.set(xlabel="sigma, in units of its estimate", ylabel="held out (nats a digit)")
    return figure


def parameter_race(scores: dict[str, tuple[int, float]]) -> Figure:
    """Draw held-out log-likelihood over the number of parameters.

    Parameters
    ----------
    scores : dict of str to (int, float)
        Name of a model, such as "PPCA, 3", to its number of parameters and its score.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.6))
    series = [name for name in scores if name.startswith("PPCA")]
    ax.plot(*np.transpose([scores[name] for name in series]), "o-", color="C0", label="PPCA")
    for name in series:
        ax.annotate(
            name.removeprefix("PPCA, "),
            scores[name],
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            color="C0",
        )
    others = [name for name in scores if name not in series]
    for color, (name, marker) in enumerate(zip(others, "s^", strict=False), start=1):
        ax.plot(*scores[name], marker, color=f"C{color}", markersize=9, label=name)
    ax.set(xlabel="parameters", ylabel="held out (nats a sample)")
    ax.margins(y=0.15)
    ax.legend(loc="lower right")
    return figure


def ard(eigenvalues: ArrayLike, threshold: float, squared: dict[str, ArrayLike]) -> Figure:
    """Draw eigenvalues with Bayesian PCA's threshold, and squared lengths of columns.

    Parameters
    ----------
    eigenvalues : array_like of shape (n_features,)
    threshold : float
    squared : dict of str to array_like of shape (n_components,)
        Name of a fit to the squared lengths of its columns.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    number = np.arange(1, len(eigenvalues) + 1)
    left.bar(number, eigenvalues, color="C0")
    left.axhline(threshold, color="C1", linestyle="--")
    left.text(number[-1] + 0.5, threshold, "threshold", color="C1", ha="right", va="bottom")
    left.set(xlabel="number", ylabel="eigenvalue", xticks=number[::2])
    for k, (name, values) in enumerate(squared.items()):
        columns = np.arange(1, len(values) + 1)
        right.bar(columns + 0.4 * k - 0.2, values, width=0.4, color=f"C{k + 1}", label=name)
    right.set(xlabel="column of W", ylabel="squared length", xticks=columns[::2])
    right.legend(fontsize="small")
    return figure


def local_lines(X: ArrayLike, models: Sequence, single) -> Figure:
    """Draw data, and the axis of each one-factor model as a segment of two standard deviations.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
        The first two features are drawn.
    models : sequence of PPCA
    single : PPCA
        Drawn dashed.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 4.4))
    ax.plot(X[:, 0], X[:, 1], ".", color="0.6", markersize=3, rasterized=True)
    for model in models:
        ends = model.b_[:, None] + 2 * model.W_ * [-1, 1]
        ax.plot(ends[0], ends[1], color="C0", linewidth=3)
    ends = single.b_[:, None] + 2 * single.W_ * [-1, 1]
    ax.plot(ends[0], ends[1], color="C1", linestyle="--")
    ax.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
    return figure


def operations(sizes: ArrayLike, counts: dict[str, ArrayLike]) -> Figure:
    """Draw operation counts over the number of variables.

    Parameters
    ----------
    sizes : array_like of shape (n_sizes,)
    counts : dict of str to array_like of shape (n_sizes,)
        Name of a method to its operations.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.4))
    for marker, (name, values) in zip("os^", counts.items(), strict=False):
        ax.loglog(sizes, values, marker=marker, label=name)
    ax.set(xlabel="number of variables D", ylabel="operations")
    ax.legend()
    return figure


# ---- The manifold view of PCA ----


def pancake(X: ArrayLike, W: ArrayLike, angle: float, angles: ArrayLike, C: ArrayLike) -> Figure:
    """Draw points near a plane in three dimensions, and their variance from left to right.

    Parameters
    ----------
    X : array_like of shape (n_samples, 3)
    W : array_like of shape (3, 2)
        Spans the plane, which is drawn.
    angle : float
        Of the viewer around the vertical axis, in degrees.
    angles : array_like of shape (n_angles,)
        What the curve is drawn for.
    C : array_like of shape (3, 3)
        Covariance of the points.
    """
    figure = plt.figure(figsize=(WIDTH, 3.4))
    grid = figure.add_gridspec(1, 2, width_ratios=[1.3, 1])
    left = figure.add_subplot(grid[0], projection="3d", proj_type="ortho", computed_zorder=False)
    corners = 1.9 * np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]) @ np.asarray(W).T
    left.plot_trisurf(*corners.T, triangles=[[0, 1, 2], [0, 2, 3]], color=SKY, alpha=0.35)
    left.scatter(*np.transpose(X), s=4, color=BLUE, depthshade=False)
    left.set(xlim=(-4, 4), ylim=(-4, 4), zlim=(-4, 4))
    left.view_init(elev=8, azim=angle)
    left.set_box_aspect((1, 1, 1), zoom=1.35)
    left.set_axis_off()
    right = figure.add_subplot(grid[1])

    def across(degrees):
        t = np.radians(degrees)
        u = np.array([-np.sin(t), np.cos(t), np.zeros_like(t)])
        return (u * (C @ u)).sum(axis=0)

    right.semilogy(angles, across(np.asarray(angles)), color="C2")
    right.plot(angle, across(angle), "o", color="black")
    right.set(xticks=[0, 45, 90, 135, 180], xlabel="angle (°)")
    right.set(title="variance from left to right", ylim=(0.005, 5))
    return figure


def scree(eigenvalues: ArrayLike) -> Figure:
    """Draw eigenvalues, and the part of their sum that is left out by the first d.

    Parameters
    ----------
    eigenvalues : array_like of shape (n_features,)
        In falling order.
    """
    eigenvalues = np.asarray(eigenvalues)
    D = len(eigenvalues)
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    left.bar(np.arange(1, D + 1), eigenvalues, color="C0")
    left.set(xlabel="direction", ylabel="variance along it (ink²)")
    left_out = 100 * (1 - np.cumsum(np.r_[0, eigenvalues]) / eigenvalues.sum())
    right.plot(np.arange(D + 1), left_out, color="C1")
    right.set(xlabel="length of the code, d", ylabel="variance left out (%)", ylim=(0, 100))
    return figure


def directions(rows: dict[str, ArrayLike]) -> Figure:
    """Draw rows of directions in the space of 8 x 8 images: blue is negative, red is positive.

    Parameters
    ----------
    rows : dict of str to array_like of shape (n_directions, 64)
        Label of a row to its directions.
    """
    columns = len(next(iter(rows.values())))
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(WIDTH, 0.95 * len(rows) + 0.1), squeeze=False
    )
    for line, (label, vectors) in zip(axes, rows.items(), strict=True):
        for ax, v in zip(line, vectors, strict=True):
            limit = np.abs(v).max()
            ax.imshow(np.reshape(v, (8, 8)), cmap="RdBu_r", vmin=-limit, vmax=limit)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center")
    return figure


def descent(traces: dict[str, ArrayLike], least: float) -> Figure:
    """Draw how far training is above the least error.

    Parameters
    ----------
    traces : dict of str to array_like of shape (n_steps,)
        Name of a run to its mean squared errors.
    least : float
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.2))
    for color, (name, trace) in enumerate(traces.items()):
        steps = np.arange(1, len(trace) + 1)
        ax.loglog(steps, np.asarray(trace) - least, color=f"C{color}", label=name)
    ax.set(xlabel="step", ylabel="error above the least (ink²)")
    ax.legend()
    return figure


def sheets(X: ArrayLike, surfaces: dict[str, ArrayLike]) -> Figure:
    """Draw points in three dimensions, and a decoder's surface through them in each panel.

    Parameters
    ----------
    X : array_like of shape (n_samples, 3)
    surfaces : dict of str to array_like of shape (n_rows, n_columns, 3)
        Title to a grid of decoded codes.
    """
    figure, axes = plt.subplots(
        1, len(surfaces), figsize=(WIDTH, 3.4), subplot_kw={"projection": "3d"}
    )
    for color, (ax, (title, grid)) in enumerate(zip(axes, surfaces.items(), strict=True)):
        ax.scatter(*np.transpose(X), s=3, color="0.6", depthshade=False, rasterized=True)
        ax.plot_wireframe(*np.moveaxis(grid, -1, 0), color=f"C{color}", linewidth=0.8)
        ax.set(title=title, xticks=[], yticks=[], zticks=[])
        ax.view_init(elev=20, azim=-70)
        ax.set_box_aspect((2, 4, 2), zoom=1.2)
    return figure


# ---- Sparse coding ----


def priors(h: ArrayLike, densities: dict[str, ArrayLike]) -> Figure:
    """Draw densities of one factor, on a linear and on a logarithmic scale.

    Parameters
    ----------
    h : array_like of shape (n_values,)
    densities : dict of str to array_like of shape (n_values,)
        Name of a prior to its density.
    """
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.2), sharex=True)
    for ax, scale in zip(axes, ("linear", "log"), strict=True):
        for name, density in densities.items():
            ax.plot(h, density, label=name)
        ax.set(xlabel="h", ylabel="density" if scale == "linear" else None, yscale=scale)
    axes[1].set_ylim(1e-5, None)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def code_path(
    patch: ArrayLike, decoded: ArrayLike, weights: ArrayLike, path: ArrayLike, lam: float
) -> Figure:
    """Draw a patch, its reconstruction, and the entries of its code over the sparsity weight.

    Parameters
    ----------
    patch, decoded : array_like of shape (size * size,)
    weights : array_like of shape (n_weights,)
    path : array_like of shape (n_weights, n_components)
        A code a row.
    lam : float
        The weight at which `decoded` was made; marked.
    """
    figure = plt.figure(figsize=(WIDTH, 3.2))
    axes = figure.subplot_mosaic([["patch", "path"], ["decoded", "path"]], width_ratios=[1, 3])
    size, largest = int(np.sqrt(len(patch))), np.abs(patch).max()
    for name, image in [("patch", patch), ("decoded", decoded)]:
        axes[name].imshow(np.reshape(image, (size, size)), cmap="gray", vmin=-largest, vmax=largest)
        axes[name].set(xticks=[], yticks=[], title=name)
    axes["path"].semilogx(weights, path, linewidth=1.2)
    axes["path"].axvline(lam, color="black", linestyle="--", linewidth=1.2)
    axes["path"].set(xlabel="λ", ylabel="entries of the code")
    axes["path"].set_title(f"{np.count_nonzero(path[list(weights).index(lam)])} in use")
    return figure


def proximal_descent(traces: dict[str, ArrayLike], bounds: dict[str, ArrayLike]) -> Figure:
    """Draw what is left of an objective over iterations, with the bounds of theory.

    Parameters
    ----------
    traces, bounds : dict of str to array_like of shape (n_iterations,)
        Name of a method to its objective, less the optimum, after each iteration.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.6))
    for color, (name, trace) in enumerate(traces.items()):
        iterations = np.arange(1, len(trace) + 1)
        ax.loglog(iterations, trace, color=f"C{color}", label=name)
        if name in bounds:
            ax.loglog(iterations, bounds[name], color=f"C{color}", linestyle=":")
    ax.set(xlabel="iteration", ylabel="objective above the optimum")
    ax.legend()
    return figure


def dictionaries(atoms: dict[str, ArrayLike], columns: int = 10) -> Figure:
    """Draw the columns of dictionaries as square pictures, dictionaries side by side.

    Parameters
    ----------
    atoms : dict of str to array_like of shape (size * size, n_components)
        Title to dictionary; all of one shape.
    columns : int
        Pictures in a row.
    """
    figure, axes = plt.subplots(1, len(atoms), figsize=(WIDTH, 0.4 + WIDTH / len(atoms)))
    for ax, (title, W) in zip(np.atleast_1d(axes), atoms.items(), strict=True):
        size = int(np.sqrt(len(W)))
        tiles = (W / np.abs(W).max(axis=0)).T.reshape(-1, columns, size, size)
        tiles = np.pad(tiles, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=1)
        ax.imshow(np.block([list(row) for row in tiles]), cmap="gray", vmin=-1, vmax=1)
        ax.set(title=title, xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    return figure


def gabor_scores(scores: dict[str, ArrayLike]) -> Figure:
    """Draw the share of atoms whose best Gabor function explains at least so much of them.

    Parameters
    ----------
    scores : dict of str to array_like of shape (n_components,)
        Name of a dictionary to the fits' R squared.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.2))
    for name, r_squared in scores.items():
        ax.step(np.sort(r_squared), np.linspace(1, 0, len(r_squared)), where="post", label=name)
    ax.set(xlim=(0, 1), xlabel="R² of the best Gabor function", ylabel="share of atoms above")
    ax.legend()
    return figure


def encoder_excess(excess: dict[str, dict[str, float]]) -> Figure:
    """Draw how far above the optimum encoders are, on several data sets.

    Parameters
    ----------
    excess : dict of str to dict of str to float
        Encoder to data set to the excess, as a part of the optimum.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.2))
    for i, (encoder, values) in enumerate(excess.items()):
        place = np.arange(len(values)) + (i - (len(excess) - 1) / 2) * 0.8 / len(excess)
        height = 100 * np.array(list(values.values()))
        bars = ax.bar(place, height, width=0.8 / len(excess), label=encoder)
        ax.bar_label(bars, fmt="%.0f", fontsize="small")
        ax.set_xticks(range(len(values)), values)
    ax.set(ylabel="above the optimum (%)")
    ax.legend()
    return figure


def few_labels(counts: Sequence[int], accuracies: dict[str, ArrayLike]) -> Figure:
    """Draw accuracies against the number of labels a class, with standard errors.

    Parameters
    ----------
    counts : sequence of int
        Labels a class.
    accuracies : dict of str to array_like of shape (n_counts, n_draws)
        Name of a representation to the accuracy of each draw of the labels.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.4))
    for i, (name, values) in enumerate(accuracies.items()):
        values = np.asarray(values)
        se = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
        shift = 1.02 ** (i - (len(accuracies) - 1) / 2)
        ax.errorbar(
            np.array(counts) * shift, values.mean(axis=1), se, marker="o", capsize=3, label=name
        )
    ax.set_xscale("log")
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.minorticks_off()
    ax.set(xlabel="labels a class", ylabel="accuracy on unseen digits")
    ax.legend()
    return figure


def landscapes(h: ArrayLike, surfaces: dict[str, ArrayLike], ends: dict[str, ArrayLike]) -> Figure:
    """Draw objectives of two code entries, and where descents from many starts end.

    Parameters
    ----------
    h : array_like of shape (n_values,)
        Of either entry.
    surfaces : dict of str to array_like of shape (n_values, n_values)
        Name of a prior to the objective; rows are the second entry.
    ends : dict of str to array_like of shape (n_starts, 2)
    """
    figure, axes = plt.subplots(1, len(surfaces), figsize=(WIDTH, 3.3), sharey=True)
    for ax, (name, surface) in zip(axes, surfaces.items(), strict=True):
        levels = np.quantile(surface, np.linspace(0, 0.8, 16))
        ax.contour(h, h, surface, levels=levels, cmap="Blues_r", linewidths=1)
        ax.plot(*np.transpose(ends[name]), "o", color="C1")
        ax.set(title=name, xlabel="first entry", aspect="equal")
    axes[0].set_ylabel("second entry")
    return figure


def prior_samples(images: ArrayLike, groups: int, scores: dict[int, float]) -> Figure:
    """Draw digits decoded from codes of a prior, and the scores of all priors.

    Parameters
    ----------
    images : array_like of shape (24, 64)
    groups : int
        Of the prior that drew them.
    scores : dict of int to float
        Groups of each prior to the energy distance of its samples from real digits.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2), width_ratios=[1.3, 1])
    tiles = np.pad(
        np.reshape(images, (4, 6, 8, 8)), ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=0
    )
    left.imshow(np.block([list(row) for row in tiles]), cmap="gray_r", vmin=0, vmax=1)
    left.set(xticks=[], yticks=[])
    left.spines[:].set_visible(False)
    right.loglog(list(scores), list(scores.values()), color="C0", marker=".")
    right.plot(groups, scores[groups], "o", color="C1", markersize=9)
    right.set_xticks([1, 10, 100], ["1", "10", "100"])
    right.set_yticks([0.03, 0.1, 0.2], ["0.03", "0.1", "0.2"])
    right.minorticks_off()
    right.set(xlabel="groups", ylabel="energy distance")
    return figure
