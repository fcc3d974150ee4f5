"""The figures that the reader drags: what they compute, and how they answer to hand and keys."""

import itertools
import json
import re

import numpy as np
import pytest
from bs4 import BeautifulSoup
from built import ROOT, SITE
from playwright.sync_api import expect
from scipy import stats
from scipy.integrate import quad
from scipy.spatial.transform import Rotation
from scipy.special import softmax

from lvmnotes import (
    ICA,
    PCA,
    PLS,
    PPCA,
    SFA,
    FactorAnalysis,
    GaussianMixture,
    HiddenMarkovModel,
    LatentClassModel,
    LinearFactorModel,
    LinearGaussianModel,
    SparseCoding,
    data,
    lda,
    live_figure,
    sparse_encode,
    varimax,
)
from lvmnotes.core.gaussian_classes import em_step
from lvmnotes.lasso import objective

SCRIPTS = ROOT / "book" / "_static" / "figures"
NAMES = sorted(path.stem for path in SCRIPTS.glob("*.js") if path.stem != "figure")


def pca_line(rng):
    X = rng.normal(size=(20, 2)) @ rng.normal(size=(2, 2)) + rng.normal(size=2)
    angle = rng.uniform(0, 360)
    model = PCA(1).fit(X)
    model.W_ = np.array([[np.cos(np.radians(angle))], [np.sin(np.radians(angle))]])
    error = model.reconstruction_error(X)
    return (
        {"angle": angle},
        {"X": X},
        {"mean": model.b_, "variance": model.transform(X).var(), "error": error},
    )


def ppca_pupil(rng):
    W, b, x, sigma = rng.normal(size=2), rng.normal(size=2), rng.normal(size=2), rng.uniform(0.1, 2)
    model = PPCA.from_parameters(W[:, None], b, sigma**2)
    mean, covariance = model.posterior(x[None])
    share = np.linalg.norm(model.inverse_transform(mean)[0] - b)
    projection = b + W * (W @ (x - b)) / (W @ W)
    return (
        {"x": x, "sigma": sigma},
        {"W": W, "b": b},
        {
            "h": mean[0, 0],
            "deviation": covariance[0, 0] ** 0.5,
            "share": share / np.linalg.norm(projection - b),
            "reconstruction": model.inverse_transform(mean)[0],
            "projection": projection,
            "logDensity": model.score_samples(x[None])[0],
        },
    )


def lasso_plane(rng):
    centre, lam, beta = rng.normal(size=2), rng.uniform(0.01, 4), rng.uniform(0.5, 2)
    angle = rng.uniform(40, 140)
    W = np.array([[1, np.cos(np.radians(angle))], [0, np.sin(np.radians(angle))]])
    x = (W @ centre)[None]
    h = sparse_encode(x, W, lam, beta)
    return (
        {"centre": centre, "lam": lam, "angle": angle},
        {"beta": beta},
        {
            "h": h[0],
            "objective": objective(x, h, W, lam, beta)[0],
            "error": ((x - h @ W.T) ** 2).sum(),
            "zeros": (h == 0).sum(),
        },
    )


def two_posteriors(rng):
    x, sigma = rng.uniform(-4, 4), rng.uniform(0.2, 2)
    normal = LinearFactorModel.from_parameters([[1.0]], [0.0], sigma**2, prior=stats.norm())
    laplace = LinearFactorModel.from_parameters(
        [[1.0]], [0.0], sigma**2, prior=stats.laplace(scale=0.5**0.5)
    )

    node, weight = np.polynomial.legendre.leggauss(40)

    def moments(model):
        """Evidence, mean and deviation by Gauss's rule on pieces that end at the cusp."""
        edges = np.concatenate(
            [np.linspace(-8 - 12 * sigma, 0, 60), np.linspace(0, 8 + 12 * sigma, 60)[1:]]
        )
        half = np.diff(edges)[:, None] / 2
        h = (edges[:-1, None] + half + half * node).ravel()
        p = np.exp(model.log_joint(np.full((len(h), 1), x), h[:, None])) * (half * weight).ravel()
        mean = p @ h / p.sum()
        return p.sum(), mean, np.sqrt(p @ h**2 / p.sum() - mean**2)

    _, mean, deviation = moments(normal)
    evidence, laplace_mean, laplace_deviation = moments(laplace)
    soft = np.sign(x) * max(abs(x) - sigma**2 / 0.5**0.5, 0)
    return (
        {"x": x, "sigma": sigma},
        {},
        {
            "normal": {"mean": mean, "deviation": deviation},
            "laplace": {
                "mean": laplace_mean,
                "mode": soft,
                "deviation": laplace_deviation,
                "logEvidence": np.log(evidence),
            },
        },
    )


def factor_axes(rng):
    X = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 5)) + rng.normal(size=(40, 5))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    angle = rng.uniform(0, 360)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    L, uniquenesses = rng.uniform(-0.9, 0.9, size=(5, 2)), rng.uniform(0.2, 1, size=5)
    turned = L @ [[c, -s], [s, c]]
    best, _ = varimax(turned, normalize=False)
    assert (turned**2).var(axis=0).sum() <= (best**2).var(axis=0).sum() + 1e-9
    return (
        {"angle": angle},
        {"L": L, "uniquenesses": uniquenesses, "R": np.corrcoef(X.T)},
        {
            "loadings": turned,
            "criterion": (turned**2).var(axis=0).sum(),
            "logLikelihood": FactorAnalysis.from_parameters(turned, 0.0, uniquenesses).score(X),
        },
    )


def two_draws(rng):
    W, b, psi, H = (
        rng.normal(size=(2, 2)),
        rng.normal(size=2),
        rng.random(2),
        rng.normal(size=(9, 2)),
    )
    noise = rng.normal(size=(9, 2)) * psi**0.5
    model = LinearGaussianModel.from_parameters(W, b, psi)
    X = H @ W.T + b + noise
    log_noise = stats.norm(scale=psi**0.5).logpdf(noise).sum(axis=1)
    np.testing.assert_allclose(model.log_joint(X, H) - model.log_prior(H), log_noise)
    return (
        {"columns": W.T, "b": b},
        {"H": H, "noise": noise, "psi": psi},
        {"X": X, "covariance": model.get_covariance()},
    )


def cloud(rng):
    model = LinearGaussianModel.from_parameters(rng.normal(size=(3, 2)), 0.0, rng.random())
    azimuth, elevation = rng.uniform(0, 360), rng.uniform(-90, 90)
    turned = Rotation.from_euler("ZY", [azimuth, -elevation], degrees=True).as_matrix()
    directions = turned[:, [1, 2, 0]]  # right, up, towards the viewer
    X = model.sample(9, rng)[0]
    variances = LinearGaussianModel.from_parameters(
        directions.T @ model.W_, 0.0, model.noise_variance_
    ).get_covariance()
    return (
        {"azimuth": azimuth, "elevation": elevation},
        {"X": X, "C": model.get_covariance()},
        {"points": X @ directions[:, :2], "variances": np.diag(variances)},
    )


def ica_turn(rng):
    X = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 2)) + rng.normal(size=2)
    angle = rng.uniform(0, 360)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    scores = {
        name: ICA.from_parameters([[c, -s], [s, c]], prior=prior)
        for name, prior in (("normal", stats.norm()), ("laplace", stats.laplace(scale=0.5**0.5)))
    }
    kurtosis = np.abs(stats.kurtosis(scores["normal"].transform(X))).mean()
    return (
        {"angle": angle},
        {"X": X},
        {name: model.score(X) for name, model in scores.items()} | {"kurtosis": kurtosis},
    )


def class_table(rng):
    share, A, B = rng.random(), rng.random(2), rng.random(2)
    model = LatentClassModel.from_parameters([share, 1 - share], np.column_stack([A, B]))
    table = np.exp(model.score_samples([[0, 0], [0, 1], [1, 0], [1, 1]])).reshape(2, 2)
    return (
        {"share": share, "A": A, "B": B},
        {},
        {
            "table": table,
            "oddsRatio": table[1, 1] * table[0, 0] / table[1, 0] / table[0, 1],
            "covariance": table[1, 1] - table[1].sum() * table[:, 1].sum(),
        },
    )


def geyser_em(rng):
    X = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 2)) + [2, 50]
    weights, means = rng.dirichlet([3, 3]), X[rng.choice(30, 2, replace=False)]
    covariances = np.array([np.cov(rng.normal(size=(9, 2)).T) + np.eye(2) for _ in range(2)])
    model = GaussianMixture.from_parameters(weights, means, covariances)
    posterior, r = model.predict_proba(X), rng.uniform(0.05, 0.95, size=30)
    R = np.column_stack([r, 1 - r])
    return (
        {"weights": weights, "means": means, "covariances": covariances, "r": r},
        {"X": X},
        {
            "posterior": posterior[:, 0],
            "logLikelihood": model.score(X),
            "bound": model.score(X) - (R * np.log(R / posterior)).sum(axis=1).mean(),
            "next": {
                "weights": R.mean(axis=0),
                "means": R.T @ X / R.sum(axis=0)[:, None],
                "covariances": [np.cov(X.T, aweights=column, ddof=0) for column in R.T],
            },
        },
    )


def rebuild(rng):
    X = rng.normal(size=(30, 9)) * np.arange(1, 10)
    k, image = rng.integers(1, 7), rng.integers(0, 3)
    model = PCA(9).fit(X)
    vectors, codes = model.W_.T, None
    if rng.random() < 0.5:  # atoms of a sparse code
        W = rng.normal(size=(9, 12)) / 3
        coder = SparseCoding.from_parameters(W, model.b_, 1.0, lam=1.0)
        H = coder.transform(X[:7])
        codes = [{"atoms": np.flatnonzero(h), "weights": h[h != 0]} for h in H]
        vectors, rebuilt = W.T, coder.inverse_transform(H)[k]
    else:
        shorter = PCA(int(k)).fit(X)
        rebuilt = shorter.inverse_transform(shorter.transform(X))[image]
    missing = ((X[image] - rebuilt) ** 2).sum() / ((X[image] - model.b_) ** 2).sum()
    return (
        {"k": int(k), "image": int(image)},
        {"images": X[:3], "mean": model.b_, "vectors": vectors, "codes": codes},
        {"rebuilt": rebuilt, "missing": missing},
    )


def pls_direction(rng):
    X = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 2)) + rng.normal(size=2)
    y = X @ rng.normal(size=2) + rng.normal(size=30)
    angle = rng.uniform(0, 360)
    scores = X @ [np.cos(np.radians(angle)), np.sin(np.radians(angle))]

    def covariance(scores):
        return np.cov(scores, y, ddof=0)[0, 1]

    one, both = PLS(1, scale=False).fit(X, y), PLS(2).fit(X, y)  # both: least squares
    return (
        {"angle": angle},
        {"X": X, "y": y},
        {
            "variance": scores.var(),
            "covariance": covariance(scores),
            "correlation": np.corrcoef(scores, y)[0, 1],
            "largest": {
                "variance": PCA(1).fit(X).eigenvalues_[0],
                "covariance": abs(covariance(one.transform(X)[:, 0])),
                "correlation": both.score(X, y) ** 0.5,
            },
        },
    )


def recycled_estimates(rng):
    """Solve for what the chain tends to, with acceptance by quadrature."""
    grid, s = np.arange(6) / 5, rng.uniform(0.05, 2.5)
    posterior = rng.dirichlet(np.ones(6))

    def accepted(mean):
        """Mean of min(1, exp y) for y with this mean and the standard deviation s sqrt 2."""
        y = stats.norm(mean, 2**0.5 * s)
        low = mean + 2 * s**2  # where most of exp(y) is
        area = quad(
            lambda x: np.exp(x) * y.pdf(x),
            *(low - 40 * s, 0),
            points=[min(low, -1e-9)],
            epsabs=1e-13,
        )
        return y.sf(0) + (area[0] if low - 40 * s < 0 else 0)

    gain = np.log(posterior / posterior[:, None])
    near = np.abs(np.subtract.outer(range(6), range(6))) == 1
    fresh = np.zeros((6, 6))
    fresh[near] = [accepted(x) / 2 for x in gain[near]]
    P = fresh + np.diag(1 - fresh.sum(axis=1))
    recomputed = np.linalg.solve(np.vstack([(P.T - np.eye(6))[1:], np.ones(6)]), np.eye(6)[5])

    def spread(p):
        return np.sqrt(p @ (grid - p @ grid) ** 2)

    up = np.diag(gain, 1)
    return (
        {"s": s},
        {"grid": grid, "posterior": posterior},
        {
            "recomputed": recomputed,
            "acceptance": {
                "kept": sum(posterior[:-1] * [accepted(x - s**2) for x in up]),
                "fresh": 2 * recomputed[:-1] @ np.diag(fresh, 1),
            },
            "spread": {"kept": spread(posterior), "fresh": spread(recomputed)},
        },
    )


def slow_direction(rng):
    """In the coordinates of the slow features, slowness is a weighted mean of theirs."""
    Z = np.linalg.qr(np.column_stack([np.ones(30), rng.normal(size=(30, 2))]))[0][:, 1:] * 30**0.5
    angle = rng.uniform(0, 360)
    u = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    model = SFA().fit(Z)
    share = (u @ model.W_) ** 2
    return (
        {"angle": angle},
        {"Z": Z},
        {
            "output": model.transform(Z) @ model.W_.T @ u,
            "slowness": share @ model.slowness_,
            "across": (1 - share) @ model.slowness_,
            "variance": share.sum(),
        },
    )


def trellis(rng):
    counts, rates = rng.poisson(8, size=9), rng.uniform(2, 14, size=2)
    stay = rng.uniform(0.5, 0.99)
    model = HiddenMarkovModel.from_parameters(
        [0.5, 0.5], [[stay, 1 - stay], [1 - stay, stay]], rates=rates
    )
    X = counts[:, None]
    scales = np.exp(model.score_samples(X))
    filtered = [model.posterior(X[: t + 1])[-1] for t in range(9)]
    path = model.predict(X)
    steps = np.log(model.transition_[path[:-1], path[1:]]).sum()
    log_joint = np.log(0.5) + steps + stats.poisson.logpmf(counts, rates[path]).sum()
    # The best predecessor of each state: by all paths that end there.
    before = [[0, 0]]
    for t in range(1, 9):
        paths = np.array(list(itertools.product([0, 1], repeat=t)))
        value = stats.poisson.logpmf(counts[:t], rates[paths]).sum(axis=1)
        value += np.log(model.transition_[paths[:, :-1], paths[:, 1:]]).sum(axis=1)
        ways = np.array([value[paths[:, -1] == i].max() for i in (0, 1)])
        before.append((ways[:, None] + np.log(model.transition_)).argmax(axis=0))
    return (
        {"stay": stay},
        {"counts": counts, "rates": rates},
        {
            "filtered": filtered,
            "scales": scales,
            "smoothed": model.posterior(X),
            "path": path,
            "from": before,
            "logLikelihood": 9 * model.score(X),
            "logPosterior": log_joint - 9 * model.score(X),
        },
    )


def gibbs_bars(rng):
    X, K = rng.multinomial(12, rng.dirichlet(np.ones(25)), size=6), 4
    alpha, eta = rng.uniform(0.1, 2, size=2)
    documents, words = lda.tokens(X)
    z = rng.integers(K, size=len(words))

    def joint(z):
        by_document, by_word = lda.count(z, documents, 6, K), lda.count(z, words, 25, K)
        return lda.log_joint(by_document, by_word.T, alpha, eta)

    topics = lda.count(z, words, 25, K).T + eta
    first = softmax([joint(np.r_[k, z[1:]]) for k in range(K)])
    return (
        {"z": z, "alpha": alpha, "eta": eta},
        {"X": X, "K": K},
        {
            "logJoint": joint(z) / len(z),
            "topics": topics / topics.sum(axis=1, keepdims=True),
            "first": first,
        },
    )


#: One random setting of each figure, and what the library says: state, data, numbers.
CASES = {
    "class-table": class_table,
    "cloud": cloud,
    "factor-axes": factor_axes,
    "geyser-em": geyser_em,
    "ica-turn": ica_turn,
    "gibbs-bars": gibbs_bars,
    "rebuild": rebuild,
    "slow-direction": slow_direction,
    "trellis": trellis,
    "two-draws": two_draws,
    "pca-line": pca_line,
    "pls-direction": pls_direction,
    "ppca-pupil": ppca_pupil,
    "recycled-estimates": recycled_estimates,
    "lasso-plane": lasso_plane,
    "two-posteriors": two_posteriors,
}


def flat(numbers):
    """Return nested numbers as one array, in the order of their names."""
    if isinstance(numbers, dict):
        return np.concatenate([flat(numbers[name]) for name in sorted(numbers)])
    return np.ravel(np.asarray(numbers, dtype=float))


def test_every_figure_is_compared_with_the_library_and_used():
    assert sorted(CASES) == NAMES
    chapters = "".join(path.read_text("utf-8") for path in ROOT.glob("book/chapters/*.md"))
    assert set(re.findall(r'live_figure\("([\w-]+)"', chapters)) == set(NAMES)


@pytest.mark.parametrize("path", sorted(SITE.glob("book/**/*.html")), ids=lambda path: path.stem)
def test_a_figure_takes_the_place_of_the_picture_right_before_it(path):
    for script in BeautifulSoup(path.read_text("utf-8"), "html.parser").select("[data-figure]"):
        still = script.find_previous("figure")
        after = [it for it in still.find_all_next(string=True) if still not in it.parents]
        left = script.find_all_next(string=True)
        assert not "".join(after[: -len(left)]).strip(), script["data-figure"]


@pytest.fixture(scope="module")
def scripts(browser):
    """Return a page with the scripts alone."""
    page = browser.new_page()
    for name in ("figure", *NAMES):
        page.add_script_tag(path=SCRIPTS / f"{name}.js")
    yield page
    page.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_computes_what_the_library_does(scripts, name):
    rng = np.random.default_rng(20)
    cases = [CASES[name](rng) for _ in range(50)]
    given = json.dumps([case[:2] for case in cases], default=lambda it: it.tolist())
    numbers = scripts.evaluate(
        f"cases => cases.map(([state, data]) => lvmFigures['{name}'].compute(state, data))",
        json.loads(given),
    )
    for got, (_, _, want) in zip(numbers, cases, strict=True):
        np.testing.assert_allclose(flat(got), flat(want), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "data", "error", "message"),
    [
        (3, {}, TypeError, "name must be a text .* got 3"),
        ("../up", {}, TypeError, "name must be a text"),
        ("cloud", {"X": [[1, np.nan]]}, ValueError, r"X\[0\]\[1\] must be finite"),
        ("cloud", {"start": {"A": [1, {"b": np.inf}]}}, ValueError, r"start\['A'\]\[1\]\['b'\]"),
        ("cloud", {"X": print}, TypeError, "X must hold numbers or texts"),
        ("cloud", {"X": np.ma.array([1.0], mask=True)}, TypeError, "X is a masked array"),
    ],
)
def test_data_that_a_script_cannot_have_are_refused(name, data, error, message):
    with pytest.raises(error, match=message):
        live_figure(name, **data)


def test_a_page_carries_the_data_and_no_more():
    output = live_figure("cloud", X=np.array([[1 / 3, 2.0]]), names=["a</script>", "ψ"], on=True)
    html = output._repr_mimebundle_()["text/html"]
    text = re.fullmatch(r'<script type="application/json" data-figure="cloud">(.*)</script>', html)
    assert json.loads(text[1]) == {"X": [[0.3333333, 2]], "names": ["a</script>", "ψ"], "on": True}
    assert "<" not in text[1] and "can be dragged" in repr(output)


def still(name):
    """Return the page of the site that shows a figure first."""
    for page in sorted((SITE / "book").rglob("*.html")):
        if f'data-figure="{name}"' in page.read_text(encoding="utf-8"):
            return page
    raise AssertionError(f"no page shows {name}")


def come_near(page, address, name):
    """Go to a page and scroll to a figure; return it when it answers."""
    page.set_default_timeout(120_000)
    page.goto(address)
    script = page.locator(f'script[data-figure="{name}"]').first
    script.evaluate("script => lvmStill(script).scrollIntoView()")
    figure = page.locator("figure:has(.lvm-live)").filter(
        has=page.locator(f'.lvm-live[data-name="{name}"]')
    )
    expect(figure).to_have_count(1)
    if (question := figure.get_by_role("group", name="Predict first")).count():
        question.get_by_role("button").first.click()
        expect(question.get_by_role("status")).to_contain_text(re.compile("predicted|Here it is"))
    return figure


@pytest.fixture(scope="module")
def phone(browser):
    """Return a phone, which hears what its pages complain about and ask for."""
    context = browser.new_context(
        viewport={"width": 375, "height": 812}, has_touch=True, device_scale_factor=2
    )
    yield context
    context.close()


FIELDS = """root => [...root.querySelectorAll("[role=slider], input, button:not([disabled])")]
    .map(field => field.getAttribute("aria-valuetext") ?? field.textContent)"""
SMALLEST_TEXT = """root => Math.min(...[...root.querySelectorAll("svg text")].map(text => {
    const { a, b } = text.getCTM();
    return parseFloat(getComputedStyle(text).fontSize) * Math.hypot(a, b);
}))"""
TARGETS = """root => [...root.querySelectorAll("button, input, .lvm-target")].map(target => {
    const { width, height } = target.getBoundingClientRect();
    return Math.min(width, height);
})"""


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_answers_to_keys_and_finger_on_a_phone(phone, name):
    page = phone.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    figure = come_near(page, still(name).as_uri(), name)  # from a file, as on a train
    root, finding = figure.locator(".lvm-live"), figure.locator(".lvm-finding")
    expect(figure.locator("img")).to_be_hidden()
    expect(figure.locator("figcaption")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert root.evaluate(SMALLEST_TEXT) >= 11
    assert min(root.evaluate(TARGETS)) >= 43.9  # 44, but for round-off
    start = finding.inner_text()

    fields = root.locator("[role=slider], input").all()
    for field in fields:
        expect(field).to_have_attribute("aria-valuetext", re.compile(re.escape(start) + "$"))
    answered = 0
    for field in fields or [root.get_by_role("button", name="E-step")]:
        field.focus()
        before = finding.inner_text()
        for key in ("ArrowRight", "ArrowDown", "ArrowDown"):
            page.keyboard.press(key)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        answered += finding.inner_text() != before
    assert answered, "no key changes the finding"
    root.get_by_role("button", name="Reset").click()
    expect(finding).to_have_text(start)
    expect(root.get_by_role("status").last).to_have_text(start)  # a button's effect is spoken

    handle = root.locator(".lvm-handle .lvm-target, .lvm-turn")
    if handle.count():
        handle.first.scroll_into_view_if_needed()
        box = handle.first.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        touch = phone.new_cdp_session(page)
        for kind, shift in (("touchStart", 0), *(("touchMove", 8 * i) for i in range(1, 8))):
            points = [{"x": x + shift * (-1 if x > 187 else 1), "y": y + shift / 2}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        expect(finding).not_to_have_text(start)
    assert complaints == []
    page.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_burst_of_changes_is_one_frame_of_little_work(phone, name):
    page = phone.new_page()
    root = come_near(page, still(name).as_uri(), name).locator(".lvm-live")
    work = root.evaluate(
        """async root => {
            const { view } = root, frame = () => new Promise(requestAnimationFrame);
            await frame();
            const before = [view.frames, view.milliseconds];
            for (let i = 0; i < 20; i++) {
                for (let j = 0; j < 50; j++) view.change();
                await frame();
            }
            return [view.frames - before[0], view.milliseconds - before[1]];
        }"""
    )
    assert work[0] == 20  # of a thousand changes
    assert work[1] / work[0] < 33  # milliseconds: 30 frames per second even on a busy machine
    page.close()


def test_another_start_of_em_ends_in_another_optimum(phone):
    page, start = phone.new_page(), np.array([[2.8, 72.0], [3.0, 48.0]])
    root = come_near(page, still("geyser-em").as_uri(), "geyser-em").locator(".lvm-live")
    root.evaluate("(root, means) => { root.view.state.means = means; }", start.tolist())
    for _ in range(20):
        root.get_by_role("button", name="10 iterations").click()
    expect(root.locator(".lvm-finding")).to_contain_text("converged")
    expect(root.locator(".lvm-finding")).to_contain_text("another optimum")
    end = root.evaluate(
        "({ view }) => view.figure.compute(view.state, view.data).logLikelihood", timeout=120_000
    )
    Y = data.old_faithful().X
    parameters = np.full(2, 0.5), start, np.array([np.cov(Y.T) / 5] * 2)
    for _ in range(400):
        score, parameters = em_step(parameters, Y, 1e-9 * np.eye(2))
    assert end == pytest.approx(score, abs=1e-5)
    assert GaussianMixture(2, random_state=0).fit(Y).score(Y) - end > 0.5
    page.close()
