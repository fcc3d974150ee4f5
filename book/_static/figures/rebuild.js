// A picture rebuilt from a few directions of PCA, or from a few atoms of a sparse code.
(() => {
  const { number, svg, write } = lvmFigure;

  // The mean plus a combination of vectors.  Without `codes` the weights are inner products with the
  // first k vectors, which are orthonormal; with them, code k has its own atoms and weights.
  const compute = ({ k, image }, { images, mean, vectors, codes }) => {
    const x = images[image], rebuilt = [...mean];
    const add = (weight, vector) => vector.forEach((v, i) => { rebuilt[i] += weight * v; });
    if (codes) codes[k].atoms.forEach((atom, i) => add(codes[k].weights[i], vectors[atom]));
    else {
      for (const vector of vectors.slice(0, k)) {
        add(vector.reduce((sum, v, i) => sum + v * (x[i] - mean[i]), 0), vector);
      }
    }
    const square = (y) => x.reduce((sum, value, i) => sum + (value - y[i]) ** 2, 0);
    return { rebuilt, missing: square(rebuilt) / square(mean) };
  };

  // A square picture with a caption below; `paint` gives it values, dark for `range[0]`.
  const picture = (plane, x, caption, size) => {
    const width = 108, unit = width / size, group = svg("g", { transform: `translate(${x} 4)` }, plane.svg);
    const boxes = Array.from({ length: size * size }, (_, i) => svg("rect", {
      x: (i % size) * unit, y: Math.floor(i / size) * unit, width: unit + 0.3, height: unit + 0.3,
    }, group));
    svg("rect", { class: "lvm-border", width, height: width }, group);
    const text = svg("text", { x: width / 2, y: width + 17, "text-anchor": "middle" }, group);
    write(text, caption);
    const paint = (values, [low, high]) => values.forEach((value, i) => {
      const level = Math.round(255 * Math.min(Math.max((value - low) / (high - low), 0), 1));
      boxes[i].setAttribute("fill", `rgb(${level} ${level} ${level})`);
    });
    return { paint, text };
  };

  const build = (view, data) => {
    const { images, vectors, codes, range, unit } = data, size = Math.sqrt(images[0].length);
    const last = (codes ?? vectors).length - (codes ? 1 : 0);
    const strip = view.plane({
      x: [0, 1], y: [0, 1], height: 132, axes: false,
      label: `The picture, its reconstruction, and the newest of the ${unit}s in it`,
    });
    const [original, rebuilt, newest] = ["original", "rebuilt", `newest ${unit}`].map(
      (caption, i) => picture(strip, 6 + 122 * i, caption, size));
    const curve = view.plane({
      x: [0, last], y: [0, 1], height: 190, ylabel: "missing share",
      xlabel: codes ? "place on the path, from large *λ* to small" : `number of ${unit}s *d*`,
      label: "Share of the picture that is missing",
    });
    const line = curve.path("b"), now = curve.path("b mark");
    if (images.length > 1) {
      view.button("Next picture", (state) => { state.image = (state.image + 1) % images.length; });
    }
    view.slider({
      name: codes ? "*λ*" : "*d*", key: "k", range: [0, last], step: 1,
      show: (k) => (codes ? number(codes[k].lam, codes[k].lam < 1 ? 2 : 1) : String(k)),
    });
    const used = (k) => (codes ? codes[k].atoms : vectors.slice(0, k).map((_, i) => i));
    return (state, numbers) => {
      original.paint(images[state.image], range);
      rebuilt.paint(numbers.rebuilt, range);
      const before = state.k ? used(state.k - 1) : [];
      const fresh = used(state.k).find((atom) => !before.includes(atom)) ?? used(state.k).at(-1);
      const vector = fresh === undefined ? data.mean.map(() => 0) : vectors[fresh];
      const largest = Math.max(...vector.map(Math.abs), 1e-9);
      newest.paint(vector, [-largest, largest]);
      const points = Array.from({ length: last + 1 }, (_, k) =>
        [k, compute({ ...state, k }, data).missing]);
      line.setAttribute("d", curve.line(points));
      now.setAttribute("d", curve.dots([[state.k, numbers.missing]]));
    };
  };

  lvmFigure("rebuild", {
    compute,
    build,
    start: ({ codes, vectors }) => ({ k: codes ? 8 : Math.min(4, vectors.length), image: 0 }),
    finding: ({ k }, { missing }, { codes, unit }) => {
      const count = codes ? codes[k].atoms.length : k;
      return `${count} ${unit}${count === 1 ? "" : "s"}: ${number(100 * missing, 1)} % of the ` +
        "picture's squared deviation from the mean is missing.";
    },
  });
})();
