// A pupil in the plane of two tests, and where probabilistic PCA with one factor puts him.
(() => {
  const { number } = lvmFigure;

  // Posterior of the factor, reconstruction, projection and log-density of a point x.
  const compute = ({ x, sigma }, { W: [u, v], b }) => {
    const variance = sigma ** 2, length = u * u + v * v;
    const [p, q] = [x[0] - b[0], x[1] - b[1]], inner = u * p + v * q;
    const h = inner / (length + variance), foot = inner / length;
    const across = p * p + q * q - (inner * inner) / length;
    return {
      h,
      deviation: sigma / Math.sqrt(length + variance),
      share: length / (length + variance),
      reconstruction: [b[0] + u * h, b[1] + v * h],
      projection: [b[0] + u * foot, b[1] + v * foot],
      logDensity: -Math.log(2 * Math.PI) - Math.log(variance * (length + variance)) / 2
        - across / variance / 2 - (inner * inner) / length / (length + variance) / 2,
    };
  };

  const build = (view, { W: [u, v], b, X, names }) => {
    const plane = view.plane({
      x: [-3.2, 3.2], y: [-3.2, 3.2], equal: true, xlabel: names[0], ylabel: names[1],
      label: "Pupils in the plane of two tests, and the axis of the model",
    });
    const rings = [plane.add("path", { class: "wash" }), plane.add("path", { class: "wash" })];
    plane.path("faint dots").setAttribute("d", plane.dots(X));
    plane.path("ink").setAttribute("d", plane.line([-9, 9].map((t) => [b[0] + t * u, b[1] + t * v])));
    const toFoot = plane.path("faint dashed"), toPoint = plane.path("b");
    const foot = plane.path("faint mark"), point = plane.path("b mark");
    view.handle(plane, {
      label: "A pupil", at: ({ x }) => x, move: (state, ...place) => { state.x = place; },
    });
    view.slider({
      name: "*σ*", key: "sigma", range: [0.05, 2], step: 0.01, to: Math.log, from: Math.exp,
    });

    const factor = view.plane({
      x: [-3.2, 3.2], y: [0, 2.4], height: 230, xlabel: "factor *h*", ylabel: "density",
      label: "Prior and posterior of the factor",
    });
    const normal = (mean, deviation) => Array.from({ length: 161 }, (_, i) => {
      const h = -3.2 + 0.04 * i, z = (h - mean) / deviation;
      return [h, Math.min(Math.exp((-z * z) / 2) / deviation / Math.sqrt(2 * Math.PI), 9)];
    });
    factor.path("faint dashed").setAttribute("d", factor.line(normal(0, 1)));
    factor.text("prior", -3.1, 0.12);
    const posterior = factor.path("a"), name = factor.text("posterior", 0, 2, { "text-anchor": "middle" });
    return ({ x, sigma }, numbers) => {
      const noise = sigma ** 2;
      const C = [[u * u + noise, u * v], [u * v, v * v + noise]];
      rings.forEach((ring, i) => ring.setAttribute("d", plane.ellipse(b, C, i + 1)));
      toFoot.setAttribute("d", plane.line([x, numbers.projection]));
      toPoint.setAttribute("d", plane.line([x, numbers.reconstruction]));
      foot.setAttribute("d", plane.dots([numbers.projection]));
      point.setAttribute("d", plane.dots([numbers.reconstruction]));
      posterior.setAttribute("d", factor.line(normal(numbers.h, numbers.deviation)));
      const peak = 1 / numbers.deviation / Math.sqrt(2 * Math.PI);
      name.setAttribute("x", factor.px(Math.min(Math.max(numbers.h, -2.5), 2.5)));
      name.setAttribute("y", factor.py(Math.min(peak, 2.15)) - 6);
    };
  };

  lvmFigure("ppca-pupil", {
    compute,
    build,
    start: () => ({ x: [2, 0.4], sigma: 0.7 }),
    finding: ({ sigma }, { h, deviation, share, logDensity }) =>
      `With *σ* = ${number(sigma)} the reconstruction is ${number(share)} of the way from the mean ` +
      `to the projection. The factor is *h* = ${number(h)} ± ${number(deviation)}; the log-density ` +
      `of this pupil is ${number(logDensity)}.`,
    predict: (data) => {
      const [small, large] = [0.3, 1.2].map((sigma) => compute({ x: [2, 0.4], sigma }, data).share);
      return {
        ask: "the noise *σ* grows. Where does the reconstruction of this pupil go?",
        choices: ["towards the mean", "towards the projection on the axis", "nowhere"],
        right: large < small ? 0 : large > small ? 1 : 2,
        because: "The less a reading can be trusted, the more the prior decides. Try it.",
      };
    },
  });
})();
