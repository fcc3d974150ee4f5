// A linear factor model in the plane: draws of two factors become draws of two variables.
(() => {
  const { number } = lvmFigure;

  // The samples X = H W' + b + noise, and the covariance of the model.
  const compute = ({ columns: [u, v], b }, { H, noise, psi }) => ({
    X: H.map(([h, k], n) => [0, 1].map((i) => h * u[i] + k * v[i] + b[i] + noise[n][i])),
    covariance: [0, 1].map((i) =>
      [0, 1].map((j) => u[i] * u[j] + v[i] * v[j] + (i === j ? psi[i] : 0))),
  });

  const steps = ["draw *h*", "*W h*", "*W h* + *b*", "*x* = *W h* + *b* + noise"];
  const build = (view, { H, noise, names, start }) => {
    const factors = view.plane({
      x: [-3.4, 3.4], y: [-3.4, 3.4], equal: true, xlabel: "*h*₁", ylabel: "*h*₂",
      label: "Draws of the two factors",
    });
    factors.path("faint dots").setAttribute("d", factors.dots(H));
    factors.path("c mark").setAttribute("d", factors.dots(H.slice(0, 1)));
    const plane = view.plane({
      x: [-4, 13], y: [-5, 12], equal: true, xlabel: names[0], ylabel: names[1],
      label: "Draws of the two variables",
    });
    const ring = plane.path("faint"), dots = plane.path("faint dots");
    const arrows = [plane.path("a strong"), plane.path("b strong")];
    const thread = plane.path("c"), one = plane.path("c mark");
    const tags = ["*w*₁", "*w*₂"].map((name) => plane.text(name, 0, 0, { "text-anchor": "middle" }));
    const origin = ({ step, b }) => (step >= 2 ? b : [0, 0]);
    [0, 1].forEach((j) => view.handle(plane, {
      label: `Column ${j + 1} of *W*`, step: 0.25,
      at: (state) => state.columns[j].map((w, i) => w * 2 + origin(state)[i]),
      move: (state, x, y) => {
        const [p, q] = origin(state);
        state.columns[j] = [(x - p) / 2, (y - q) / 2];
      },
    }));
    view.handle(plane, {
      label: "Offset *b*", step: 0.25, at: ({ b }) => b,
      move: (state, x, y) => {
        state.b = [x, y];
        state.step = Math.max(state.step, 2);
      },
    });
    steps.forEach((name, step) => {
      const button = view.button(name, (state) => { state.step = step; });
      view.listeners.push((state) => button.setAttribute("aria-pressed", state.step === step));
    });
    return (state, { X, covariance }) => {
      const { step, b } = state, [p, q] = origin(state);
      const shown = step === 0 ? [] : X.map((x, n) => x.map((value, i) =>
        value - (step < 3 ? noise[n][i] : 0) - (step < 2 ? b[i] : 0)));
      dots.setAttribute("d", plane.dots(shown));
      one.setAttribute("d", plane.dots(shown.slice(0, 1)));
      ring.setAttribute("d", step === 3 ? plane.ellipse(b, covariance, 2) : "");
      thread.setAttribute("d", step === 3
        ? plane.line([X[0], X[0].map((value, i) => value - noise[0][i])]) : "");
      state.columns.forEach(([x, y], j) => {
        arrows[j].setAttribute("d", plane.line([[p, q], [p + 2 * x, q + 2 * y]]));
        const length = Math.hypot(x, y) || 1;
        tags[j].setAttribute("x", plane.px(p + 2 * x + (1.6 * x) / length));
        tags[j].setAttribute("y", plane.py(q + 2 * y + (1.6 * y) / length) + 5);
      });
    };
  };

  lvmFigure("two-draws", {
    compute,
    build,
    start: ({ W, b }) => ({
      columns: [0, 1].map((j) => W.map((row) => row[j])), b: [...b], step: 3,
    }),
    finding: ({ step }, { covariance: [[a, b], [, c]] }) => [
      "The first draw: the settings of the two lamps, independent of each other.",
      "A setting becomes a point: *h*₁ times column 1 plus *h*₂ times column 2.",
      "The offset *b* moves all points together, and changes no variance.",
      `Variances ${number(a, 1)} and ${number(c, 1)}, correlation ${number(b / Math.sqrt(a * c))}. ` +
        "The columns of *W* make the correlation; the noise only weakens it. " +
        "(Arrows are drawn at twice their length.)",
    ][step],
  });
})();
