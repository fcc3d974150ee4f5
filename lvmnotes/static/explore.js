for (const figure of document.querySelectorAll(".lvm-explore:not([data-ready])")) {
  figure.dataset.ready = "";
  const { sliders, frames, shown, alts, pace } = JSON.parse(
    figure.querySelector("[type='application/json']").textContent);
  const image = figure.querySelector("img");
  const first = image.src;
  const play = document.createElement("button");
  const controls = document.createElement("div");
  let timer;

  const show = () => {
    let cell = 0;
    for (const { name, labels, input, output } of sliders) {
      const label = labels[input.valueAsNumber];
      cell = cell * labels.length + input.valueAsNumber;
      input.setAttribute("aria-valuetext", `${name} = ${label}`);
      output.value = label;
    }
    // Frame 0 is the picture that is there without JavaScript.
    image.src = shown[cell] ? `data:image/webp;base64,${frames[shown[cell] - 1]}` : first;
    image.alt = alts[cell];
  };
  const pause = () => {
    clearInterval(timer);
    timer = undefined;
    play.setAttribute("aria-pressed", false);
  };

  for (const slider of sliders) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    const output = document.createElement("output");
    Object.assign(input, { type: "range", min: 0, max: slider.labels.length - 1, value: 0 });
    input.setAttribute("aria-label", slider.name);
    input.addEventListener("input", () => { pause(); show(); });
    // Screen readers hear the value from the slider; a status region would say it again.
    output.setAttribute("aria-hidden", "true");
    output.style.minWidth = `${Math.max(...slider.labels.map((text) => text.length))}ch`;
    label.append(slider.name, input, output);
    Object.assign(slider, { input, output });
    controls.append(label);
  }
  const step = () => {
    const { input, labels } = sliders[0];
    input.value = (input.valueAsNumber + 1) % labels.length;
    show();
    if (input.value === input.max) pause();
  };
  Object.assign(play, { type: "button", textContent: `Play ${sliders[0].name}` });
  play.addEventListener("click", () => {
    if (timer) return pause();
    play.setAttribute("aria-pressed", true);
    timer = setInterval(step, pace);
    step();
  });
  controls.className = "lvm-explore-controls";
  controls.prepend(play);
  for (const control of [play, ...sliders.map(({ input }) => input)]) {
    control.dataset.lmSuppressShortcuts = "true"; // JupyterLab leaves it its keys
  }
  figure.querySelector("p").replaceWith(controls);
  pause();
  show();
}
