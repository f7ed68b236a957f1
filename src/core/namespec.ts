/** `process`, `group:process`, `group:*` or `group:`. */
export interface Namespec {
  readonly group: string;
  /** Null is the whole group. */
  readonly process: string | null;
}

/** Splits at the first colon; a bare name is a process in the group of the same name. */
export function splitNamespec(namespec: string): Namespec {
  const colon = namespec.indexOf(":");
  if (colon < 0) return { group: namespec, process: namespec };
  const process = namespec.slice(colon + 1);
  return { group: namespec.slice(0, colon), process: process === "" || process === "*" ? null : process };
}

/** The name people see: `process` when group and process are alike, else `group:process`. */
export function makeNamespec(group: string, process: string): string {
  return group === process ? process : `${group}:${process}`;
}
