// The lasso with two atoms: the code is where an ellipse of equal error touches a diamond.
(() => {
  const { number } = lvmFigure;

  // The minimiser of lam |h|_1 + beta |x - W h|^2 for two atoms of length 1 at an angle in degrees.
  // `centre` is the code without a penalty; the minimiser is one of nine candidates, by the signs.
  const compute = ({ centre: [p, q], lam, angle }, { beta }) => {
    const c = Math.cos((angle * Math.PI) / 180);
    const error = ([h, k]) => (h - p) ** 2 + (k - q) ** 2 + 2 * c * (h - p) * (k - q);
    const objective = (h) => lam * (Math.abs(h[0]) + Math.abs(h[1])) + beta * error(h);
    const t = lam / 2 / beta, soft = (z) => Math.sign(z) * Math.max(Math.abs(z) - t, 0);
    const [r, s] = [p + c * q, q + c * p]; // inner products of x with the atoms
    const candidates = [[0, 0], [soft(r), 0], [0, soft(s)]];
    for (const [i, j] of [[1, 1], [1, -1], [-1, 1], [-1, -1]]) {
      const [f, g] = [r - t * i, s - t * j], det = 1 - c * c;
      const h = [(f - c * g) / det, (g - c * f) / det];
      if (h[0] * i > 0 && h[1] * j > 0) candidates.push(h);
    }
    const h = candidates.reduce((a, b) => (objective(b) < objective(a) ? b : a));
    return { h, objective: objective(h), error: error(h), zeros: h.filter((v) => v === 0).length };
  };

  const largest = 6;
  const build = (view, data) => {
    const plane = view.plane({
      x: [-2, 2], y: [-2, 2], equal: true, xlabel: "*h*₁", ylabel: "*h*₂",
      label: "The plane of the two entries of the code",
    });
    plane.path("faint").setAttribute(
      "d", plane.line([[-2, 0], [2, 0]]) + plane.line([[0, -2], [0, 2]]));
    const inner = [0.33, 0.66].map(() => plane.path("faint"));
    const diamond = plane.add("path", { class: "wash" }), edge = plane.path("a");
    const ellipse = plane.path("b"), code = plane.path("ink mark");
    view.handle(plane, {
      label: "Code without penalty, the centre of the ellipses", at: ({ centre }) => centre,
      move: (state, ...place) => { state.centre = place; }, step: 0.05,
    });
    view.slider({ name: "*λ*", key: "lam", range: [0, largest], step: 0.05 });
    view.slider({
      name: "angle of the atoms", key: "angle", range: [40, 140], step: 1,
      show: (value) => `${number(value, 0)}°`,
    });
    const path = view.plane({
      x: [0, largest], y: [-2, 2], height: 328, xlabel: "*λ*", ylabel: "entries of the code",
      label: "The entries of the code over the weight of the penalty",
    });
    path.path("faint").setAttribute("d", path.line([[0, 0], [largest, 0]]));
    const curves = ["c", "d"].map((color) => path.path(color)), now = path.path("ink dashed");
    const names = ["*h*₁", "*h*₂"].map((name) => path.text(name, 0.08, 0));
    return ({ centre, lam, angle }, { h, error }) => {
      const norm = Math.abs(h[0]) + Math.abs(h[1]);
      const corners = plane.line([[norm, 0], [0, norm], [-norm, 0], [0, -norm]], "Z");
      diamond.setAttribute("d", corners);
      edge.setAttribute("d", corners);
      const c = Math.cos((angle * Math.PI) / 180), scale = 1 / (1 - c * c);
      const shape = [[scale, -c * scale], [-c * scale, scale]];
      ellipse.setAttribute("d", plane.ellipse(centre, shape, Math.sqrt(error)));
      inner.forEach((ring, i) =>
        ring.setAttribute("d", plane.ellipse(centre, shape, (Math.sqrt(error) * (i + 1)) / 3)));
      code.setAttribute("d", plane.dots([h]));
      const steps = Array.from({ length: 121 }, (_, i) => (i * largest) / 120);
      const codes = steps.map((weight) => compute({ centre, lam: weight, angle }, data).h);
      curves.forEach((curve, i) => {
        curve.setAttribute("d", path.line(steps.map((weight, j) => [weight, codes[j][i]])));
        names[i].setAttribute("y", path.py(centre[i]) + (centre[i] > centre[1 - i] ? -8 : 18));
      });
      now.setAttribute("d", path.line([[lam, -2], [lam, 2]]));
    };
  };

  lvmFigure("lasso-plane", {
    compute,
    build,
    start: () => ({ centre: [1.4, 0.7], lam: 1, angle: 75 }),
    finding: (state, { h, zeros }) => {
      const code = `The code is (${h.map((v) => (v === 0 ? "0" : number(v))).join(", ")}).`;
      if (zeros === 2) return `${code} Both entries are exactly zero: the penalty is too large.`;
      if (zeros === 0) return `${code} No entry is zero: the ellipse touches an edge of the diamond.`;
      return `${code} Entry ${h[0] === 0 ? 1 : 2} is exactly zero: the ellipse touches a corner of ` +
        "the diamond.";
    },
  });
})();
