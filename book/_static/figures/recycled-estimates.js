// What two chains with noisy likelihoods tend to: one keeps its estimate, the other makes it again.
(() => {
  const { number } = lvmFigure;

  // Probability that a standard normal number is below x.
  const below = (x) => {
    const z = Math.abs(x);
    let tail;
    if (z < 3) {
      let term = z, sum = z;
      for (let n = 1; Math.abs(term) > 1e-17; n++) {
        term *= (z * z) / (2 * n + 1);
        sum += term;
      }
      tail = 0.5 - (sum * Math.exp(-z * z / 2)) / Math.sqrt(2 * Math.PI);
    } else {
      let fraction = z;
      for (let n = 120; n > 0; n--) fraction = z + n / fraction;
      tail = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI) / fraction;
    }
    return x < 0 ? tail : 1 - tail;
  };
  // Mean of min(1, exp(y)) for normal y.
  const accepted = (mean, sd) => sd === 0 ? Math.min(1, Math.exp(mean))
    : below(mean / sd) + Math.exp(mean + (sd * sd) / 2) * below(-(mean + sd * sd) / sd);
  const share = (values) => {
    const total = values.reduce((a, b) => a + b, 0);
    return values.map((value) => value / total);
  };
  const spread = (p, grid) => {
    const mean = p.reduce((sum, it, i) => sum + it * grid[i], 0);
    return Math.sqrt(p.reduce((sum, it, i) => sum + it * (grid[i] - mean) ** 2, 0));
  };

  // The proposals are the two neighbours; those beyond the ends are rejected.
  const compute = ({ s }, { grid, posterior }) => {
    const exact = share(posterior), sd = Math.SQRT2 * s, ratio = [1];
    const step = (i) => Math.log(exact[i + 1] / exact[i]);
    for (let i = 0; i + 1 < grid.length; i++) {
      ratio.push((ratio[i] * accepted(step(i), sd)) / accepted(-step(i), sd));
    }
    const recomputed = share(ratio);
    let kept = 0, fresh = 0;
    for (let i = 0; i + 1 < grid.length; i++) {
      kept += exact[i] * accepted(step(i) - s * s, sd); // as often up as down
      fresh += recomputed[i] * accepted(step(i), sd);
    }
    return { recomputed, acceptance: { kept, fresh },
      spread: { kept: spread(exact, grid), fresh: spread(recomputed, grid) } };
  };

  const build = (view, { grid, posterior }) => {
    const exact = share(posterior), width = grid[1] - grid[0];
    const top = 1.25 * Math.max(...exact);
    const plane = view.plane({
      x: [grid[0] - width, grid[grid.length - 1] + width], y: [0, top], xlabel: "persistence *λ*",
      ylabel: "probability", label: "What the chains tend to",
    });
    const bars = (values, shift) => values.map((p, i) => plane.line(
      [[grid[i] + shift * width, 0], [grid[i] + shift * width, p]])).join("");
    plane.path("a bar").setAttribute("d", bars(exact, -0.26));
    const recomputed = plane.path("b bar lvm-after");
    plane.text("kept = exact", grid[0], 0.93 * top, { class: "a" });
    plane.text("made again", grid[0], 0.85 * top, { class: "b lvm-after" });
    view.slider({
      name: "Noise of the log-estimate *s*", key: "s", range: [0, 3], step: 0.05,
    });
    return (state, numbers) => recomputed.setAttribute("d", bars(numbers.recomputed, 0.26));
  };

  const percent = (value) => `${number(100 * value, 0)} %`;
  lvmFigure("recycled-estimates", {
    compute,
    build,
    start: () => ({ s: 0.1 }),
    finding: ({ s }, { acceptance, spread: sd }) =>
      `Noise ${number(s)}. Kept estimates: standard deviation ${number(sd.kept, 3)}, as without noise; ` +
      `${percent(acceptance.kept)} of the proposals accepted. ` +
      `Estimates made again: standard deviation ${number(sd.fresh, 3)}; ` +
      `${percent(acceptance.fresh)} accepted.`,
    predict: () => ({
      ask: "a chain makes the estimate of its present state again at every step, which lets it move " +
        "more often. What does it tend to?",
      choices: ["the posterior", "something narrower", "something wider"],
      right: 2,
      because: "Noise lets it go downhill more often than the posterior allows. With much noise it " +
        "goes up and down equally often, whatever the data say.",
    }),
  });
})();
