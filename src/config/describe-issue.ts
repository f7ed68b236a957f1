import type { Issue } from "../core/config.js";

/** Supervisor's text as it is and, where known and not yet said, ` (<file>:<line>)`. */
export function describeIssue({ text, file, line }: Issue): string {
  return file === null || line === null || SYNTAX.test(text) ? text : `${text} (${file}:${line})`;
}

/** Texts about bad syntax name file and line themselves, on lines of their own. */
const SYNTAX = /\n.*\bline:? +\d+/;
