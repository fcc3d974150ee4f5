// Questions that a chapter's code wrote as folded text become forms: to choose, or to type a number.
for (const question of document.querySelectorAll(".lvm-question:not([role])")) {
  const create = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };
  const veil = 0x5a; // of lvmnotes.notebook.question: nothing secret, only not to be read in passing
  const bytes = [...atob(question.dataset.key)].map((letter) => letter.charCodeAt(0) ^ veil);
  const key = JSON.parse(String.fromCharCode(...bytes));
  const text = question.querySelector("p"), fold = question.querySelector("details");
  const list = question.querySelector(":scope > ol"), answers = [...fold.querySelectorAll("ol > li")];
  const feedback = create("div", { className: "lvm-feedback" });
  feedback.setAttribute("role", "status");
  const say = (right, ...nodes) => {
    feedback.replaceChildren(...nodes);
    feedback.dataset.right = right;
  };
  const explain = (i) => [...answers[i].cloneNode(true).childNodes];

  const form = create("div", { className: "lvm-choices" });
  if (list) {
    const buttons = [...list.children].map((choice, i) => {
      const button = create("button", { type: "button" }, ...(choice.querySelector("p") ?? choice).childNodes);
      button.addEventListener("click", () => {
        buttons.forEach((other) => other.setAttribute("aria-pressed", other === button));
        say(i === key, ...explain(i));
      });
      return button;
    });
    form.append(...buttons);
    list.remove();
  } else {
    const input = create("input", { type: "text", inputMode: "decimal", autocomplete: "off" });
    const button = create("button", { type: "button", textContent: "Check" });
    const label = create("label", {}, "Your number ", input);
    // A number as people write it: 0.25, .25, 0,25, −3, 1/4, 25 %.
    const read = (written) => {
      const [, above, below, percent] = written.replaceAll("−", "-").replaceAll(",", ".")
        .match(/^\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*(?:\/\s*([\d.]+))?\s*(%?)\s*$/i) ?? [];
      return Number(above) / Number(below ?? 1) / (percent ? 100 : 1);
    };
    const answer = () => {
      const number = read(input.value);
      const near = (other) => Math.abs(number - other) <= key.rtol * Math.abs(other) + 1e-12;
      if (!Number.isFinite(number)) say(false, "Type a number, such as 0.25 or 1/4.");
      else if (near(key.answer)) say(true, ...explain(0));
      else {
        const slip = key.mistakes.findIndex(near);
        if (slip >= 0) say(false, ...explain(slip + 1));
        else say(false, `Not yet: ${input.value.trim()} is too ${number > key.answer ? "large" : "small"}.`);
      }
    };
    button.addEventListener("click", answer);
    input.addEventListener("keydown", (event) => event.key === "Enter" && answer());
    form.append(label, button);
  }
  text.id = `question-${[...document.querySelectorAll(".lvm-question")].indexOf(question) + 1}`;
  question.setAttribute("role", "group");
  question.setAttribute("aria-labelledby", text.id);
  fold.before(form, feedback);
}
