/**
 * What `vite build` leaves to do: the licence texts of everything that was bundled, and a gzip copy of each file,
 * so that the server never compresses. The same inputs give the same bytes.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const TEXT = /\.(html|js|css|svg|txt|json|webmanifest)$/;

/** The package directory of a module, or null for our own files. */
function packageOf(id) {
  const match = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id.replaceAll("\\", "/").replace(/^\0/, ""));
  return match ? match[1] : null;
}

function licenceOf(directory) {
  const facts = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  const file = readdirSync(directory).find((name) => /^licen[cs]e(\.|$)/i.test(name));
  if (!file) throw new Error(`${facts.name} ${facts.version} is bundled, but holds no licence text.`);
  const text = readFileSync(join(directory, file), "utf8").replaceAll("\r\n", "\n").trim();
  return { title: `${facts.name} ${facts.version} (${facts.license})`, text };
}

function licences(bundle) {
  const directories = new Set();
  for (const chunk of Object.values(bundle)) {
    for (const id of Object.keys(chunk.modules ?? {})) {
      const directory = packageOf(id);
      if (directory && existsSync(join(directory, "package.json"))) directories.add(directory);
    }
  }
  const found = [...directories].map(licenceOf).sort((a, b) => (a.title < b.title ? -1 : 1));
  const parts = found.map(({ title, text }) => `${title}\n${"-".repeat(title.length)}\n\n${text}\n`);
  return `Coblyn's page contains these packages, under these licences.\n\n${parts.join("\n\n")}`;
}

export function finish() {
  let outDir = "";
  return {
    name: "coblyn-finish",
    apply: "build",
    configResolved(config) {
      outDir = config.build.outDir;
    },
    generateBundle(_, bundle) {
      this.emitFile({ type: "asset", fileName: "licenses.txt", source: licences(bundle) });
    },
    closeBundle() {
      if (!existsSync(outDir)) return; // the build failed before it wrote anything
      for (const entry of readdirSync(outDir, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        // zlib's header has no time and no name in it: the copy depends on the content alone.
        if (entry.isFile() && TEXT.test(path)) writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      }
    },
  };
}
