// Two classes, two items: what the classes must be like, and the table that they make.
(() => {
  const { number } = lvmFigure;

  // Probabilities of the four cells, A wrong or right by B wrong or right, and their odds ratio.
  const compute = ({ share, A, B }) => {
    const cell = (a, b) => [share, 1 - share].reduce((sum, weight, k) =>
      sum + weight * (a ? A[k] : 1 - A[k]) * (b ? B[k] : 1 - B[k]), 0);
    const table = [[cell(0, 0), cell(0, 1)], [cell(1, 0), cell(1, 1)]];
    return {
      table,
      oddsRatio: (table[1][1] * table[0][0]) / (table[1][0] * table[0][1]),
      covariance: table[1][1] - (table[1][0] + table[1][1]) * (table[0][1] + table[1][1]),
    };
  };

  // The other parameters, from the probabilities of A, if the table is to stay; null if none can.
  const solve = ([p, q], [, [c, d]], right) => {
    const A = c + d, share = (A - q) / (p - q);
    const first = (d - q * right) / (A - q), second = (p * right - d) / (p - A);
    const inside = [share, first, second].every((value) => value >= 0 && value <= 1);
    return inside ? { share, A: [p, q], B: [first, second] } : null;
  };

  const build = (view, { N, start }) => {
    const { table: wanted } = compute(start);
    const right = wanted[0][1] + wanted[1][1];
    const plane = view.plane({
      x: [-0.5, 2.5], y: [0, 1], height: 290, ylabel: "probability",
      label: "Share and probabilities of right answers of both classes",
      xticks: { values: [0, 1, 2], text: (i) => ["share", "A right", "B right"][i] },
    });
    const bars = ["a", "b"].map((color) => plane.path(`${color} wide bar pale`));
    plane.text("class 1", -0.24, 0.95, { "text-anchor": "middle" });
    plane.text("class 2", 0.24, 0.95, { "text-anchor": "middle" });
    const levels = ({ share, A, B }) => [[share, A[0], B[0]], [1 - share, A[1], B[1]]];
    const place = (k, i) => i + (k - 0.5) * 0.4;
    const inner = (value) => Math.min(Math.max(value, 0.01), 0.99);
    const handle = (label, k, i, change) => view.handle(plane, {
      label, step: 0.02, range: [0, 1], value: (state) => levels(state)[k][i],
      at: (state) => [place(k, i), levels(state)[k][i]],
      move: (state, x, y) => change(state, inner(y)),
    });
    // A change of one parameter; if the table is to stay, the others follow, or nothing moves.
    const [, [c, d]] = wanted, all = c + d;
    const follow = (state, pair) => Object.assign(state, solve(pair, wanted, right) ?? {});
    const share = (state, value) => {
      if (state.keep) follow(state, [state.A[1] + (all - state.A[1]) / value, state.A[1]]);
      else state.share = value;
    };
    const probability = (item, k) => (state, value) => {
      const pair = [...state[item]], A = [...state.A];
      pair[k] = value;
      A[1 - k] = (d - all * value) / (right - value); // for B, which depends on the other A
      if (!state.keep) state[item] = pair;
      else follow(state, item === "A" ? pair : A);
    };
    handle("Share of class 1", 0, 0, share);
    for (const [i, item] of [[1, "A"], [2, "B"]]) {
      for (const k of [0, 1]) handle(`${item} right in class ${k + 1}`, k, i, probability(item, k));
    }
    const keep = view.button("Keep the table", (state) => {
      state.keep = !state.keep;
      if (state.keep) Object.assign(state, start);
    });
    const square = view.plane({
      x: [0, 2], y: [0, 2], equal: true, width: 300, axes: false, label: "The table of answers",
    });
    const cells = [[0, 0], [0, 1], [1, 0], [1, 1]].map(([a, b]) => ({
      a, b, box: square.add("rect", { class: "a" }),
      count: square.text("", b + 0.5, a + 0.5, { "text-anchor": "middle", dy: 5 }),
      name: square.text(`A ${a ? "right" : "wrong"}, B ${b ? "right" : "wrong"}`, b + 0.5, a + 0.12,
        { "text-anchor": "middle" }),
    }));
    return (state, { table }) => {
      const heights = levels(state);
      bars.forEach((bar, k) => bar.setAttribute("d", heights[k].map((value, i) =>
        plane.line([[place(k, i), 0], [place(k, i), value]])).join("")));
      keep.setAttribute("aria-pressed", state.keep);
      for (const { a, b, box, count } of cells) {
        const [x, y] = [square.px(b), square.py(a + 1)], size = square.px(1) - square.px(0);
        Object.entries({ x: x + 2, y: y + 2, width: size - 4, height: size - 4 })
          .forEach(([name, value]) => box.setAttribute(name, value));
        box.setAttribute("fill-opacity", 0.06 + table[a][b]);
        lvmFigure.write(count, number(N * table[a][b], 0));
      }
    };
  };

  lvmFigure("class-table", {
    compute,
    build,
    start: ({ start }) => ({ ...structuredClone(start), keep: true }),
    finding: ({ share, A, B, keep }, { oddsRatio }) =>
      `Class 1: ${number(100 * share, 0)} % of the pupils, A right ${number(A[0])}, B right ` +
      `${number(B[0])}; class 2: A right ${number(A[1])}, B right ${number(B[1])}. Odds ratio ` +
      `${number(oddsRatio, 1)} in the table, 1.0 within each class. ` +
      (keep ? "Other classes, the same table: move any of them." : "Move all five."),
  });
})();
