// What axe finds in the theme's markup, put right.
addEventListener("DOMContentLoaded", () => {
  const all = (selector) => document.querySelectorAll(selector);
  // The visible words are the name; a label that says something else hides them.
  all("summary[aria-label], .search-button-field").forEach((element) =>
    element.removeAttribute("aria-label"),
  );
  // Font Awesome turns an icon's title into text, before or after this; the button has its name.
  all(".theme-switch").forEach((icon) => icon.removeAttribute("title"));
  all(".theme-switch > title").forEach((title) => title.remove());
  all(".citation").forEach((entry) => entry.setAttribute("role", "listitem"));
  all(".bd-sidebar-primary").forEach((sidebar) => {
    sidebar.setAttribute("role", "navigation");
    sidebar.setAttribute("aria-label", "Book");
  });
});
