// Print what is wrong with AsyncAPI documents: a list of findings for each, in their order, as JSON.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const ERROR = 0;
const findings = [];
for (const name of process.argv.slice(2)) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(name, "utf8"));
  const errors = diagnostics.filter(({ severity }) => severity === ERROR);
  const found = errors.map(({ code, message, path }) => `${path.join(".")}: ${message} (${code})`);
  findings.push(document || found.length ? found : ["no document"]);
}
console.log(JSON.stringify(findings));
