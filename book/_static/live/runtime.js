// A running Python, in a worker: start() loads it, run(source, name) -> { ok, outputs }, stop().
// Which Python it is, only the worker knows (worker.js).
class LiveRuntime {
  #worker;
  #module;
  #waiting = new Map();
  #count = 0;

  constructor(worker, folder) {
    Object.assign(this, { worker, folder });
  }

  // Resolves when Python is ready; `progress` hears which share of the files is there.
  async start(progress = () => {}) {
    const response = await fetch(new URL("manifest.json", this.folder), { cache: "no-cache" });
    if (!response.ok) throw Error("This copy of the book has no Python for the browser.");
    const { files } = await response.json();
    await new Promise((resolve, reject) => {
      this.#waiting.set("start", { resolve, reject });
      this.#worker = new Worker(this.worker);
      this.#worker.onmessage = ({ data }) => {
        if ("progress" in data) progress(data.progress);
        else if (data.ready) this.#settle("start", "resolve", (this.#module = data.module));
        else if ("result" in data) this.#settle(data.id, "resolve", data.result);
        else this.stop(data.failed); // what failed in this way cannot go on
      };
      this.#worker.onerror = (event) => this.stop(event.message ?? "Python did not start.");
      this.#worker.postMessage({ start: { folder: this.folder, files, module: this.#module } });
    });
  }

  run(source, name = "cell") {
    return new Promise((resolve, reject) => {
      const id = ++this.#count;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, source, name });
    });
  }

  // Ends Python at once; whatever waits for it hears why.
  stop(why = "stopped") {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const id of [...this.#waiting.keys()]) this.#settle(id, "reject", Error(why));
  }

  #settle(id, how, value) {
    this.#waiting.get(id)?.[how](value);
    this.#waiting.delete(id);
  }
}
