// Reads flowcharts (a JSON list of texts) on standard input and prints what Mermaid's own parser makes of each.
// MERMAID names the folder whose node_modules hold mermaid and jsdom.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";
const require = createRequire(process.env.MERMAID + "/");
const { JSDOM } = require("jsdom");
const dom = new JSDOM("<!doctype html><body></body>");
globalThis.window = dom.window;
globalThis.document = dom.window.document;
globalThis.DOMParser = dom.window.DOMParser;
const entry = require.resolve("mermaid").replace(/mermaid(\.core)?\.(c?js|mjs)$/, "mermaid.core.mjs");
const { default: mermaid } = await import(pathToFileURL(entry));
mermaid.initialize({ startOnLoad: false, maxTextSize: 10_000_000, maxEdges: 100_000 });
const answers = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
  const vertices = [...diagram.db.getVertices().values()].map((each) => [each.id, each.text]);
  const edges = diagram.db.getEdges().map((each) => [each.start, each.end, each.text ?? ""]);
  answers.push({ type: diagram.type, vertices, edges });
}
console.log(JSON.stringify(answers));
