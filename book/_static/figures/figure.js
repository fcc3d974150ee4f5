// What the figures that one can drag have in common.  Each figure is a script of its own, which calls
//
//     lvmFigure(name, { compute, start, build, finding, predict })
//
// compute(state, data) -> numbers    the mathematics alone; tests compare it with the library
// start(data)          -> state      the settings that the reader changes
// build(view, data)    -> draw       draw(state, numbers) is called at most once per frame
// finding(state, numbers, data)      what one sees, in words: below the figure, and on each handle
// predict(data)                      optional: a question to answer before the figure shows it all
//
// `data` is what the chapter's code passed to `live_figure`.  Texts set *letters* in italics.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const figures = (window.lvmFigures = {});
  const quiet = 700; // milliseconds without a change before a button's effect is spoken

  const html = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };
  const set = (node, attributes) => {
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const svg = (tag, attributes = {}, parent) => {
    const node = set(document.createElementNS(SVG, tag), attributes);
    parent?.append(node);
    return node;
  };
  const plain = (text) => text.replaceAll("*", "");
  const write = (node, text) => {
    if (node.written === text) return node;
    node.written = text;
    node.replaceChildren(...text.split("*").map((piece, i) => {
      if (i % 2 === 0) return piece;
      const italic = node.namespaceURI === SVG
        ? svg("tspan", { "font-style": "italic" }) : html("i");
      italic.textContent = piece;
      return italic;
    }));
    return node;
  };
  const clip = (value, [low, high]) => Math.min(Math.max(value, low), high);
  const number = (value, digits = 2) => {
    const text = value.toFixed(digits);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
  };

  // An interval's round numbers, about five.
  const ticks = ([low, high]) => {
    const rough = (high - low) / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.99);
    const values = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) {
      values.push(i * step);
    }
    return { values, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
  };

  // A drawing with two axes.  Lengths are in pixels of a drawing 360 wide, about those of a phone.
  class Plane {
    constructor(view, options) {
      const { x, y, label, width = 360, equal = false, axes = true, xlabel, ylabel } = options;
      const left = options.left ?? (axes ? 48 : 6), right = 10, top = 10;
      const bottom = axes ? 42 : 6;
      const inner = width - left - right;
      const height = equal
        ? (inner * (y[1] - y[0])) / (x[1] - x[0]) + top + bottom : options.height ?? 280;
      Object.assign(this, { view, x, y, left, right: width - right, top, handles: [] });
      this.bottom = height - bottom;
      this.svg = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": label });
      view.panels.append(this.svg);
      const frame = svg("g", { class: "lvm-axes", "aria-hidden": true }, this.svg);
      if (axes) this.axes(frame, xlabel, ylabel, options);
      const id = `lvm-clip-${++Plane.count}`;
      const clipped = svg("clipPath", { id }, this.svg);
      svg("rect", { x: left, y: top, width: inner, height: this.bottom - top }, clipped);
      this.group = svg("g", { "clip-path": `url(#${id})`, "aria-hidden": true }, this.svg);
      this.over = svg("g", { "aria-hidden": true }, this.svg);
    }
    axes(frame, xlabel, ylabel, { xticks = ticks(this.x), yticks = ticks(this.y) }) {
      svg("path", { d: `M${this.left} ${this.top}V${this.bottom}H${this.right}` }, frame);
      for (const value of xticks.values) {
        const at = this.px(value);
        svg("path", { d: `M${at} ${this.bottom}v4` }, frame);
        const text = svg("text", { x: at, y: this.bottom + 17, "text-anchor": "middle" }, frame);
        write(text, xticks.text?.(value) ?? number(value, xticks.digits));
      }
      for (const value of yticks.values) {
        const at = this.py(value);
        svg("path", { d: `M${this.left} ${at}h-4` }, frame);
        const text = svg("text", { x: this.left - 7, y: at + 4, "text-anchor": "end" }, frame);
        write(text, yticks.text?.(value) ?? number(value, yticks.digits));
      }
      const middle = (this.left + this.right) / 2, centre = (this.top + this.bottom) / 2;
      if (xlabel) {
        write(svg("text", { x: middle, y: this.bottom + 35, "text-anchor": "middle" }, frame), xlabel);
      }
      if (ylabel) {
        const turn = `translate(12 ${centre}) rotate(-90)`;
        write(svg("text", { transform: turn, "text-anchor": "middle" }, frame), ylabel);
      }
    }
    px(x) {
      return this.left + ((x - this.x[0]) / (this.x[1] - this.x[0])) * (this.right - this.left);
    }
    py(y) {
      return this.bottom - ((y - this.y[0]) / (this.y[1] - this.y[0])) * (this.bottom - this.top);
    }
    // Where a pointer is, in the units of the axes.
    at(event) {
      const box = this.svg.getBoundingClientRect();
      const scale = this.svg.viewBox.baseVal.width / box.width;
      const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
      return [
        this.x[0] + ((x - this.left) / (this.right - this.left)) * (this.x[1] - this.x[0]),
        this.y[0] + ((this.bottom - y) / (this.bottom - this.top)) * (this.y[1] - this.y[0]),
      ];
    }
    add(tag, attributes) { return svg(tag, attributes, this.group); }
    path(className) { return this.add("path", { class: className }); }
    text(text, x, y, attributes = {}) {
      const place = { x: this.px(x), y: this.py(y), ...attributes };
      return write(svg("text", place, this.over), text);
    }
    // The outlines of shapes, to be an element's `d`.
    line(points, close = "") {
      let d = "";
      for (const [x, y] of points) {
        d += `${d ? "L" : "M"}${this.px(x).toFixed(1)} ${this.py(y).toFixed(1)}`;
      }
      return d + close;
    }
    dots(points) {
      let d = "";
      for (const [x, y] of points) d += `M${this.px(x).toFixed(1)} ${this.py(y).toFixed(1)}h0`;
      return d;
    }
    // The ellipse of a covariance [[a, b], [b, c]] at a number of standard deviations.
    ellipse([mx, my], [[a, b], [, c]], size) {
      const l = Math.sqrt(a), m = b / l, n = Math.sqrt(Math.max(c - m * m, 0));
      const points = [];
      for (let i = 0; i < 64; i++) {
        const u = size * Math.cos((i * Math.PI) / 32), v = size * Math.sin((i * Math.PI) / 32);
        points.push([mx + l * u, my + m * u + n * v]);
      }
      return this.line(points, "Z");
    }
  }
  Plane.count = 0;

  class View {
    constructor(name, place, figure, data) {
      Object.assign(this, { figure, data, frames: 0, milliseconds: 0, listeners: [] });
      this.state = figure.start(data);
      this.root = html("div", { className: "lvm-live", view: this });
      this.root.dataset.name = name;
      this.panels = html("div", { className: "lvm-panels" });
      this.controls = html("div", { className: "lvm-controls" });
      this.words = html("p", { className: "lvm-finding" });
      this.spoken = html("p", { className: "lvm-spoken" });
      this.spoken.setAttribute("role", "status");
      const draw = figure.build(this, data);
      this.draw = () => {
        this.waiting = false;
        const began = performance.now();
        const numbers = figure.compute(this.state, data);
        const words = figure.finding(this.state, numbers, data);
        draw(this.state, numbers);
        this.listeners.forEach((listener) => listener(this.state, plain(words)));
        write(this.words, words);
        this.frames += 1;
        this.milliseconds += performance.now() - began;
      };
      this.button("Reset", () => Object.assign(this.state, figure.start(data)));
      this.root.append(this.panels, this.controls, this.words, this.spoken);
      if (figure.predict) this.predict(figure.predict(data));
      this.draw();
      place(this.root);
    }
    // Draw again before the browser paints the next time.
    change() {
      if (!this.waiting) requestAnimationFrame(this.draw);
      this.waiting = true;
    }
    // Say what a button did, once it has done it; a slider's value is spoken by itself.
    say() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => (this.spoken.textContent = this.words.textContent), quiet);
    }
    plane(options) { return new Plane(this, options); }
    button(text, act) {
      const button = html("button", { type: "button" });
      write(button, text);
      button.addEventListener("click", () => {
        act(this.state);
        this.change();
        this.say();
      });
      this.controls.append(button);
      return button;
    }
    // A slider for one setting; `show` says its value, `to` and `from` change its scale.
    slider({ name, key, range, step, show = number, to = (v) => v, from = (v) => v }) {
      const input = html("input", {
        type: "range", min: to(range[0]), max: to(range[1]), step, value: to(this.state[key]),
      });
      const value = html("output"), label = html("label", {}, write(html("span"), name), input, value);
      input.setAttribute("aria-label", plain(name));
      value.setAttribute("aria-hidden", true);
      input.addEventListener("input", () => {
        this.state[key] = from(input.valueAsNumber);
        this.change();
      });
      this.listeners.push((state, words) => {
        input.value = to(state[key]);
        value.value = show(state[key]);
        input.setAttribute("aria-valuetext", `${plain(name)} = ${value.value}: ${words}`);
      });
      this.controls.append(label);
      return input;
    }
    // A point to drag.  `at(state)` is where it is, `move(state, x, y)` puts it elsewhere; the keys
    // move it by `step`, or by `turn(state, direction)` where it goes along a curve.
    handle(plane, { label, at, move, step = 0.1, turn, value = (s) => at(s)[0], range = plane.x }) {
      const node = svg("g", { class: "lvm-handle", tabindex: 0, role: "slider" }, plane.svg);
      svg("circle", { class: "lvm-target", r: 25 }, node);
      svg("circle", { class: "lvm-knob", r: 8 }, node);
      const keys = turn ? "Arrow keys turn it" : "Arrow keys move it";
      set(node, { "aria-label": `${plain(label)}. ${keys}.`, "aria-valuemin": range[0] });
      set(node, { "aria-valuemax": range[1] });
      const handle = { node, place: [0, 0] };
      const go = (x, y) => {
        move(this.state, clip(x, plane.x), clip(y, plane.y));
        this.change();
      };
      node.addEventListener("keydown", (event) => {
        const [dx, dy] = {
          ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1],
        }[event.key] ?? [0, 0];
        if (!dx && !dy) return;
        event.preventDefault();
        const size = event.shiftKey ? 5 : 1;
        if (turn) {
          turn(this.state, size * (dx + dy));
          return this.change();
        }
        const [x, y] = at(this.state);
        go(x + size * dx * step, y + size * dy * step);
      });
      node.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        const [x, y] = plane.at(event), distance = ({ place: [a, b] }) =>
          Math.hypot(plane.px(x) - plane.px(a), plane.py(y) - plane.py(b));
        const nearest = plane.handles.reduce((a, b) => (distance(a) < distance(b) ? a : b));
        nearest.grip(event, nearest.place[0] - x, nearest.place[1] - y);
      });
      // Where targets overlap, the nearest handle is taken; it stays under the finger as it was held.
      handle.grip = (event, dx, dy) => {
        node.setPointerCapture(event.pointerId);
        node.focus({ preventScroll: true });
        const drag = (moved) => {
          const [x, y] = plane.at(moved);
          go(x + dx, y + dy);
        };
        const stop = () => node.removeEventListener("pointermove", drag);
        node.addEventListener("pointermove", drag);
        for (const end of ["pointerup", "pointercancel"]) {
          node.addEventListener(end, stop, { once: true });
        }
      };
      this.listeners.push((state, words) => {
        handle.place = at(state);
        const [x, y] = handle.place;
        node.setAttribute("transform", `translate(${plane.px(x)} ${plane.py(y)})`);
        set(node, { "aria-valuenow": value(state), "aria-valuetext": words });
      });
      plane.handles.push(handle);
      return node;
    }
    // Ask before showing: until there is an answer, what `.lvm-after` marks stays hidden.
    predict({ ask, choices, right, because }) {
      const answer = html("p");
      answer.setAttribute("role", "status");
      const buttons = choices.map((choice, i) => {
        const button = write(html("button", { type: "button" }), choice);
        button.addEventListener("click", () => {
          this.root.classList.remove("lvm-before");
          buttons.forEach((other) => {
            other.setAttribute("aria-pressed", other === button);
            other.disabled = other !== button;
          });
          write(answer, `${i === right ? "As you predicted." : `Here it is: ${choices[right]}.`} ${because}`);
        });
        return button;
      });
      const question = html("div", { className: "lvm-predict" });
      set(question, { role: "group", "aria-label": "Predict first" });
      question.append(write(html("p"), `Predict first: ${ask}`), ...buttons, answer);
      this.root.classList.add("lvm-before");
      this.root.prepend(question);
    }
  }

  // Put a figure in the place of each still that the chapter made for it.
  window.lvmFigure = (name, figure) => {
    figures[name] = figure;
    for (const script of document.querySelectorAll(`script[data-figure="${name}"]`)) {
      const still = window.lvmStill(script);
      new View(name, (root) => {
        for (const child of still.children) {
          if (child.localName !== "figcaption") child.classList.add("lvm-still");
        }
        still.prepend(root);
      }, figure, JSON.parse(script.textContent));
    }
  };
  Object.assign(window.lvmFigure, { number, clip, svg, html, write });
})();
