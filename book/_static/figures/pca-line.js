// The line of PCA: as it turns, the error and the variance of the projections add up to the same.
(() => {
  const { number } = lvmFigure;

  // Variance along the line through the mean at an angle in degrees, and mean squared distance to it.
  const compute = ({ angle }, { X }) => {
    const t = (angle * Math.PI) / 180, c = Math.cos(t), s = Math.sin(t), N = X.length;
    let mx = 0, my = 0, variance = 0, error = 0;
    for (const [x, y] of X) { mx += x / N; my += y / N; }
    for (const [x, y] of X) {
      variance += (c * (x - mx) + s * (y - my)) ** 2 / N;
      error += (c * (y - my) - s * (x - mx)) ** 2 / N;
    }
    return { mean: [mx, my], variance, error };
  };

  const build = (view, { X, names }) => {
    const plane = view.plane({
      x: [-4, 4], y: [-3.2, 3.2], equal: true, label: "Points and a line through their mean",
      xlabel: names[0], ylabel: names[1],
    });
    const residuals = plane.path("b"), line = plane.path("ink"), dots = plane.path("a dots");
    dots.setAttribute("d", plane.dots(X));
    const { mean: [mx, my], variance, error } = compute({ angle: 0 }, { X });
    const total = variance + error, angles = Array.from({ length: 91 }, (_, i) => 2 * i);
    const curves = view.plane({
      x: [0, 180], y: [0, 1.12 * total], height: 298, xlabel: "angle of the line (°)",
      ylabel: "variance and error", label: "Variance and error at every angle",
      xticks: { values: [0, 45, 90, 135, 180], digits: 0 },
    });
    const curve = (name, className) => {
      const points = angles.map((angle) => [angle, compute({ angle }, { X })[name]]);
      curves.path(`${className} lvm-after`).setAttribute("d", curves.line(points));
      const [at, top] = points.reduce((a, b) => (a[1] > b[1] ? a : b));
      curves.text(name, at, top + 0.05 * total, { class: "lvm-after", "text-anchor": "middle" });
    };
    curve("variance", "a");
    curve("error", "b");
    curves.path("faint dashed lvm-after").setAttribute("d", curves.line([[0, total], [180, total]]));
    curves.text("sum", 2, 1.03 * total, { class: "lvm-after" });
    const [kept, lost] = [curves.path("a mark"), curves.path("b mark")];
    const radius = 2.6;
    view.handle(plane, {
      label: "Direction of the line",
      at: ({ angle }) => {
        const t = (angle * Math.PI) / 180;
        return [mx + radius * Math.cos(t), my + radius * Math.sin(t)];
      },
      move: (state, x, y) => {
        const degrees = (Math.atan2(y - my, x - mx) * 180) / Math.PI;
        state.angle = Math.round(2 * ((degrees + 360) % 360)) / 2;
      },
      turn: (state, direction) => { state.angle = (state.angle + 2 * direction + 360) % 360; },
      value: ({ angle }) => angle,
      range: [0, 360],
    });
    return ({ angle }, numbers) => {
      const t = (angle * Math.PI) / 180, c = Math.cos(t), s = Math.sin(t);
      line.setAttribute("d", plane.line([[mx - 9 * c, my - 9 * s], [mx + 9 * c, my + 9 * s]]));
      residuals.setAttribute("d", X.map(([x, y]) => {
        const h = c * (x - mx) + s * (y - my);
        return plane.line([[x, y], [mx + h * c, my + h * s]]);
      }).join(""));
      kept.setAttribute("d", curves.dots([[angle % 180, numbers.variance]]));
      lost.setAttribute("d", curves.dots([[angle % 180, numbers.error]]));
    };
  };

  lvmFigure("pca-line", {
    compute,
    build,
    start: () => ({ angle: 120 }),
    finding: (state, { variance, error }, { best }) => {
      const turned = Math.abs(((state.angle - best + 270) % 180) - 90);
      const what = turned < 1.5 ? " This is the line of PCA: no line has a smaller error."
        : turned > 88.5 ? " No line has a larger error." : "";
      return `Error ${number(error)}, variance kept ${number(variance)}: together ` +
        `${number(error + variance)}, as at every angle.${what}`;
    },
    predict: ({ X }) => {
      const values = Array.from({ length: 180 }, (_, angle) => compute({ angle }, { X }));
      const best = values.reduce((a, b) => (a.error < b.error ? a : b));
      const order = [...values].sort((a, b) => b.variance - a.variance);
      return {
        ask: "of all lines through the mean, which leaves the smallest error?",
        choices: ["the line of largest variance", "the line of smallest variance",
          "one between them"],
        right: best === order[0] ? 0 : best === order.at(-1) ? 1 : 2,
        because: "Turn the line: what the error loses, the variance gains.",
      };
    },
  });
})();
