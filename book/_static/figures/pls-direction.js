// A direction in the plane of two variables, and how the scores along it vary with a third.
(() => {
  const { number } = lvmFigure;
  const radians = (degrees) => (degrees * Math.PI) / 180;

  // Covariances of x and y together.
  const moments = ({ X, y }) => {
    const N = X.length, mean = [0, 0, 0], S = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
    const rows = X.map((x, n) => [...x, y[n]]);
    for (const row of rows) row.forEach((value, i) => { mean[i] += value / N; });
    for (const row of rows) {
      for (const i of [0, 1, 2]) {
        for (const j of [0, 1, 2]) S[i][j] += ((row[i] - mean[i]) * (row[j] - mean[j])) / N;
      }
    }
    return S;
  };
  // Of the scores along a direction, whose angle is in degrees.
  const measure = (angle, [[a, b, p], [, c, q], [, , r]]) => {
    const u = Math.cos(radians(angle)), v = Math.sin(radians(angle));
    const variance = a * u * u + 2 * b * u * v + c * v * v, covariance = p * u + q * v;
    return { variance, covariance, correlation: covariance / Math.sqrt(variance * r) };
  };
  // The angles at which the three are largest.
  const best = ([[a, b, p], [, c, q]]) => ({
    variance: (Math.atan2(2 * b, a - c) * 90) / Math.PI,
    covariance: (Math.atan2(q, p) * 180) / Math.PI,
    correlation: (Math.atan2(a * q - b * p, c * p - b * q) * 180) / Math.PI,
  });

  const measures = ["variance", "covariance", "correlation"];
  const methods = {
    variance: "the first principal component",
    covariance: "the first direction of PLS",
    correlation: "the direction of least squares",
  };
  // Distance of two directions in degrees, up to their sign.
  const apart = (one, other) => Math.abs(((one - other + 450) % 180) - 90);

  // The measures of a direction, and the largest that any direction has.
  const compute = ({ angle }, data) => {
    const S = moments(data), angles = best(S), largest = {};
    for (const name of measures) largest[name] = measure(angles[name], S)[name];
    return { ...measure(angle, S), largest };
  };

  const bins = 7;
  const build = (view, data) => {
    const { X, y } = data, radius = 2.6;
    const plane = view.plane({
      x: [-4, 4], y: [-3.2, 3.2], equal: true, xlabel: "*x*₁", ylabel: "*x*₂",
      label: "Samples, coloured by y, and a direction",
    });
    const order = [...y.keys()].sort((i, j) => y[i] - y[j]);
    for (let bin = 0; bin < bins; bin++) {
      const path = plane.path("blend dots"), from = Math.round((bin * y.length) / bins);
      path.style.setProperty("--share", `${(100 * bin) / (bins - 1)}%`);
      const some = order.slice(from, Math.round(((bin + 1) * y.length) / bins));
      path.setAttribute("d", plane.dots(some.map((n) => X[n])));
    }
    const line = plane.path("ink");
    const curves = view.plane({
      x: [0, 180], y: [-0.5, 1.3], height: 298, xlabel: "angle of the direction (°)",
      ylabel: "share of the maximum", label: "The three measures at every angle",
      xticks: { values: [0, 45, 90, 135, 180], digits: 0 },
    });
    const S = moments(data), angles = best(S), { largest } = compute({ angle: 0 }, data);
    const marks = {};
    measures.forEach((name, i) => {
      const color = "abc"[i], points = Array.from({ length: 91 }, (_, j) => [
        2 * j, measure(2 * j, S)[name] / largest[name]]);
      curves.path(`${color} lvm-after`).setAttribute("d", curves.line(points));
      curves.text(name, 178, 1.12 - 0.17 * i, { class: `${color} lvm-after`, "text-anchor": "end" });
      marks[name] = curves.path(`${color} mark`);
    });
    view.handle(plane, {
      label: "Direction",
      at: ({ angle }) => [radius * Math.cos(radians(angle)), radius * Math.sin(radians(angle))],
      move: (state, x, y_) => {
        const degrees = (Math.atan2(y_, x) * 180) / Math.PI;
        state.angle = Math.round(2 * ((degrees + 360) % 360)) / 2;
      },
      turn: (state, direction) => { state.angle = (state.angle + 2 * direction + 360) % 360; },
      value: ({ angle }) => angle,
      range: [0, 360],
    });
    for (const name of measures) {
      view.button(`Largest ${name}`, (state) => {
        state.angle = (Math.round(2 * angles[name]) / 2 + 360) % 360;
      });
    }
    return ({ angle }, numbers) => {
      const u = 9 * Math.cos(radians(angle)), v = 9 * Math.sin(radians(angle));
      line.setAttribute("d", plane.line([[-u, -v], [u, v]]));
      const sign = angle >= 180 ? -1 : 1; // the curves show half a turn
      for (const name of measures) {
        const share = ((name === "variance" ? 1 : sign) * numbers[name]) / largest[name];
        marks[name].setAttribute("d", curves.dots([[angle % 180, share]]));
      }
    };
  };

  lvmFigure("pls-direction", {
    compute,
    build,
    start: () => ({ angle: 90 }),
    finding: ({ angle }, { variance, covariance, correlation }, data) => {
      const angles = best(moments(data));
      const name = measures.find((it) => apart(angle, angles[it]) < 1.01);
      const what = name ? ` This is ${methods[name]}: no direction has a larger ${name}.` : "";
      return `Variance ${number(variance)}, covariance with *y* ${number(covariance)}, ` +
        `correlation ${number(correlation)}.${what}`;
    },
    predict: (data) => {
      const { variance, covariance, correlation } = best(moments(data));
      return {
        ask: "the samples vary most from lower left to upper right, and *y* (the colour) changes " +
          "across. Where does the direction of largest covariance lie?",
        choices: ["between the two", "where the variance is largest",
          "where the correlation is largest"],
        right: [variance, correlation].findIndex((it) => apart(covariance, it) < 1) + 1,
        because: "Covariance is correlation times standard deviation, so it gives a little of the " +
          "one for more of the other.",
      };
    },
  });
})();
