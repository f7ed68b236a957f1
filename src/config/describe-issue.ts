import type { Issue } from "../core/config.js";

/** One line for people: Supervisor's text and, where known, file and line. */
export function describeIssue({ text, file, line }: Issue): string {
  const flat = text.replace(/\s*\n\s*/g, " ");
  if (file === null) return flat;
  const inSection = `(file: '${file}')`;
  if (line === null) return flat.includes(file) ? flat : `${flat} (${file})`;
  if (flat.endsWith(inSection)) return `${flat.slice(0, -1)}, line ${line})`;
  // Texts about bad syntax name the line themselves.
  if (flat.includes(file) && /\bline:? +\d+/.test(flat)) return flat;
  return `${flat} (${file}:${line})`;
}
