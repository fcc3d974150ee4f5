// Collapsed Gibbs sampling of topics that are bars of 5 x 5 pixels: sweep after sweep, computed here.
(() => {
  const { number, svg } = lvmFigure;

  // Numbers between 0 and 1 from a seed, which advances (mulberry32).
  const random = (state) => {
    state.seed = (state.seed + 0x6d2b79f5) | 0;
    let t = state.seed;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };

  // log Γ(x) by Stirling's series, after a shift to large x.
  const logGamma = (x) => {
    let shift = 0;
    for (; x < 12; x++) shift += Math.log(x);
    const y = 1 / (x * x);
    return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 - shift
      + (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y / 1188)))) / x;
  };

  // Document and pixel of each word, document after document.
  const tokens = ({ X }) => {
    const list = [];
    X.forEach((row, n) => row.forEach((times, i) => {
      for (let t = 0; t < times; t++) list.push([n, i]);
    }));
    return list;
  };
  const count = (z, data) => {
    const D = data.X[0].length, ofDocument = data.X.map(() => Array(data.K).fill(0));
    const ofTopic = Array.from({ length: data.K }, () => Array(D).fill(0));
    tokens(data).forEach(([n, i], t) => {
      ofDocument[n][z[t]] += 1;
      ofTopic[z[t]][i] += 1;
    });
    return { ofDocument, ofTopic };
  };
  // Log-probability of counts whose probabilities have a symmetric Dirichlet prior.
  const dirichlet = (counts, prior) => {
    let total = 0, value = logGamma(counts.length * prior);
    for (const times of counts) {
      if (times) value += logGamma(times + prior) - logGamma(prior);
      total += times;
    }
    return value - logGamma(total + counts.length * prior);
  };

  // Joint log-probability of words and topics per word; the topics as they are estimated; and the
  // probabilities of the topics of the first word, given all others.
  const compute = ({ z, alpha, eta }, data) => {
    const { ofDocument, ofTopic } = count(z, data), D = data.X[0].length;
    let logJoint = 0;
    for (const row of ofDocument) logJoint += dirichlet(row, alpha);
    for (const row of ofTopic) logJoint += dirichlet(row, eta);
    const sizes = ofTopic.map((row) => row.reduce((a, b) => a + b) + D * eta);
    const topics = ofTopic.map((row, k) => row.map((times) => (times + eta) / sizes[k]));
    const [n, i] = tokens(data)[0], others = (k) => Number(z[0] === k);
    const p = ofDocument[n].map((times, k) => ((times - others(k) + alpha)
      * (ofTopic[k][i] - others(k) + eta)) / (sizes[k] - others(k)));
    const sum = p.reduce((a, b) => a + b);
    return { logJoint: logJoint / z.length, topics, first: p.map((value) => value / sum) };
  };

  // Draw the topic of every word once.
  const sweep = (state, data) => {
    const { z, alpha, eta } = state, { ofDocument, ofTopic } = count(z, data);
    const D = data.X[0].length, p = Array(data.K);
    const sizes = ofTopic.map((row) => row.reduce((a, b) => a + b));
    tokens(data).forEach(([n, i], t) => {
      const change = (by) => {
        ofDocument[n][z[t]] += by;
        ofTopic[z[t]][i] += by;
        sizes[z[t]] += by;
      };
      change(-1);
      let sum = 0;
      for (let k = 0; k < data.K; k++) {
        sum += ((ofDocument[n][k] + alpha) * (ofTopic[k][i] + eta)) / (sizes[k] + D * eta);
        p[k] = sum;
      }
      const u = random(state) * sum;
      z[t] = p.findIndex((below) => u < below);
      change(1);
    });
    state.trace.push(compute(state, data).logJoint);
  };

  const start = (data, seed = data.seed) => {
    const state = { seed, alpha: data.alpha, eta: data.eta, trace: [] };
    state.first = seed;
    state.z = tokens(data).map(() => Math.floor(random(state) * data.K));
    return state;
  };
  const shown = 100; // sweeps

  // How many of the topics have a bar as their five most probable pixels, each bar once.
  const found = ({ topics }, { bars }) => {
    const names = bars.map(String), tops = topics.map((row) => String(
      [...row.keys()].sort((a, b) => row[b] - row[a]).slice(0, 5).sort((a, b) => a - b)));
    return names.filter((name) => tops.includes(name)).length;
  };

  const build = (view, data) => {
    const side = 5, gap = 1.2, across = 5, K = data.K, rows = Math.ceil(K / across);
    const width = across * (side + gap) - gap, height = rows * (side + gap) - gap;
    const plane = view.plane({
      x: [0, width], y: [0, height], equal: true, axes: false, label: "The topics: dark pixels are probable",
    });
    const pixels = Array.from({ length: K }, (_, k) => Array.from({ length: side * side }, (_, i) => {
      const x = (k % across) * (side + gap) + (i % side);
      const y = height - Math.floor(k / across) * (side + gap) - Math.floor(i / side);
      return svg("rect", {
        class: "a", x: plane.px(x), y: plane.py(y), width: plane.px(x + 1) - plane.px(x),
        height: plane.py(y - 1) - plane.py(y),
      }, plane.group);
    }));
    const curve = view.plane({
      x: [0, shown], y: data.range, height: 220, xlabel: "sweep", ylabel: "log-joint per word",
      label: "Joint log-probability of words and topics after each sweep",
    });
    const line = curve.path("a"), mark = curve.path("a mark");
    view.slider({
      name: "*α*", key: "alpha", range: [0.1, 2], step: 0.1, show: (value) => number(value, 1),
    });
    const run = (state, times) => {
      for (let t = 0; t < times && state.trace.length < shown; t++) sweep(state, data);
    };
    view.button("1 sweep", (state) => run(state, 1));
    view.button("10 sweeps", (state) => run(state, 10));
    view.button("New start", (state) => Object.assign(state, start(data, state.first + 1),
      { alpha: state.alpha }));
    return (state, { topics, logJoint }) => {
      topics.forEach((row, k) => row.forEach((value, i) => {
        pixels[k][i].style.fillOpacity = Math.min(1, 0.04 + value / 0.22).toFixed(3);
      }));
      const points = state.trace.map((value, t) => [t + 1, value]);
      line.setAttribute("d", curve.line(points));
      mark.setAttribute("d", curve.dots([[state.trace.length, logJoint]]));
    };
  };

  lvmFigure("gibbs-bars", {
    compute,
    build,
    start,
    finding: ({ trace }, numbers, data) => {
      const bars = found(numbers, data), what = `${number(numbers.logJoint, 3)} nats per word`;
      const so = `${what}, ${bars} of ${data.K} topics are bars.`;
      if (!trace.length) return `A start at random: ${so} Press for a sweep.`;
      return `After ${trace.length} sweep${trace.length > 1 ? "s" : ""}: ${so}` +
        (trace.length >= shown ? " Try a new start." : "");
    },
  });
})();
