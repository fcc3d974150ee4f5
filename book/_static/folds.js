// Folds (folds.py): a switch for all code of the page, and links and printing that open them.
(() => {
  const all = (selector) => document.querySelectorAll(selector);

  // What a link leads to is visible, with the code of its cell.
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const cell = target.closest(".cell");
    cell?.querySelectorAll("details").forEach((fold) => (fold.open = true));
    for (let it = target; it; it = it.parentElement) if (it.matches("details")) it.open = true;
    target.scrollIntoView();
  }

  function show(choice) {
    for (const fold of all("details.code"))
      fold.open = choice === "all" || (choice === "some" && fold.matches(".story"));
  }

  // Where storage is forbidden, the choice holds for this page.
  function remembered() {
    try { return localStorage.getItem("code"); } catch { return null; }
  }
  function remember(choice) {
    try { localStorage.setItem("code", choice); } catch { /* see above */ }
  }

  addEventListener("DOMContentLoaded", () => {
    // Without a choice the page stays as it is: a reader may have opened a fold while it loaded.
    const choice = document.querySelector(`.code-switch [value="${remembered()}"]`);
    if (choice) {
      choice.checked = true;
      show(choice.value);
    }
    reveal();
  });
  addEventListener("hashchange", reveal);
  addEventListener("change", (event) => {
    if (!event.target.closest(".code-switch")) return;
    remember(event.target.value);
    show(event.target.value);
  });

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all(".bd-article details:not([open])");
    closed.forEach((fold) => (fold.open = true));
  });
  addEventListener("afterprint", () => closed.forEach((fold) => (fold.open = false)));
})();
