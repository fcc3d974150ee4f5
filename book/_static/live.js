// The line below a chapter's title that makes its code run in the page (live_cells.py). Nothing of
// what runs it is loaded before the button is pressed.
(() => {
  const bar = document.querySelector(".live-bar");
  if (!bar) return;
  const here = document.currentScript.src;
  const button = bar.querySelector("button"), text = bar.querySelector(".live-text");
  // The smallest program that catches an exception as Python's does.
  const program = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 8, 1, 6, 0, 31, 64, 0, 11, 11];
  const able = () => typeof DecompressionStream === "function" && typeof Worker === "function" &&
    typeof WebAssembly === "object" && WebAssembly.validate(Uint8Array.from(program));

  const refuse = (why) => {
    button.remove();
    text.textContent = why;
  };
  if (location.protocol === "file:") {
    return refuse("The code of this page can be run in it where the book comes from a server, " +
      "not from a file.");
  }
  if (!able()) {
    return refuse("This browser cannot run the code of this page: it is too old, or WebAssembly is off.");
  }
  // A browser that ran out of memory has closed the page, and shows it anew.
  const marked = (mark) => {
    try {
      return mark === undefined ? sessionStorage.getItem("live") : sessionStorage.setItem("live", mark);
    } catch {
      return null; // storage is forbidden
    }
  };
  if (marked() === "starting") {
    text.prepend("Last time this page closed while Python was starting: there may be too little memory. ");
  } else if (navigator.deviceMemory < 4) {
    text.prepend("This device has little memory, and Python may not start on it. ");
  }

  const load = (name) => new Promise((resolve, reject) => {
    const { href } = new URL(`live/${name}`, here);
    const style = name.endsWith(".css");
    const node = document.createElement(style ? "link" : "script");
    Object.assign(node, style ? { rel: "stylesheet", href } : { src: href, async: false });
    node.onload = resolve;
    node.onerror = () => reject(Error(`The server has no ${name}.`));
    document.head.append(node);
  });
  addEventListener("pagehide", () => marked("")); // which a page without memory does not hear
  button.addEventListener("click", async () => {
    const content = [...bar.childNodes];
    button.disabled = true;
    marked("starting");
    try {
      await Promise.all(["page.css", "editor.js", "runtime.js", "page.js"].map(load));
      await window.lvmLive(bar);
    } catch (error) {
      bar.replaceChildren(...content);
      text.textContent = `Python did not start: ${error.message}`;
      text.setAttribute("role", "status");
      button.disabled = false;
      button.focus();
    }
    marked("");
  });
})();
