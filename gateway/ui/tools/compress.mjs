// Writes a .gz and a .br beside each built file for which it pays, and fails if the first page has grown too large.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const FOLDER = new URL("../../headrace_gateway/static", import.meta.url).pathname;
const FIRST_PAGE_BYTES = 300_000;
const SMALLEST_BYTES = 1_000;

const compressed = /\.(js|css|html|svg|json|webmanifest)$/;
let firstPage = 0;
const index = readFileSync(join(FOLDER, "index.html"), "utf8");

for (const entry of readdirSync(FOLDER, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !compressed.test(entry.name)) continue;
  const path = join(entry.parentPath ?? entry.path, entry.name);
  const body = readFileSync(path);
  const gzipped = gzipSync(body, { level: 9 });
  if (entry.name.endsWith(".js") && index.includes(entry.name)) firstPage += gzipped.length;
  if (body.length < SMALLEST_BYTES) continue;
  writeFileSync(`${path}.gz`, gzipped);
  writeFileSync(
    `${path}.br`,
    brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: body.length } }),
  );
}

console.log(`ui: JavaScript of the first page: ${Math.round(firstPage / 1000)} kB gzipped`);
if (firstPage > FIRST_PAGE_BYTES) {
  console.error(`ui: that is above ${FIRST_PAGE_BYTES / 1000} kB; load the rest when it is needed`);
  process.exit(1);
}
