/** Mistakes as they are found, each option's once. */
import type { Issue } from "../core/config.js";

export interface Issues {
  readonly list: readonly Issue[];
  /**
   * Notes a mistake. The same option is often looked at more than once (as the group's and as the process', for
   * each of numprocs): only the first mistake about it counts, unless an `id` tells several in one value apart.
   */
  add(issue: Issue, id?: string): void;
  /** Whether a mistake about that option is known. */
  has(section: string, key: string): boolean;
}

export function createIssues(): Issues {
  const list: Issue[] = [];
  const known = new Set<string>();
  return {
    list,
    add(issue, id) {
      if (issue.key !== null || id !== undefined) {
        const whole = identity(issue.section, issue.key, id ?? "");
        if (known.has(whole)) return;
        known.add(whole);
      }
      list.push(issue);
    },
    has: (section, key) => known.has(identity(section, key, "")),
  };
}

function identity(section: string | null, key: string | null, id: string): string {
  return JSON.stringify([section, key, id]);
}
