// The scripts of the figures that one can drag, and of the questions, are loaded where a page has any.
(() => {
  const here = document.currentScript.src;
  const load = (path) => {
    const { href } = new URL(path, here);
    if ([...document.scripts].some(({ src }) => src === href)) return;
    const script = Object.assign(document.createElement("script"), { src: href });
    script.async = false; // in order: first what the figures share
    document.head.append(script);
  };
  // The still that a figure replaces: the last one before what its script reads.
  window.lvmStill = (script) => [...document.querySelectorAll(".bd-article figure")].findLast(
    (figure) => figure.compareDocumentPosition(script) & Node.DOCUMENT_POSITION_FOLLOWING);
  addEventListener("DOMContentLoaded", () => {
    if (document.querySelector(".lvm-question")) load("questions.js");
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting) ["figure", target.figure].forEach((name) => load(`figures/${name}.js`));
      }
    }, { rootMargin: "1500px" });
    for (const script of document.querySelectorAll("script[data-figure]")) {
      const still = window.lvmStill(script);
      still.figure = script.dataset.figure;
      near.observe(still);
    }
  });
})();
