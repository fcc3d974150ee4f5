for (const figure of document.querySelectorAll(".lvm-explore:not([data-ready])")) {
  figure.dataset.ready = "";
  const { sliders, frames, shown, alts, pace } = JSON.parse(
    figure.querySelector("[type='application/json']").textContent);
  const create = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const controls = create("div", { className: "lvm-explore-controls" });
  const play = create("button", { type: "button", textContent: `Play ${sliders[0].name}` });
  const image = figure.querySelector("img");
  let timer;

  const name = () => {
    let choice = 0;
    for (const { name, labels, input, output } of sliders) {
      choice = choice * labels.length + input.valueAsNumber;
      output.value = labels[input.valueAsNumber];
      input.setAttribute("aria-valuetext", `${name} = ${output.value}`);
    }
    image.alt = alts[choice];
    return choice;
  };
  const show = () => {
    // A frame holds what is new in it; the rest is the picture that was there before.
    if (!image.style.backgroundImage) image.style.backgroundImage = `url("${image.src}")`;
    image.src = frames[shown[name()]];
  };
  // On a web page frames are files: all are fetched when the reader turns to the figure.
  const fetchAll = () => frames.forEach((frame) => { new Image().src = frame; });
  const pause = () => {
    clearInterval(timer);
    timer = undefined;
    play.setAttribute("aria-pressed", false);
  };
  const step = () => {
    const { input, labels } = sliders[0];
    input.value = (input.valueAsNumber + 1) % labels.length;
    show();
    if (input.value === input.max) pause();
  };

  for (const slider of sliders) {
    const label = create("label");
    const max = slider.labels.length - 1;
    const input = create("input", { type: "range", min: 0, max, value: 0 });
    const output = create("output");
    input.setAttribute("aria-label", slider.name);
    input.addEventListener("input", () => { pause(); show(); });
    // Screen readers hear the value from the slider; a status region would say it again.
    output.setAttribute("aria-hidden", true);
    output.style.minWidth = `${Math.max(...slider.labels.map((text) => text.length))}ch`;
    label.append(slider.name, input, output);
    controls.append(label);
    Object.assign(slider, { input, output });
  }
  play.addEventListener("click", () => {
    if (timer) return pause();
    play.setAttribute("aria-pressed", true);
    timer = setInterval(step, pace);
    step();
  });
  pause();
  controls.prepend(play);
  for (const control of controls.querySelectorAll("button, input")) {
    control.dataset.lmSuppressShortcuts = "true"; // JupyterLab leaves it its keys
  }
  for (const turn of ["pointerover", "focusin"]) {
    controls.addEventListener(turn, fetchAll, { once: true });
  }
  figure.querySelector("p").replaceWith(controls);
  name();
}
