// The theme lets the keyboard scroll the code that is wider than its box, and looks for such code
// when the window changes. An opened fold shows more of it.
addEventListener("click", (event) => {
  if (event.target.closest?.("summary, .admonition-title")) dispatchEvent(new Event("resize"));
});
