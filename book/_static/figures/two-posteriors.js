// The posterior of one factor under a normal and under a Laplace prior of the same variance.
(() => {
  const { number } = lvmFigure;
  const scale = Math.SQRT1_2; // of the Laplace prior with variance 1

  // x = h + noise.  Laplace: Simpson's rule on each side of the cusp.
  const compute = ({ x, sigma }) => {
    const noise = sigma ** 2;
    const sums = [0, 0, 0];
    const peak = Math.max(Math.abs(x) - noise / scale, 0);
    const top = -((Math.abs(x) - peak) ** 2) / 2 / noise - peak / scale;
    for (const side of [1, -1]) {
      const centre = Math.max(side * x - noise / scale, 0), n = 2000;
      const low = Math.max(centre - 9 * sigma, 0), step = (centre + 9 * sigma - low) / n;
      for (let i = 0; i <= n; i++) {
        const h = side * (low + i * step);
        const weight = i === 0 || i === n ? 1 : i % 2 ? 4 : 2;
        const p = Math.exp(-((x - h) ** 2) / 2 / noise - Math.abs(h) / scale - top);
        for (const k of [0, 1, 2]) sums[k] += ((p * weight * step) / 3) * h ** k;
      }
    }
    const mean = sums[1] / sums[0];
    return {
      normal: { mean: x / (1 + noise), deviation: Math.sqrt(noise / (1 + noise)) },
      laplace: {
        mean, mode: Math.sign(x) * peak, deviation: Math.sqrt(sums[2] / sums[0] - mean ** 2),
        logEvidence: top + Math.log(sums[0] / (2 * scale) / sigma / Math.sqrt(2 * Math.PI)),
      },
    };
  };

  const at = (density) => Array.from({ length: 241 }, (_, i) => {
    const h = (i - 120) / 30;
    return [h, Math.min(density(h), 9)];
  });
  const bell = (z, deviation) =>
    Math.exp(-((z / deviation) ** 2) / 2) / deviation / Math.sqrt(2 * Math.PI);
  const priors = {
    normal: (h) => bell(h, 1), Laplace: (h) => Math.exp(-Math.abs(h) / scale) / 2 / scale,
  };

  const build = (view) => {
    const panels = Object.entries(priors).map(([name, prior]) => {
      const plane = view.plane({
        x: [-4, 4], y: [0, 1.6], height: 250, xlabel: "*h*", ylabel: "density",
        label: `Prior, likelihood and posterior, ${name} prior`,
      });
      plane.text(`${name} prior`, -3.9, 1.5);
      plane.path("ink dotted").setAttribute("d", plane.line(at(prior)));
      const likelihood = plane.path("c dashed"), posterior = plane.path("a strong");
      const mean = plane.path("a"), mode = plane.path("b mark");
      view.handle(plane, {
        label: `Reading *x*, ${name} prior`, at: ({ x }) => [x, 0.02],
        move: (state, x) => { state.x = Math.round(x * 50) / 50; },
      });
      return { prior, likelihood, posterior, mean, mode, plane };
    });
    view.slider({ name: "noise *σ*", key: "sigma", range: [0.2, 2], step: 0.02 });
    return ({ x, sigma }, { normal, laplace }) => {
      panels.forEach(({ prior, likelihood, posterior, mean, mode, plane }, i) => {
        const joint = (h) => bell(x - h, sigma);
        const evidence = i ? Math.exp(laplace.logEvidence) : bell(x, Math.sqrt(1 + sigma ** 2));
        const density = (h) => (prior(h) * joint(h)) / evidence;
        const best = i ? laplace.mode : normal.mean, middle = i ? laplace.mean : normal.mean;
        likelihood.setAttribute("d", plane.line(at(joint)));
        posterior.setAttribute("d", plane.line(at(density)));
        mode.setAttribute("d", plane.dots([[best, Math.min(density(best), 1.55)]]));
        mean.setAttribute("d", plane.line([[middle, 0], [middle, density(middle)]]));
      });
    };
  };

  lvmFigure("two-posteriors", {
    compute,
    build,
    start: () => ({ x: 0.5, sigma: Math.round(50 * Math.SQRT1_2) / 50 }),
    finding: ({ x, sigma }, { normal, laplace }) =>
      `Reading *x* = ${number(x)}, noise *σ* = ${number(sigma)}. Normal prior: mean and peak at ` +
      `${number(normal.mean)}. Laplace prior: mean ${number(laplace.mean)}, ` +
      (laplace.mode === 0 ? "peak exactly at 0." : `peak at ${number(laplace.mode)}.`),
    predict: () => {
      const gaps = [2, 4].map((x) => x - compute({ x, sigma: 0.7 }).laplace.mean);
      const ratio = gaps[1] / gaps[0];
      return {
        ask: "a reading moves from *x* = 2 to *x* = 4. Under the Laplace prior, the distance from " +
          "the reading to the posterior mean",
        choices: ["doubles", "hardly changes", "halves"],
        right: ratio > 1.5 ? 0 : ratio < 0.67 ? 2 : 1,
        because: "Far from zero this prior pulls with a constant force; the normal prior pulls " +
          "twice as hard at twice the distance. Move *x*.",
      };
    },
  });
})();
