// The page of the search: sections that have all the words, the best first (section_search.py).
addEventListener("DOMContentLoaded", () => {
  const query = new URLSearchParams(location.search).get("q")?.trim() ?? "";
  const results = document.getElementById("search-results");
  for (const field of document.querySelectorAll(".bd-search [name=q]")) field.value = query;
  if (!query) return;
  const count = (text, pattern) => [...text.matchAll(pattern)].length;

  // A term of the glossary also finds what has another name of it.
  const names = ENTRIES.filter(([page]) => page.endsWith("glossary")).map((it) => it[3].split(", "));
  const same = names.find((it) => it.some((name) => name.toLowerCase() === query.toLowerCase())) ?? [];
  const others = same.filter((name) => name.toLowerCase() !== query.toLowerCase());
  const wanted = [query, ...others].map((words) => {
    const patterns = search.patterns(words);
    const all = patterns.map((it) => `(?:${it.source})\\p{L}*`).join("[\\s-]+");
    return { words, patterns, phrase: new RegExp(all, "giu") };
  });

  // A word in the title weighs most, and words that follow one another more than words apart.
  function score({ patterns, phrase }, [, , page, title, text]) {
    let sum = 0;
    for (const pattern of patterns) {
      const found = 10 * count(title, pattern) + Math.min(count(text, pattern), 5);
      if (!found && !count(page, pattern)) return 0;
      sum += found;
    }
    return sum && sum + 20 * count(title, phrase) + 5 * Math.min(count(text, phrase), 5);
  }

  function excerpt({ patterns }, text) {
    const at = patterns.map((it) => text.search(it)).filter((it) => it >= 0);
    const from = at.length ? Math.max(0, text.lastIndexOf(" ", Math.min(...at) - 60)) : 0;
    const to = text.indexOf(" ", from + 180);
    return (from ? "… " : "") + (to < 0 ? text.slice(from) : text.slice(from, to) + " …");
  }

  const best = (entry) => wanted.map((it) => [score(it, entry), it, entry])
    .reduce((a, b) => (a[0] ? a : b));
  const found = ENTRIES.map(best).filter(([points]) => points > 0).sort((a, b) => b[0] - a[0]);
  const said = document.createElement("p");
  said.textContent = `${found.length} ${found.length === 1 ? "section" : "sections"} with ` +
    [query, ...others].map((words) => `“${words}”`).join(" or ") +
    (found.length > 50 ? "; the first 50:" : "");
  said.setAttribute("role", "status");
  const list = document.createElement("ol");
  for (const [, it, [page, anchor, chapter, title, text]] of found.slice(0, 50)) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `${page}.html?highlight=${encodeURIComponent(it.words)}#${anchor}`;
    link.textContent = title === chapter ? title : `${chapter}: ${title}`;
    const shown = document.createElement("p");
    shown.textContent = excerpt(it, text);
    search.mark(shown, it.words);
    item.append(link, shown);
    list.append(item);
  }
  results.replaceChildren(said, list);
});
