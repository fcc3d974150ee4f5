// Expectation-maximisation of two Gaussians, one half-step at a time.
(() => {
  const { number } = lvmFigure;

  // log p(x, z = k) of one point.
  const logJoint = ([x, y], weight, [mx, my], [[a, b], [, c]]) => {
    const p = x - mx, q = y - my, det = a * c - b * b;
    return Math.log(weight) - Math.log(2 * Math.PI) - Math.log(det) / 2
      - (c * p * p - 2 * b * p * q + a * q * q) / det / 2;
  };

  // Posterior of the first class, mean log-likelihood, bound at the responsibilities r (by default
  // the posterior), and the parameters that the M-step finds for r.
  const compute = ({ weights, means, covariances, r }, { X }) => {
    const N = X.length, posterior = [];
    let logLikelihood = 0, bound = 0;
    X.forEach((x, n) => {
      const [p, q] = [0, 1].map((k) => logJoint(x, weights[k], means[k], covariances[k]));
      const top = Math.max(p, q), total = top + Math.log(Math.exp(p - top) + Math.exp(q - top));
      posterior.push(Math.exp(p - total));
      logLikelihood += total / N;
      const first = r ? r[n] : posterior[n], second = 1 - first;
      if (first > 0) bound += (first * (p - Math.log(first))) / N;
      if (second > 0) bound += (second * (q - Math.log(second))) / N;
    });
    const next = { weights: [], means: [], covariances: [] };
    for (const k of [0, 1]) {
      const share = (r ?? posterior).map((value) => (k ? 1 - value : value));
      const sum = share.reduce((a, b) => a + b), mean = [0, 0], C = [[0, 0], [0, 0]];
      X.forEach((x, n) => { for (const i of [0, 1]) mean[i] += (share[n] * x[i]) / sum; });
      X.forEach((x, n) => {
        for (const i of [0, 1]) {
          for (const j of [0, 1]) C[i][j] += (share[n] * (x[i] - mean[i]) * (x[j] - mean[j])) / sum;
        }
      });
      next.weights.push(sum / N);
      next.means.push(mean);
      next.covariances.push(C);
    }
    return { posterior, logLikelihood, bound, next };
  };

  const shown = 24; // half-steps
  const initial = (means, { C }) => ({
    weights: [0.5, 0.5], means, covariances: [C, C], r: null, trace: [], still: false,
  });

  // One half-step; `collapsed` where a class has no width left.
  const step = (state, data) => {
    if (state.collapsed) return;
    const { posterior, next } = compute(state, data);
    if (state.r === null || state.trace.at(-1).name === "M") {
      Object.assign(state, { r: posterior });
      state.trace.push({ name: "E" });
    } else {
      const collapsed = next.covariances.some(([[a, b], [, c]]) => a * c - b * b < 1e-4);
      if (collapsed) return Object.assign(state, { collapsed });
      Object.assign(state, next);
      state.trace.push({ name: "M" });
    }
    const { logLikelihood, bound } = compute(state, data), { trace } = state;
    Object.assign(trace.at(-1), { logLikelihood, bound });
    state.still = trace.length > 2 && logLikelihood - trace.at(-3).logLikelihood < 1e-8;
  };

  const bins = 7;
  const build = (view, data) => {
    const { X, names, best } = data;
    const plane = view.plane({
      x: [1, 6], y: [35, 105], height: 320, xlabel: names[0], ylabel: names[1],
      label: "Eruptions, and the two Gaussians",
    });
    const dots = Array.from({ length: bins }, (_, i) => {
      const path = plane.path("blend dots"), share = (100 * i) / (bins - 1);
      path.style.setProperty("--share", `${share}%`);
      return path;
    });
    const rings = [plane.path("a"), plane.path("b")];
    [0, 1].forEach((k) => view.handle(plane, {
      label: `Start of class ${k + 1}`, at: ({ means }) => means[k], step: 0.1,
      move: (state, x, y) => {
        const means = structuredClone(state.means);
        means[k] = [x, y];
        delete state.collapsed;
        Object.assign(state, initial(means, data));
      },
    }));
    const trace = view.plane({
      x: [0.5, shown + 0.5], y: [-5.6, -4], height: 320, xlabel: `the last ${shown} half-steps`,
      ylabel: "nats per eruption", label: "Bound and log-likelihood over the half-steps",
      xticks: { values: [] },
    });
    trace.path("faint dashed").setAttribute("d", trace.line([[0, best], [shown + 1, best]]));
    trace.text("best optimum", 1, best + 0.04);
    const curves = [trace.path("a"), trace.path("b dashed")];
    const marks = [trace.path("a dots strong"), trace.path("b dots strong")];
    ["log-likelihood", "bound"].forEach((text, i) =>
      trace.text(text, 20, -5.3 - 0.14 * i, { class: "ab"[i], "text-anchor": "end" }));
    const half = view.button("E-step", (state) => step(state, data));
    view.button("10 iterations", (state) => {
      for (let i = 0; i < 20 && !state.still; i++) step(state, data);
    });
    return (state, { posterior }) => {
      const r = state.r ?? posterior.map(() => 0.5);
      dots.forEach((path, bin) => path.setAttribute(
        "d", plane.dots(X.filter((_, n) => Math.round(r[n] * (bins - 1)) === bin))));
      rings.forEach((ring, k) =>
        ring.setAttribute("d", plane.ellipse(state.means[k], state.covariances[k], 2)));
      const last = state.trace.slice(-shown);
      ["logLikelihood", "bound"].forEach((name, i) => {
        const points = last.map((entry, j) => [j + 1, Math.max(entry[name], -6)]);
        curves[i].setAttribute("d", trace.line(points));
        marks[i].setAttribute("d", trace.dots(points));
      });
      lvmFigure.write(half, state.trace.at(-1)?.name === "E" ? "M-step" : "E-step");
    };
  };

  lvmFigure("geyser-em", {
    compute,
    build,
    start: (data) => ({ ...initial(structuredClone(data.means), data), collapsed: false }),
    finding: ({ trace, still, collapsed }, { logLikelihood, bound }, { best }) => {
      if (collapsed) {
        return "One class has collapsed on a few points, where the likelihood has no maximum. " +
          "Drag a start elsewhere.";
      }
      const last = trace.at(-1), value = number(logLikelihood, 3);
      if (!last) return `A start: log-likelihood ${value} nats per eruption. Begin with an E-step.`;
      if (still) {
        const behind = best - logLikelihood;
        return behind < 1e-3 ? `EM has converged at ${value}: the best optimum.`
          : `EM has converged at ${value}, another optimum, ${number(behind, 3)} below the best. ` +
            "Drag a start and try again.";
      }
      return last.name === "E"
        ? `After ${trace.length} half-steps: the E-step has lifted the bound to the ` +
          `log-likelihood, ${value}.`
        : `After ${trace.length} half-steps: the M-step has raised the bound to ` +
          `${number(bound, 3)}, and the log-likelihood even more, to ${value}.`;
    },
    predict: (data) => {
      const state = initial(structuredClone(data.means), data);
      const before = compute(state, data).logLikelihood;
      step(state, data);
      const change = compute(state, data).logLikelihood - before;
      return {
        ask: "what does an E-step do to the log-likelihood?",
        choices: ["it raises it", "it leaves it as it is", "it lowers it"],
        right: Math.abs(change) < 1e-12 ? 1 : change > 0 ? 0 : 2,
        because: "The E-step changes the responsibilities, not the parameters: it lifts the bound " +
          "until it touches.",
      };
    },
  });
})();
