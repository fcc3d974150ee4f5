// ICA on white data: as W turns, the likelihood under a normal prior stays, that under Laplace does not.
(() => {
  const { number } = lvmFigure;

  // Mean log-likelihoods of white data X for W a rotation by an angle in degrees, under standard
  // normal and under Laplace sources of variance 1; and the mean size of the sources' kurtosis.
  const compute = ({ angle }, { X }) => {
    const t = (angle * Math.PI) / 180, c = Math.cos(t), s = Math.sin(t), N = X.length;
    const scale = Math.SQRT1_2, squares = [0, 0], fourths = [0, 0], means = [0, 0];
    const H = X.map(([x, y]) => [c * x + s * y, c * y - s * x]);
    let normal = -Math.log(2 * Math.PI), laplace = -2 * Math.log(2 * scale);
    for (const h of H) for (const j of [0, 1]) means[j] += h[j] / N;
    for (const h of H) {
      for (const j of [0, 1]) {
        normal -= h[j] ** 2 / 2 / N;
        laplace -= Math.abs(h[j]) / scale / N;
        squares[j] += (h[j] - means[j]) ** 2 / N;
        fourths[j] += (h[j] - means[j]) ** 4 / N;
      }
    }
    const kurtosis = [0, 1].map((j) => fourths[j] / squares[j] ** 2 - 3);
    return { normal, laplace, kurtosis: (Math.abs(kurtosis[0]) + Math.abs(kurtosis[1])) / 2 };
  };

  const build = (view, data) => {
    const { X } = data;
    const plane = view.plane({
      x: [-4, 4], y: [-4, 4], equal: true, xlabel: "*z*₁", ylabel: "*z*₂",
      label: "White data and the two axes of the sources",
    });
    plane.path("faint dots").setAttribute("d", plane.dots(X));
    const axes = [plane.path("a"), plane.path("a")];
    const angles = Array.from({ length: 91 }, (_, i) => 2 * i);
    const values = angles.map((angle) => compute({ angle }, data));
    const all = values.flatMap(({ normal, laplace }) => [normal, laplace]);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const xticks = { values: [0, 45, 90, 135, 180], digits: 0 };
    const curves = view.plane({
      x: [0, 180], y: [low - 0.2 * (high - low), high + 0.25 * (high - low)], height: 230, xticks, left: 62,
      xlabel: "angle (°)", ylabel: "nats per sample", label: "Log-likelihood at every angle",
    });
    const other = view.plane({
      x: [0, 180], y: [0, 1.15 * Math.max(...values.map((it) => it.kurtosis))], height: 200, xticks, left: 62,
      xlabel: "angle (°)", ylabel: "mean |kurtosis|", label: "Size of the kurtosis at every angle",
    });
    const curve = (place, name, className) => place.path(`${className} lvm-after`).setAttribute(
      "d", place.line(values.map((it, i) => [angles[i], it[name]])));
    curve(curves, "laplace", "a");
    curve(curves, "normal", "b");
    curve(other, "kurtosis", "c");
    curves.text("Laplace prior", 4, high + 0.12 * (high - low), { class: "lvm-after" });
    curves.text("normal prior", 4, values[0].normal + 0.04 * (high - low), { class: "lvm-after" });
    const marks = {
      laplace: curves.path("a mark"), normal: curves.path("b mark"), kurtosis: other.path("c mark"),
    };
    const radius = 3.4;
    view.handle(plane, {
      label: "Axis of the first source",
      at: ({ angle }) => [
        radius * Math.cos((angle * Math.PI) / 180), radius * Math.sin((angle * Math.PI) / 180)],
      move: (state, x, y) => {
        state.angle = Math.round(2 * (((Math.atan2(y, x) * 180) / Math.PI + 360) % 360)) / 2;
      },
      turn: (state, direction) => { state.angle = (state.angle + 2 * direction + 360) % 360; },
      value: ({ angle }) => angle, range: [0, 360],
    });
    return ({ angle }, numbers) => {
      const t = (angle * Math.PI) / 180, c = 9 * Math.cos(t), s = 9 * Math.sin(t);
      axes[0].setAttribute("d", plane.line([[-c, -s], [c, s]]));
      axes[1].setAttribute("d", plane.line([[s, -c], [-s, c]]));
      for (const name of ["laplace", "normal", "kurtosis"]) {
        const place = name === "kurtosis" ? other : curves;
        marks[name].setAttribute("d", place.dots([[angle % 180, numbers[name]]]));
      }
    };
  };

  lvmFigure("ica-turn", {
    compute,
    build,
    start: () => ({ angle: 20 }),
    finding: ({ angle }, { normal, laplace, kurtosis }, { best }) => {
      const away = Math.abs(((angle - best + 405) % 90) - 45); // a quarter turn renames the sources
      return `Axes turned by ${number(angle, 0)}°: log-likelihood ${number(laplace, 3)} nats under ` +
        `the Laplace prior${away < 1.5 ? ", its maximum" : ""}; ${number(normal, 3)} under the ` +
        `normal prior, as at every angle. Mean size of the kurtosis ${number(kurtosis)}.`;
    },
    predict: (data) => {
      const values = Array.from({ length: 90 }, (_, angle) => compute({ angle }, data).normal);
      const flat = Math.max(...values) - Math.min(...values) < 1e-9;
      return {
        ask: "the sources are assumed to be normal. Which angle has the largest likelihood?",
        choices: ["the one along the arms of the cloud", "the one between the arms", "all the same"],
        right: flat ? 2 : values.indexOf(Math.max(...values)) < 45 ? 0 : 1,
        because: "The normal density depends on the distance from the centre alone, which a turn " +
          "does not change. Turn the axes, and watch the Laplace prior.",
      };
    },
  });
})();
