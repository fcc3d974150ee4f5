// A hidden Markov model of two states and counts: forward, backward and the most probable path.
(() => {
  const { number } = lvmFigure;
  const states = [0, 1];

  const logFactorial = (n) => {
    let sum = 0;
    for (let i = 2; i <= n; i++) sum += Math.log(i);
    return sum;
  };

  // Filtered and smoothed probabilities, the log-likelihood, the most probable path, and the log of
  // its probability given all counts.
  const compute = ({ stay }, { counts, rates }) => {
    const A = [[stay, 1 - stay], [1 - stay, stay]], T = counts.length;
    const b = counts.map((x) => states.map((k) =>
      Math.exp(x * Math.log(rates[k]) - rates[k] - logFactorial(x))));
    const filtered = [], scales = [], smoothed = [], from = [], best = [];
    for (let t = 0; t < T; t++) {
      const joint = states.map((j) => b[t][j] * (t === 0 ? 0.5
        : states.reduce((sum, i) => sum + filtered[t - 1][i] * A[i][j], 0)));
      scales.push(joint[0] + joint[1]);
      filtered.push(joint.map((value) => value / scales[t]));
      const ways = states.map((j) => states.map((i) =>
        t === 0 ? Math.log(0.5) : best[t - 1][i] + Math.log(A[i][j])));
      from.push(ways.map(([p, q]) => (q > p ? 1 : 0)));
      best.push(states.map((j) => Math.max(...ways[j]) + Math.log(b[t][j])));
    }
    let backward = [1, 1];
    for (let t = T - 1; t >= 0; t--) {
      smoothed.unshift(states.map((i) => filtered[t][i] * backward[i]));
      backward = states.map((i) => states.reduce((sum, j) =>
        sum + (A[i][j] * b[t][j] * backward[j]) / scales[t], 0));
    }
    const logLikelihood = scales.reduce((sum, c) => sum + Math.log(c), 0);
    const path = [best[T - 1][1] > best[T - 1][0] ? 1 : 0];
    for (let t = T - 1; t > 0; t--) path.unshift(from[t][path[0]]);
    const logPosterior = Math.max(...best[T - 1]) - logLikelihood;
    return { filtered, scales, smoothed, path, from, logLikelihood, logPosterior };
  };

  // Which of the three passes a step belongs to, and at which year it is.
  const where = (step, T) => {
    if (step === 0) return { pass: 0, t: -1 };
    const pass = Math.ceil(step / T);
    return { pass, t: pass === 1 ? step - 1 : pass * T - step };
  };

  const build = (view, { counts, years, names }) => {
    const T = counts.length;
    const plane = view.plane({
      x: [0.4, T + 0.6], y: [0.3, 2.7], height: 240, left: 58, xlabel: "counts, from " +
        `${years[0]} to ${years[T - 1]}`,
      label: "Trellis: two states in each of the years",
      xticks: { values: counts.map((_, t) => t + 1), text: (t) => String(counts[t - 1]) },
      yticks: { values: [1, 2], text: (k) => names[k - 1] },
    });
    const edges = counts.slice(1).flatMap((_, t) => states.flatMap((i) => states.map((j) => {
      const path = plane.path("faint");
      path.setAttribute("d", plane.line([[t + 1, i + 1], [t + 2, j + 1]]));
      return { t: t + 1, i, j, path };
    })));
    const route = plane.path("ink");
    const nodes = counts.map((_, t) => states.map((k) => {
      const path = plane.path("ab"[k]);
      path.setAttribute("d", plane.dots([[t + 1, k + 1]]));
      return path;
    }));
    const ring = plane.path("ink thin");
    view.slider({
      name: "step", key: "step", range: [0, 3 * T], step: 1,
      show: (step) => ["start", "forward", "backward", "best path"][where(step, T).pass],
    });
    view.button("Next step", (state) => { state.step = Math.min(state.step + 1, 3 * T); });
    view.slider({ name: "probability to stay", key: "stay", range: [0.5, 0.99], step: 0.01 });
    return ({ step }, { filtered, smoothed, path, from }) => {
      const { pass, t } = where(step, T);
      nodes.forEach((pair, year) => pair.forEach((node, k) => {
        const known = pass > 1 || (pass === 1 && year <= t);
        const after = pass === 3 || (pass === 2 && year >= t);
        const p = (after ? smoothed : filtered)[year][k];
        node.style.strokeWidth = known ? 4 + 20 * Math.sqrt(p) : 4;
        node.style.strokeOpacity = known ? 1 : 0.35;
      }));
      for (const edge of edges) {
        const used = pass === 3 && edge.t >= t && from[edge.t][edge.j] === edge.i;
        const now = (pass === 1 && edge.t === t) || (pass === 2 && edge.t === t + 1);
        edge.path.setAttribute("class", used || now ? "ink thin" : "faint");
      }
      const first = Math.max(t, 0), shown = pass === 3 ? path.slice(first) : [];
      route.setAttribute("d", plane.line(shown.map((k, i) => [first + i + 1, k + 1])));
      route.style.strokeWidth = 4;
      const column = [[t + 0.55, 0.45], [t + 1.45, 0.45], [t + 1.45, 2.55], [t + 0.55, 2.55]];
      ring.setAttribute("d", pass ? plane.line(column, "Z") : "");
    };
  };

  lvmFigure("trellis", {
    compute,
    build,
    start: ({ stay }) => ({ step: 0, stay }),
    finding: ({ step, stay }, numbers, { counts, years, names }) => {
      const T = counts.length, { pass, t } = where(step, T);
      const { filtered, scales, smoothed, path, logLikelihood, logPosterior } = numbers;
      if (pass === 0) {
        return `${T} years, 2 states, ${2 ** T} paths; a state stays with probability ` +
          `${number(stay)}. Take the first step.`;
      }
      const year = `${years[t]}, ${counts[t]} earthquakes`;
      if (pass === 1) {
        return `Forward to ${year}: they had probability ${number(scales[t], 3)} given the years ` +
          `before; given the years so far it is *${names[1]}* with ${number(filtered[t][1])}.` +
          (t === T - 1 ? ` The log-likelihood is ${number(logLikelihood)}.` : "");
      }
      if (pass === 2) {
        return `Backward to ${year}: *${names[1]}* with ${number(smoothed[t][1])} given all ` +
          `years, ${number(filtered[t][1])} given those up to then.`;
      }
      return `Back along the best predecessors to ${year}: *${names[path[t]]}*.` + (t === 0
        ? ` The path has ${number(100 * Math.exp(logPosterior), 0)} % of the probability of all ` +
          `${2 ** T}.` : "");
    },
  });
})();
