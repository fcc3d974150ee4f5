// A chapter whose code runs in the page: every cell gets an editor and buttons.
//
// The cells run in the order of the page. Before a cell, those above it run that have not yet, and
// after it those that only draw what it computed. When a cell runs again, names have the values
// that they had before it ran first (kernel.py), so the cells below have to run again, too.
window.lvmLive = async (bar) => {
  const { live, chapter } = bar.dataset;
  const folder = new URL(live, document.baseURI).href;
  const create = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };
  const button = (textContent, click) => {
    const node = create("button", { type: "button", textContent });
    node.addEventListener("click", click);
    return node;
  };
  const status = create("span", { className: "live-status" });
  status.setAttribute("role", "status");
  const meter = create("progress", { max: 1, value: 0 });
  meter.setAttribute("aria-label", "Loading Python");
  const say = (...words) => status.replaceChildren(...words);
  const link = ({ name, place }) =>
    place?.id ? create("a", { href: `#${place.id}`, textContent: name }) : name;

  const worker = new URL("worker.js", document.querySelector("script[src*='live/page.js']").src);
  const runtime = new LiveRuntime(worker.href, folder);
  let started; // a promise, while Python is there or on its way
  const start = () => (started ??= runtime.start((share) => { meter.value = share; })
    .catch((error) => { started = undefined; throw error; }));

  bar.replaceChildren(meter, button("Cancel", () => runtime.stop()), status);
  bar.querySelector("button").focus();
  say("Loading Python …");
  const response = await fetch(new URL(`${chapter}.json`, folder));
  if (!response.ok) throw Error("This copy of the book has no code for this page.");
  const [cells] = await Promise.all([response.json(), start()]);
  meter.remove();

  // ---- what a cell shows

  class Cell {
    constructor({ number, source, hidden }, place) {
      Object.assign(this, { number, printed: source, hidden, place, ran: false });
      this.output = place?.querySelector(":scope > .cell_output");
    }
    get source() { return this.editor?.read() ?? this.text ?? this.printed; }

    // Put the buttons and, when the reader comes near, the editor where the code is.
    equip(label) {
      this.label = label;
      this.run = button("Run", () => run(this));
      this.run.setAttribute("aria-label", `Run ${label}`);
      this.stop = button("Stop", stop);
      this.stop.hidden = true;
      this.reset = button("Reset", () => this.restore());
      this.reset.setAttribute("aria-label", `Reset ${label}`);
      this.state = create("span", { className: "live-state" });
      this.tools = create("div", { className: "live-tools" }, this.run, this.stop, this.reset, this.state);
      let input = this.place.querySelector(":scope > details > .cell_input");
      if (!input) { // the page shows only what this code draws, or it is an exercise
        input = create("div", { className: "cell_input" });
        const fold = create("details", { className: "code aside", open: !this.output });
        const drawn = this.output?.querySelector("figure") ? "figure" : "table";
        fold.append(create("summary", { textContent: this.output ? `Code of the ${drawn}` : "Your code" }), input);
        if (this.output) this.output.before(fold);
        else this.place.append(fold);
      }
      input.append(this.tools);
      this.input = input;
      near.observe(input);
      input.cell = this;
    }

    edit() {
      if (this.editor) return;
      const code = this.input.querySelector(":scope > :not(.live-tools)");
      const parent = create("div", { className: "live-editor highlight" });
      this.input.prepend(parent);
      if (code) code.hidden = true;
      this.editor = lvmEditor.create({
        parent,
        text: this.printed,
        label: `Code of ${this.label}. Shift and Enter runs it; Escape, then Tab leaves it.`,
        run: () => run(this),
        change: () => { this.ran = false; },
      });
    }

    // What is printed comes back, also in a figure that the reader drags, which has no buttons.
    restore() {
      this.editor?.write(this.printed);
      this.ran = false;
      forget(this);
      this.clear();
      for (let at = list.indexOf(this) + 1; list[at] && !list[at].tools; at += 1) list[at].clear();
      this.state.textContent = "";
    }
    clear() {
      this.shown?.remove();
      this.mark?.remove();
      this.shown = this.mark = undefined;
      this.output?.classList.remove("live-replaced");
      for (const image of this.output?.querySelectorAll("img[data-printed]") ?? []) {
        URL.revokeObjectURL(image.src);
        Object.assign(image, { src: image.dataset.printed, alt: image.dataset.alt });
        delete image.dataset.printed;
      }
      for (const data of this.output?.querySelectorAll("script[data-printed]") ?? []) {
        redraw(data, data.dataset.printed);
        delete data.dataset.printed;
      }
    }

    show({ ok, outputs }) {
      this.clear();
      if (!this.place) return;
      if (this.output?.querySelector(".lvm-question") && ok) return; // questions stay as they are
      const images = [...(this.output?.querySelectorAll("figure > img:not(.lvm-explore img)") ?? [])];
      const nodes = [];
      let changed = false;
      for (const [kind, data] of outputs) {
        const settings = kind === "text/html" && data.match(/^<script[^>]*data-figure="([^"]+)">(.*)<\/script>$/s);
        if (settings) {
          const script = this.output?.querySelector(`script[data-figure="${settings[1]}"]`);
          if (!script) continue;
          script.dataset.printed ??= script.textContent;
          redraw(script, settings[2]);
        } else if (kind === "image/svg+xml" && images.length) {
          const image = images.shift();
          Object.assign(image.dataset, { printed: image.getAttribute("src"), alt: image.alt });
          image.alt = `Yours, in the place of this figure: ${image.alt}`;
          image.src = picture(data);
          changed = true;
        } else if (kind !== "glue") nodes.push(...node(kind, data, nodes.at(-1)));
      }
      if (nodes.length) {
        this.output?.classList.add("live-replaced");
        this.shown = create("div", { className: "live-output cell_output" }, ...nodes);
        (this.output ?? this.input.parentElement).after(this.shown);
      }
      if (!nodes.length && !changed) return;
      this.mark = create("p", { className: "live-mark", textContent: "yours" });
      (changed ? this.output : this.shown).prepend(this.mark);
      dispatchEvent(new Event("resize")); // the theme makes focusable what scrolls
    }
  }

  const picture = (svg) => URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));

  // One output as it is on a page; what fits the last one is added to it.
  function node(kind, data, last) {
    if (kind === "check") return check(`✓ ${data.split(" ")[0]}`, data, last);
    if (kind === "error") {
      const failed = data.match(/\nAssertionError: ((\S+) (?:fails|holds)\b.*)\n$/s);
      const pre = create("pre", { textContent: data, className: "live-error" });
      pre.tabIndex = 0;
      if (!failed) return [pre];
      const fold = create("details", {}, create("summary", { textContent: "Where" }), pre);
      return [create("p", { className: "live-fails", textContent: `✗ ${failed[1]}` }), fold];
    }
    if (kind === "image/svg+xml" || kind === "image/png") {
      const src = kind === "image/png" ? `data:image/png;base64,${data}` : picture(data);
      return [create("img", { src, alt: "A figure drawn by your code" })];
    }
    if (kind === "text/html") {
      const html = create("div", { className: "output text_html", innerHTML: data });
      for (const old of html.querySelectorAll("script:not([type='application/json'])")) {
        const script = create("script", { textContent: old.textContent });
        script.type = old.type;
        queueMicrotask(() => old.replaceWith(script)); // when it is in the page
      }
      for (const image of html.querySelectorAll(".lvm-explore img")) drawer.observe(image, { attributeFilter: ["src"] });
      return [html];
    }
    const pre = create("pre", { textContent: data });
    return [create("div", { className: `output stream ${kind === "stderr" ? "stderr" : ""}` },
      create("div", { className: "highlight" }, pre))];
  }

  function check(claim, said, last) {
    const line = create("li", {}, create("p", { textContent: said.slice(said.indexOf(" ") + 1) }));
    if (last?.matches(".checks")) {
      last.list.append(line);
      const count = last.list.children.length;
      if (!last.claims.includes(claim)) last.claims.push(claim);
      last.firstChild.textContent = `${last.claims.join(", ").replaceAll(", ✓", ",")} · ${count} checks`;
      return [];
    }
    const list = create("ul", { className: "evidence simple" }, line);
    const fold = create("details", { className: "checks", open: true },
      create("summary", { textContent: `${claim} · 1 check` }), list);
    return [Object.assign(fold, { list, claims: [claim] })];
  }

  // A figure that the reader drags, once more with other data.
  function redraw(script, data) {
    if (script.textContent === data) return; // where the reader dragged it to, it stays
    script.textContent = data;
    const { figure: name } = script.dataset;
    if (!window.lvmFigures?.[name]) return; // not there yet; it will read the new data
    for (const old of document.querySelectorAll(`.lvm-live[data-name="${name}"]`)) old.remove();
    window.lvmFigure(name, window.lvmFigures[name]);
  }

  // A figure with sliders shows a transparent frame, on top of what it showed, and here it is drawn.
  const drawer = new MutationObserver(async (changes) => {
    const image = changes.at(-1).target;
    const wanted = () => image.src.match(/^data:image\/gif.*#(\d+)-(\d+)$/);
    if (image.busy || !wanted()) return;
    image.busy = true;
    for (let request; (request = wanted()); ) {
      const { ok, outputs } = await runtime.run(`__live__.frame(${request[1]}, ${request[2]})`)
        .catch(() => ({})); // stopped: the frame stays as it is
      if (!ok) break;
      const src = `data:image/png;base64,${outputs[0][1]}`;
      image.style.backgroundImage = `url("${src}")`;
      if (wanted()?.[0] === request[0]) image.src = src;
    }
    image.busy = false;
  });

  // ---- running

  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) target.cell.edit();
  }, { rootMargin: "800px" });

  const list = cells.map((it) => new Cell(it, document.getElementById(`cell-${it.number}`)));
  const exercises = [...document.querySelectorAll(".exercise.admonition")].map((place) => {
    const above = list.filter((it) => it.place &&
      it.place.compareDocumentPosition(place) & Node.DOCUMENT_POSITION_FOLLOWING);
    return new Cell({ number: (above.at(-1)?.number ?? 0) + 0.5, source: "", hidden: false }, place);
  });
  list.push(...exercises);
  list.sort((a, b) => a.number - b.number);
  let count = 0;
  for (const cell of list) {
    const exercise = exercises.indexOf(cell) + 1;
    if (!exercise) count += 1;
    cell.name = exercise ? `exercise ${exercise}` : `cell ${count}`;
    if (cell.place && !cell.output?.querySelector(".lvm-question, script[data-figure]")) cell.equip(cell.name);
  }

  // What was computed below a cell is from before.
  function forget(cell) {
    for (const later of list.slice(list.indexOf(cell) + 1)) {
      later.ran = false;
      if (later.mark) later.mark.textContent = "yours, from before your last change above";
    }
  }

  let queue = Promise.resolve(), era = 0; // what was asked for before a stop no longer runs
  function run(cell) {
    const at = list.indexOf(cell), asked = era;
    let end = at + 1;
    while (list[end]?.hidden) end += 1;
    wait(cell, "waiting …");
    queue = queue.then(async () => {
      try {
        if (asked !== era) return;
        await start();
        const above = list.slice(0, at).filter((it) => !it.ran && it.source.trim());
        const todo = [...above, ...list.slice(at, end)];
        for (const [done, it] of todo.entries()) {
          const part = todo.length > 1 ? ` (${done + 1} of ${todo.length})` : "";
          say(`Running ${it.name}${part} …`);
          if (done < above.length) wait(cell, `first runs ${it.name}${part} …`);
          if (await execute(it)) continue;
          if (cell.tools && it !== cell) cell.state.replaceChildren("An error ended ", link(it), ".");
          return say("An error ended ", link(it), ".");
        }
        say(`Done: ${cell.name}.`);
      } catch (error) {
        ended(error);
      } finally {
        settle(cell);
      }
    });
    return queue;
  }
  function wait(cell, text) {
    if (!cell.tools) return;
    cell.state.textContent = text;
    cell.stop.hidden = false;
  }
  function settle(cell) {
    if (!cell.tools) return;
    cell.stop.hidden = true;
    if (/…$/.test(cell.state.textContent)) cell.state.textContent = "";
  }

  async function execute(cell) {
    wait(cell, "running …");
    await runtime.run(`__live__.begin(${list.indexOf(cell)})`);
    const began = performance.now();
    const result = await runtime.run(cell.source, cell.name);
    Object.assign(cell, { ran: result.ok, result });
    forget(cell);
    cell.show(result);
    settle(cell);
    if (cell.tools) cell.state.textContent = `${((performance.now() - began) / 1000).toFixed(1)} s`;
    return result.ok;
  }

  function ended(error) {
    started = undefined;
    era += 1;
    for (const cell of list) {
      cell.ran = false;
      settle(cell);
    }
    say(error.message === "stopped"
      ? "Stopped. What the cells had computed is lost: Run starts from the top."
      : `Python has ended: ${error.message} Run starts it again, from the top.`);
  }
  function stop() {
    runtime.stop();
  }

  bar.replaceChildren(button("Run all", () => run(list.at(-1))), button("Stop", stop), status);
  if (document.activeElement === document.body) bar.querySelector("button").focus();
  say("Python is ready: change any code and run it.");
  Object.assign(bar, { list, kept: keep(folder) }); // for tests
};

// From now on the page opens without a network; where the browser does not keep pages, it does not.
async function keep(folder) {
  try {
    await navigator.serviceWorker.register(new URL("../offline.js", folder));
    const cache = await caches.open("lvm-pages");
    const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
    const own = [location.href.split("#")[0], ...loaded]
      .filter((url) => url.startsWith(location.origin) && !url.endsWith(".gz"));
    await Promise.allSettled([...new Set(own)].map((url) => cache.add(url)));
  } catch { /* see above */ }
}
