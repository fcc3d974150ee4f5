// The meaning of a term beside the link to the glossary, and the statement of a claim beside a link
// to it: for pointer, keyboard and finger.
(() => {
  const box = document.createElement("div");
  box.id = "meaning";
  box.className = "meaning";
  box.setAttribute("role", "tooltip");
  box.hidden = true;
  let shown = null, tapped = false, closing;

  const termOf = (target) => target.closest?.("a:has(> .term), a.claim-link");

  function meaningOf(link) {
    const id = decodeURIComponent(link.getAttribute("href").split("#")[1]);
    return MEANINGS[id] ?? document.getElementById(id)?.querySelector(".statement")?.innerHTML;
  }

  function show(link) {
    clearTimeout(closing);
    if (link === shown) return;
    hide();
    const meaning = meaningOf(link);
    if (!meaning) return;
    shown = link;
    box.innerHTML = meaning;
    box.hidden = false;
    link.setAttribute("aria-describedby", box.id);
    const at = link.getClientRects()[0];
    const width = document.documentElement.clientWidth;
    box.style.left = `${scrollX + Math.max(8, Math.min(at.left, width - box.offsetWidth - 8))}px`;
    box.style.top = `${scrollY + at.bottom + 4}px`;
  }
  function hide() {
    clearTimeout(closing);
    shown?.removeAttribute("aria-describedby");
    shown = null;
    box.hidden = true;
  }
  // The pointer may move from the term to its meaning.
  const hideSoon = () => (closing = setTimeout(hide, 300));

  document.body.append(box);
  box.addEventListener("pointerenter", () => clearTimeout(closing));
  box.addEventListener("pointerleave", hideSoon);
  document.addEventListener("pointerover", (event) => {
    const link = termOf(event.target);
    if (link && event.pointerType !== "touch") show(link);
  });
  document.addEventListener("pointerout", (event) => {
    if (termOf(event.target) && event.pointerType !== "touch") hideSoon();
  });
  document.addEventListener("focusin", (event) => termOf(event.target) ? show(termOf(event.target)) : hide());
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  // The first tap shows the meaning, the second follows the link; a tap elsewhere hides it.
  document.addEventListener("pointerdown", (event) => {
    const link = termOf(event.target);
    tapped = event.pointerType === "touch" && link && link !== shown;
    if (!link && !box.contains(event.target)) hide();
  });
  document.addEventListener("click", (event) => {
    const link = termOf(event.target);
    if (!link || !tapped) return;
    event.preventDefault();
    show(link);
  });
})();
