// The theme makes code and tables that are wider than their box scrollable by keyboard, and searches
// for them when the window is resized. A fold that opens, or a table that comes near the window and
// is set only then, can be one more, so they trigger the same search.
for (const change of ["toggle", "contentvisibilityautostatechange"])
  addEventListener(change, (event) => event.skipped || dispatchEvent(new Event("resize")), true);

// Paper is white.
addEventListener("beforeprint", () => {
  const { theme } = document.documentElement.dataset;
  document.documentElement.dataset.theme = "light";
  addEventListener("afterprint", () => (document.documentElement.dataset.theme = theme), { once: true });
});
