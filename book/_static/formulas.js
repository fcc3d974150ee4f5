// A formula that is wider than its box can be scrolled by keyboard; no other formula is a tab stop.
const boxes = document.querySelectorAll(".formula");

function reach(box) {
  const scrolls = box.scrollWidth > box.clientWidth;
  if (scrolls === box.hasAttribute("tabindex")) return;
  box.toggleAttribute("tabindex", scrolls);
  if (scrolls) {
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "Formula that scrolls sideways");
  } else {
    box.removeAttribute("role");
    box.removeAttribute("aria-label");
  }
}

// A box changes size with the window and when a fold opens; its formula, when the font arrives.
// What is in a closed fold is not measured: to measure it would be to lay it out.
const sizes = new ResizeObserver((entries) => entries.forEach((entry) => reach(entry.target)));
boxes.forEach((box) => sizes.observe(box));
document.fonts.ready.then(() => boxes.forEach((box) => box.checkVisibility() && reach(box)));

// Copied formulas are their TeX; where the clipboard takes formatted text, they stay formulas.
addEventListener("copy", (event) => {
  const selection = getSelection();
  if (selection.isCollapsed) return;
  const range = selection.getRangeAt(0).cloneRange();
  const inside = range.commonAncestorContainer;
  const whole = (inside.closest ? inside : inside.parentElement).closest("[data-tex]");
  if (whole) range.selectNode(whole);
  const copied = document.createElement("div");
  copied.append(range.cloneContents());
  const formulas = copied.querySelectorAll("[data-tex]");
  if (!formulas.length) return;
  event.clipboardData.setData("text/html", copied.innerHTML);
  for (const formula of formulas) {
    const mark = formula.matches(":has([display]), [display]") ? "$$" : "$";
    formula.replaceWith(mark + formula.dataset.tex + mark);
  }
  document.body.append(copied); // only what is in the page has lines
  event.clipboardData.setData("text/plain", copied.innerText);
  copied.remove();
  event.preventDefault();
});
