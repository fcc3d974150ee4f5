// The theme makes code that is wider than its box scrollable by keyboard, and searches for such code
// when the window is resized. Opening a fold can show more of it, so it triggers the same search.
addEventListener("toggle", () => dispatchEvent(new Event("resize")), true);

// Paper is white.
addEventListener("beforeprint", () => {
  const { theme } = document.documentElement.dataset;
  document.documentElement.dataset.theme = "light";
  addEventListener("afterprint", () => (document.documentElement.dataset.theme = theme), { once: true });
});
