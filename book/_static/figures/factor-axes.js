// Factor analysis: as the axes turn, the varimax criterion changes and the likelihood does not.
(() => {
  const { number } = lvmFigure;

  // Loadings L on axes turned by an angle in degrees; their varimax criterion; and the mean
  // log-likelihood of standardised data with correlations R, in nats per sample.
  const compute = ({ angle }, { L, uniquenesses, R }) => {
    const t = (angle * Math.PI) / 180, c = Math.cos(t), s = Math.sin(t), D = L.length;
    const loadings = L.map(([p, q]) => [c * p + s * q, c * q - s * p]);
    let criterion = 0;
    for (const j of [0, 1]) {
      const squares = loadings.map((row) => row[j] ** 2);
      const mean = squares.reduce((sum, value) => sum + value) / D;
      for (const value of squares) criterion += (value - mean) ** 2 / D;
    }
    // Cholesky factor of the covariance; solving with it gives tr(C^-1 R).
    const G = loadings.map(() => new Array(D).fill(0));
    let twice = D * Math.log(2 * Math.PI);
    for (let i = 0; i < D; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = loadings[i][0] * loadings[j][0] + loadings[i][1] * loadings[j][1];
        if (i === j) sum += uniquenesses[i];
        for (let k = 0; k < j; k++) sum -= G[i][k] * G[j][k];
        G[i][j] = i === j ? Math.sqrt(sum) : sum / G[j][j];
      }
      twice += 2 * Math.log(G[i][i]);
    }
    for (let column = 0; column < D; column++) {
      const y = [];
      for (let i = 0; i < D; i++) {
        let sum = R[i][column];
        for (let k = 0; k < i; k++) sum -= G[i][k] * y[k];
        y.push(sum / G[i][i]);
      }
      for (let i = D - 1; i >= 0; i--) {
        for (let k = i + 1; k < D; k++) y[i] -= G[k][i] * y[k];
        y[i] /= G[i][i];
      }
      twice += y[column];
    }
    return { loadings, criterion, logLikelihood: -twice / 2 };
  };

  const build = (view, data) => {
    const { L, names } = data;
    const plane = view.plane({
      x: [-1.1, 1.1], y: [-1.1, 1.1], equal: true, axes: false,
      label: "Tests as points, and the two axes of the factors",
    });
    const circle = Array.from({ length: 73 }, (_, i) => (i * Math.PI) / 36);
    plane.path("faint").setAttribute(
      "d", plane.line(circle.map((t) => [Math.cos(t), Math.sin(t)]), "Z"));
    const feet = [plane.path("a thin"), plane.path("b thin")];
    const axes = [plane.path("a"), plane.path("b")];
    plane.path("ink dots").setAttribute("d", plane.dots(L));
    const tags = ["factor 1", "factor 2"].map((name) =>
      plane.text(name, 0, 0, { "text-anchor": "middle" }));
    const bars = view.plane({
      x: [-1, 1], y: [L.length - 0.5, -0.5], height: 320, xlabel: "loading", left: 160,
      label: "Loadings of the tests on both factors",
      yticks: { values: L.map((_, i) => i), text: (i) => names[i] },
    });
    bars.path("faint").setAttribute("d", bars.line([[0, -0.5], [0, L.length - 0.5]]));
    const lengths = [bars.path("a bar"), bars.path("b bar")];
    const curve = view.plane({
      x: [0, 180], y: [0, 0.35], height: 230, xlabel: "angle (°)", ylabel: "varimax criterion",
      xticks: { values: [0, 45, 90, 135, 180], digits: 0 }, label: "Criterion at every angle",
    });
    const angles = Array.from({ length: 91 }, (_, i) => 2 * i);
    const values = angles.map((angle) => [angle, compute({ angle }, data).criterion]);
    curve.path("c lvm-after").setAttribute("d", curve.line(values));
    const now = curve.path("c mark");
    view.handle(plane, {
      label: "Axis of factor 1",
      at: ({ angle }) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)],
      move: (state, x, y) => {
        state.angle = Math.round(2 * (((Math.atan2(y, x) * 180) / Math.PI + 360) % 360)) / 2;
      },
      turn: (state, direction) => { state.angle = (state.angle + 2 * direction + 360) % 360; },
      value: ({ angle }) => angle, range: [0, 360],
    });
    return ({ angle }, { loadings, criterion }) => {
      const t = (angle * Math.PI) / 180;
      [[Math.cos(t), Math.sin(t)], [-Math.sin(t), Math.cos(t)]].forEach(([x, y], j) => {
        axes[j].setAttribute("d", plane.line([[-x, -y], [x, y]]));
        feet[j].setAttribute("d", L.map((point, i) =>
          plane.line([point, [loadings[i][j] * x, loadings[i][j] * y]])).join(""));
        tags[j].setAttribute("x", plane.px(0.7 * x - 0.09 * y));
        tags[j].setAttribute("y", plane.py(0.7 * y + 0.09 * x));
        lengths[j].setAttribute("d", loadings.map((row, i) =>
          bars.line([[0, i + (j - 0.5) * 0.36], [row[j], i + (j - 0.5) * 0.36]])).join(""));
      });
      now.setAttribute("d", curve.dots([[angle % 180, criterion]]));
    };
  };

  lvmFigure("factor-axes", {
    compute,
    build,
    start: () => ({ angle: 0 }),
    finding: ({ angle }, { criterion, logLikelihood }, { best }) => {
      const turned = Math.abs(((angle - best + 405) % 90) - 45); // a quarter turn only renames axes
      return `Axes turned by ${number(angle, 0)}°: varimax criterion ${number(criterion, 3)}` +
        `${turned < 1.5 ? ", its maximum: each test loads on one factor" : ""}. ` +
        `Log-likelihood ${number(logLikelihood, 4)} nats per pupil, as at every angle.`;
    },
    predict: (data) => {
      const [first, second] = [0, 40].map((angle) => compute({ angle }, data).logLikelihood);
      const change = second - first;
      return {
        ask: "you turn the axes by 40 degrees. What happens to the likelihood?",
        choices: ["it falls", "it stays", "it rises"],
        right: Math.abs(change) < 1e-9 ? 1 : change < 0 ? 0 : 2,
        because: "The points stay where they are. Only their coordinates change, and with them " +
          "the criterion. Turn the axis.",
      };
    },
  });
})();
