// Reproduces proto/vectors/query_digest.json with protobuf-es, which shares no code with prost or upb.
//
//     node vectors.mjs DESCRIPTOR_SET VECTORS
//
// DESCRIPTOR_SET is what `portcullis_client.py descriptors` writes. PORTCULLIS_NODE_MODULES names the folder
// that holds node_modules/; without it packages are looked up beside this file. Prints `N passed, N failed`.
// Exit status: 0 all reproduced, 1 some not, 2 usage.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const modules = process.env.PORTCULLIS_NODE_MODULES;
const require = createRequire(modules ? pathToFileURL(join(modules, "package.json")) : import.meta.url);
const { createFileRegistry, fromBinary, fromJson, toBinary } = require("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt");

const [descriptorSet, vectorFile, ...rest] = process.argv.slice(2);
if (!descriptorSet || !vectorFile || rest.length > 0) {
  console.error("usage: node vectors.mjs DESCRIPTOR_SET VECTORS");
  process.exit(2);
}

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSet)));
const file = JSON.parse(readFileSync(vectorFile, "utf8"));
const query = registry.getMessage(file.message);
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

let passed = 0;
const failed = [];
const check = (name, holds) => (holds ? (passed += 1) : failed.push(name));

for (const vector of file.vectors) {
  const bytes = toBinary(query, fromJson(query, vector.query));
  const again = toBinary(query, fromBinary(query, Buffer.from(vector.serialization, "hex")));
  check(
    vector.name,
    hex(bytes) === vector.serialization && sha256(bytes) === vector.digest && hex(again) === hex(bytes),
  );
}

for (const name of failed) console.error(`failed: ${name}`);
console.log(`${passed} passed, ${failed.length} failed`);
process.exit(failed.length > 0 || passed === 0 ? 1 : 0);
