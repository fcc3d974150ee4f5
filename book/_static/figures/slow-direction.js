// A whitened signal and a direction: in every direction the output has variance 1, but one is slowest.
(() => {
  const { number } = lvmFigure;

  // The output along a direction at an angle in degrees, its slowness, and that a right angle further.
  const compute = ({ angle }, { Z }) => {
    const t = (angle * Math.PI) / 180, c = Math.cos(t), s = Math.sin(t), N = Z.length;
    const output = Z.map(([x, y]) => c * x + s * y);
    let slowness = 0, across = 0, variance = 0;
    for (let i = 0; i < N; i++) {
      variance += output[i] ** 2 / N;
      if (i === 0) continue;
      slowness += (output[i] - output[i - 1]) ** 2 / (N - 1);
      const [dx, dy] = [Z[i][0] - Z[i - 1][0], Z[i][1] - Z[i - 1][1]];
      across += (c * dy - s * dx) ** 2 / (N - 1);
    }
    return { output, slowness, across, variance };
  };

  const build = (view, { Z }) => {
    const plane = view.plane({
      x: [-2.6, 2.6], y: [-2.6, 2.6], equal: true, xlabel: "*z*₁", ylabel: "*z*₂",
      label: "The path of the whitened signal, and a direction",
    });
    plane.path("faint").setAttribute("d", plane.line(Z));
    plane.path("a dots").setAttribute("d", plane.dots(Z));
    const line = plane.path("ink");
    view.handle(plane, {
      label: "Direction of the output",
      at: ({ angle }) => {
        const t = (angle * Math.PI) / 180;
        return [2.2 * Math.cos(t), 2.2 * Math.sin(t)];
      },
      move: (state, x, y) => {
        const degrees = (Math.atan2(y, x) * 180) / Math.PI;
        state.angle = Math.round(2 * ((degrees + 360) % 360)) / 2;
      },
      turn: (state, direction) => { state.angle = (state.angle + 2 * direction + 360) % 360; },
      value: ({ angle }) => angle,
      range: [0, 360],
    });
    const outputs = view.plane({
      x: [1, Z.length], y: [-2.9, 2.9], height: 200, xlabel: "step", ylabel: "output",
      label: "The output over time",
    });
    const output = outputs.path("a");
    const most = 1.1 * Math.max(...[0, 45, 90, 135].map((angle) => {
      const { slowness, across } = compute({ angle }, { Z });
      return slowness + across;
    }));
    const curve = view.plane({
      x: [0, 180], y: [0, most], height: 200, xlabel: "angle (°)", ylabel: "slowness Δ",
      label: "Slowness at every angle", xticks: { values: [0, 45, 90, 135, 180], digits: 0 },
    });
    const points = Array.from({ length: 91 }, (_, i) =>
      [2 * i, compute({ angle: 2 * i }, { Z }).slowness]);
    curve.path("faint lvm-after").setAttribute("d", curve.line(points));
    const mark = curve.path("b mark");
    return ({ angle }, numbers) => {
      const t = (angle * Math.PI) / 180, c = Math.cos(t), s = Math.sin(t);
      line.setAttribute("d", plane.line([[-9 * c, -9 * s], [9 * c, 9 * s]]));
      output.setAttribute("d", outputs.line(numbers.output.map((y, i) => [i + 1, y])));
      mark.setAttribute("d", curve.dots([[angle % 180, numbers.slowness]]));
    };
  };

  lvmFigure("slow-direction", {
    compute,
    build,
    start: () => ({ angle: 60 }),
    finding: (state, { slowness, across, variance }, { best }) => {
      const turned = Math.abs(((state.angle - best + 270) % 180) - 90);
      const what = turned < 1.5 ? " This is the slowest output."
        : turned > 88.5 ? " No output is faster." : "";
      return `Variance ${number(variance)}, slowness ${number(slowness, 3)}; at a right angle to it ` +
        `${number(across, 3)}, together ${number(slowness + across, 3)} as at every angle.${what}`;
    },
    predict: ({ Z, best }) => {
      const at = (angle) => compute({ angle }, { Z }).slowness;
      const values = Array.from({ length: 180 }, (_, angle) => at(angle));
      const turned = at(best + 90), share = values.filter((value) => value <= turned + 1e-3).length;
      return {
        ask: "find the slowest direction, and turn it by a right angle. How fast is the output there?",
        choices: ["as slow as before", "in between", "as fast as any"],
        right: share > 178 ? 2 : share < 3 ? 0 : 1,
        because: "Two directions at a right angle have the same sum of slownesses, whatever the angle.",
      };
    },
  });
})();
