// Print what is wrong with an AsyncAPI document, one finding a line; nothing where it is sound.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const ERROR = 0;
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
for (const { severity, code, message, path } of diagnostics)
  if (severity === ERROR) console.log(`${path.join(".")}: ${message} (${code})`);
if (!document && diagnostics.every(({ severity }) => severity !== ERROR)) console.log("no document");
