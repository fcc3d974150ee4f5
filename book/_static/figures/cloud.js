// A thin cloud in three dimensions, turned by hand, and its variance in the three directions of view.
(() => {
  const { number, svg } = lvmFigure;

  // Directions to the right, upwards and towards the viewer; points on the screen; variances.
  const compute = ({ azimuth, elevation }, { X, C }) => {
    const a = (azimuth * Math.PI) / 180, e = (elevation * Math.PI) / 180;
    const directions = [
      [-Math.sin(a), Math.cos(a), 0],
      [-Math.sin(e) * Math.cos(a), -Math.sin(e) * Math.sin(a), Math.cos(e)],
      [Math.cos(e) * Math.cos(a), Math.cos(e) * Math.sin(a), Math.sin(e)],
    ];
    const dot = (u, v) => u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
    return {
      points: X.map((x) => [dot(directions[0], x), dot(directions[1], x)]),
      variances: directions.map((u) => dot(u, C.map((row) => dot(row, u)))),
    };
  };

  const labels = ["left to right", "up and down", "along the view"];
  const build = (view, { X, corners, C }) => {
    const plane = view.plane({
      x: [-4, 4], y: [-3.4, 3.4], equal: true, axes: false,
      label: "A cloud of points near a plane; drag it, or use the sliders, to turn it",
    });
    const sheet = plane.path("wash"), dots = plane.path("a dots");
    const logs = [-2.2, 0.8];
    const bars = view.plane({
      x: logs, y: [2.6, -0.6], height: 190, left: 104, xlabel: "variance, on a logarithmic scale",
      xticks: { values: [-2, -1, 0], text: (power) => number(10 ** power, Math.max(-power, 0)) },
      yticks: { values: [0, 1, 2], text: (i) => labels[i] }, label: "Variances",
    });
    const lengths = ["a", "a", "b"].map((color) => bars.path(`${color} bar`));
    const values = labels.map((_, i) => bars.text("", logs[0], i, { dy: 5, dx: 6 }));
    // The finger turns the cloud; up and down it scrolls the page, and the second slider tilts.
    const turn = svg("rect", { class: "lvm-turn", width: "100%", height: "100%" }, plane.svg);
    let last;
    turn.addEventListener("pointerdown", (event) => {
      turn.setPointerCapture(event.pointerId);
      last = plane.at(event);
    });
    turn.addEventListener("pointermove", (event) => {
      if (!turn.hasPointerCapture(event.pointerId)) return;
      const [x, y] = plane.at(event), { state } = view;
      state.azimuth = (state.azimuth - 25 * (x - last[0]) + 360) % 360;
      state.elevation = lvmFigure.clip(state.elevation - 25 * (y - last[1]), [-90, 90]);
      last = [x, y];
      view.change();
    });
    const degrees = (value) => `${number(value, 0)}°`;
    view.slider({ name: "turn", key: "azimuth", range: [0, 360], step: 1, show: degrees });
    view.slider({ name: "tilt", key: "elevation", range: [-90, 90], step: 1, show: degrees });
    return (state, { points, variances }) => {
      dots.setAttribute("d", plane.dots(points));
      const outline = compute(state, { X: corners, C }).points;
      sheet.setAttribute("d", plane.line(outline, "Z"));
      variances.forEach((variance, i) => {
        const end = Math.max(Math.log10(variance), logs[0]);
        lengths[i].setAttribute("d", bars.line([[logs[0], i], [end, i]]));
        lvmFigure.write(values[i], number(variance, variance < 0.1 ? 3 : 2));
        values[i].setAttribute("x", bars.px(Math.min(end, 0.2)));
      });
    };
  };

  lvmFigure("cloud", {
    compute,
    build,
    start: () => ({ azimuth: 0, elevation: 8 }),
    finding: (state, { variances }, { smallest }) => {
      const thin = variances.map((variance) => variance < 3 * smallest);
      const words = `Variance left to right ${number(variances[0], 3)}, up and down ` +
        `${number(variances[1], 3)}, along the view ${number(variances[2], 3)}. `;
      if (thin[2]) return `${words}You look at the face of the pancake: it has no depth but noise.`;
      if (thin[0] || thin[1]) return `${words}You look along the plane: the pancake is edge-on.`;
      return `${words}Turn it until one of them is 0.01, the noise alone.`;
    },
  });
})();
