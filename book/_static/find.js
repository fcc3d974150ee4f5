// The words of a search: how they are found, and marked on the page that a result leads to.
(() => {
  const GREEK = ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron " +
    "pi rho final-sigma sigma tau upsilon phi chi psi omega").split(" ");
  const FIRST = 0x3b1;  // α

  // A word is found at the start of a word; a greek letter by its name, too, and the other way round.
  function pattern(word) {
    const letter = GREEK.indexOf(word.toLowerCase());
    const code = word.length === 1 ? word.toLowerCase().charCodeAt(0) - FIRST : -1;
    const plain = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const start = (text) => `(?<![\\p{L}\\p{N}])${plain(text)}`;
    if (letter >= 0) return `${start(word)}|${String.fromCharCode(FIRST + letter)}`;
    if (GREEK[code]) return `${plain(word)}|${start(GREEK[code])}`;
    return start(word);
  }
  const words = (query) => query.trim().split(/[\s-]+/).filter(Boolean);
  const patterns = (query) => words(query).map((word) => new RegExp(pattern(word), "giu"));

  // Put a mark around every match in the text below an element, and a class on formulas with one.
  function mark(root, query) {
    if (!words(query).length) return;
    const any = new RegExp(words(query).map(pattern).join("|"), "giu");
    const matches = (text) => text.search(any) >= 0;
    for (const formula of root.querySelectorAll("math"))
      if (matches(formula.textContent.normalize("NFKC"))) formula.classList.add("marked");
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT, (node) =>
      !node.parentElement.closest("math, script, style, svg") &&
        matches(node.data) ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_REJECT);
    const found = [];
    while (walker.nextNode()) found.push(walker.currentNode);
    for (const node of found) {
      const parts = document.createDocumentFragment();
      let end = 0;
      for (const match of node.data.matchAll(any)) {
        const marked = document.createElement("mark");
        marked.textContent = match[0];
        parts.append(node.data.slice(end, match.index), marked);
        end = match.index + match[0].length;
      }
      parts.append(node.data.slice(end));
      node.replaceWith(parts);
    }
  }

  // In the section that a result leads to, the first mark is not left in a fold.
  addEventListener("DOMContentLoaded", () => {
    const query = new URLSearchParams(location.search).get("highlight");
    const article = document.querySelector("article");
    if (!query || !article) return;
    mark(article, query);
    const section = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    let fold = section?.querySelector("mark, .marked");
    while ((fold = fold?.parentElement.closest("details"))) fold.open = true;
  });

  window.search = { mark, patterns };
})();
