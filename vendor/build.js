// Bundle each library with its licence in front, for pages without modules; note what came of it.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const bundles = {
  editor: { global: "lvmEditor", packages: ["@codemirror/view", "@lezer/python"] },
  wasi: { global: "lvmWasi", packages: ["@bjorn3/browser_wasi_shim"] },
};
const licence = (name) => {
  const [{ version }, text] = ["package.json", "LICENSE", "LICENSE-MIT"].flatMap((file) => {
    try {
      const found = readFileSync(`node_modules/${name}/${file}`, "utf8");
      return [file === "package.json" ? JSON.parse(found) : found];
    } catch {
      return [];
    }
  });
  return `${name} ${version}\n\n${text}`;
};
const hashes = [];
for (const [name, { global, packages }] of Object.entries(bundles)) {
  const outfile = `../book/_static/live/${name}.js`;
  await build({
    entryPoints: [`${name}.js`],
    outfile,
    bundle: true,
    minify: true,
    format: "iife",
    globalName: global,
    target: "es2022",
    banner: { js: `/*! ${packages.map(licence).join("\n").replaceAll("*/", "* /")}*/` },
  });
  hashes.push(`${createHash("sha256").update(readFileSync(outfile)).digest("hex")}  ${name}.js\n`);
}
writeFileSync("SHA256SUMS", hashes.join(""));
