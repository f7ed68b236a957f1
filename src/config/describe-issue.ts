import type { Issue } from "../core/config.js";

/** Supervisor's text as it is and, where known and not yet said, ` (<file>:<line>)`, then `; ` and the hint. */
export function describeIssue({ text, hint, file, line }: Issue): string {
  const placed = file === null || line === null || SYNTAX.test(text) ? text : `${text} (${file}:${line})`;
  return hint === undefined ? placed : `${placed}; ${hint}`;
}

/** Texts about bad syntax name file and line themselves, on lines of their own. */
const SYNTAX = /\n.*\bline:? +\d+/;
