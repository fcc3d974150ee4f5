// Python in a worker: the WebAssembly build of the wheel that requirements-live.txt pins.
//
// What a worker is asked, and answers (runtime.js); another Python is another file like this one:
//
//     { start: { folder, files, module } }   -> { progress } ..., then { ready: true, module }
//     { id, source, name }                   -> { id, result: { ok, outputs: [[kind, data], ...] } }
//     anything that cannot be done           -> { id, failed: "why" }
//
// `files` are those of the manifest (live_assets.py); `module` is what an earlier worker compiled.
importScripts("wasi.js");
const { ConsoleStdout, Directory, File, OpenFile, PreopenDirectory, WASI } = lvmWasi;

const PACKAGES = "/usr/local/lib/python315.zip"; // where this Python looks for its library
const ANSWER = "answer.json";
const text = { from: (bytes) => new TextDecoder().decode(bytes), to: (it) => new TextEncoder().encode(it) };
const temporary = new Directory(new Map());
const kept = []; // promises: files on their way into the cache
let instance, complaints = "";

// The large files are kept in the browser, by names that say what is in them; where it keeps
// nothing, they are loaded again.
async function open(url, cache, seen) {
  let response = await cache?.match(url);
  if (!response) {
    response = await fetch(url);
    if (!response.ok) throw Error(`The server has no ${url} (${response.status}).`);
    if (cache) {
      const [stored, read] = response.body.tee();
      kept.push(cache.put(url, new Response(stored)).catch(() => cache.delete(url))); // no room
      response = new Response(read);
    }
  }
  const counted = response.body.pipeThrough(new TransformStream({
    transform(chunk, controller) { seen(chunk.length); controller.enqueue(chunk); },
  }));
  // Some servers decompress a .gz file on the way, and then it begins differently.
  const [head, whole] = counted.tee();
  const reader = head.getReader();
  const { value } = await reader.read();
  reader.cancel();
  const compressed = value[0] === 0x1f && value[1] === 0x8b;
  return compressed ? whole.pipeThrough(new DecompressionStream("gzip")) : whole;
}

const bytes = async (stream) => new Uint8Array(await new Response(stream).arrayBuffer());

// The files of an uncompressed zip as a folder; they stay where they are in memory.
function unpack(zip) {
  const view = new DataView(zip.buffer), root = new Directory(new Map());
  let end = zip.length - 22;
  while (view.getUint32(end, true) !== 0x06054b50) end -= 1;
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    const size = view.getUint32(at + 24, true), start = view.getUint32(at + 42, true);
    const [length, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const path = text.from(zip.subarray(at + 46, at + 46 + length)).split("/");
    const data = start + 30 + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
    let folder = root.contents;
    for (const name of path.slice(0, -1)) {
      if (!folder.has(name)) folder.set(name, new Directory(new Map()));
      folder = folder.get(name).contents;
    }
    folder.set(path.at(-1), new File(zip.subarray(data, data + size), { readonly: true }));
    at += 46 + length + extra + comment;
  }
  return root;
}

async function start({ folder, files, module }) {
  const cache = await self.caches?.open("lvm-live").catch(() => undefined);
  const url = ({ name }) => new URL(name, folder).href;
  const wanted = Object.values(files);
  let loaded = 0;
  const load = (file) => open(url(file), cache, (count) => {
    loaded += count;
    const all = wanted.reduce((sum, it) => sum + it.bytes, 0);
    postMessage({ progress: Math.min(loaded / all, 1) });
  });
  const compile = async () => WebAssembly.compileStreaming(new Response(await load(files.python), {
    headers: { "Content-Type": "application/wasm" },
  }));
  const [compiled, packages, book] = await Promise.all([
    module ?? compile(), load(files.packages).then(bytes), load(files.book).then(bytes),
  ]);
  for (const old of (await cache?.keys()) ?? []) {
    // Another copy of the book may be at the same origin.
    if (old.url.startsWith(folder) && !wanted.some((file) => url(file) === old.url)) cache.delete(old);
  }

  const library = new Directory(new Map([["python315.zip", new File(packages, { readonly: true })]]));
  const inside = (name, contents) => new Directory(new Map([[name, contents]]));
  const root = new Map([["usr", inside("local", inside("lib", library))], ["tmp", temporary]]);
  const unpacked = unpack(packages);
  const part = (path) => path.split("/").reduce((folder, name) => folder.contents.get(name), unpacked);
  const heard = () => ConsoleStdout.lineBuffered((line) => { complaints += `${line}\n`; });
  const wasi = new WASI(
    ["python"],
    ["HOME=/tmp", "TMPDIR=/tmp", "MPLCONFIGDIR=/tmp", "PYTHONTZPATH=",
      "MPLBACKEND=module://matplotlib_inline.backend"],
    [new OpenFile(new File([])), heard(), heard(), new PreopenDirectory("/", root),
      new PreopenDirectory(`${PACKAGES}/matplotlib/mpl-data`, part("matplotlib/mpl-data").contents),
      new PreopenDirectory("/photographs", part("sklearn/datasets/images").contents),
      new PreopenDirectory("/book", unpack(book).contents)],
    { debug: false },
  );
  // The library says of no file that one may write to it; Python asks, and then does not try.
  const { fd_fdstat_get } = wasi.wasiImport;
  wasi.wasiImport.fd_fdstat_get = (file, pointer) => {
    const result = fd_fdstat_get(file, pointer);
    const view = new DataView(instance.exports.memory.buffer);
    for (const rights of [8, 16]) view.setBigUint64(pointer + rights, ~0n, true);
    return result;
  };
  instance = await WebAssembly.instantiate(compiled, {
    wasi_snapshot_preview1: wasi.wasiImport,
    host: { call: () => -1 }, // Python has nobody to call
  });
  wasi.initialize(instance);
  execute("import sys; sys.path.insert(0, '/book'); import kernel");
  await Promise.all(kept);
  postMessage({ ready: true, module: compiled });
}

// Let the interpreter execute something; it remembers all that came before.
function execute(source) {
  complaints = "";
  const code = text.to(source), pointer = instance.exports.host_alloc(code.length) >>> 0;
  new Uint8Array(instance.exports.memory.buffer).set(code, pointer);
  if (instance.exports.turn(pointer, code.length) !== 0) throw Error(complaints);
}

function run(source, name) {
  temporary.contents.delete(ANSWER);
  execute(`kernel.run(${JSON.stringify(source)}, ${JSON.stringify(name)}, "/tmp/${ANSWER}")`);
  return JSON.parse(text.from(temporary.contents.get(ANSWER).data));
}

onmessage = async ({ data }) => {
  try {
    if (data.start) await start(data.start);
    else postMessage({ id: data.id, result: run(data.source, data.name) });
  } catch (error) {
    postMessage({ id: data.id, failed: `${error?.message ?? error}` });
  }
};
