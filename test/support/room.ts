/** How many more processes this machine lets the tests start: a small machine or a container has a limit. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export function processRoom(): number {
  const groups = read("/proc/self/cgroup")
    .split("\n")
    .map((line) => line.split(":"))
    .filter(([, controllers = ""]) => controllers === "" || controllers.split(",").includes("pids"))
    .flatMap(([, controllers = "", ...path]) => {
      const mount = controllers === "" ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
      return upwards(path.join(":")).map((part) => left(join(mount, part)));
    });
  return Math.min(ownLimit(), ...groups);
}

/** `/a/b`, `/a` and `/`, as the limit of each holds. */
function upwards(path: string): readonly string[] {
  const parts = path.split("/").filter(Boolean);
  return [...parts.keys(), parts.length].map((count) => `/${parts.slice(0, count).join("/")}`);
}

function left(group: string): number {
  const max = read(join(group, "pids.max")).trim();
  return max === "" || max === "max"
    ? Number.POSITIVE_INFINITY
    : Number(max) - Number(read(join(group, "pids.current")));
}

/** The limit of a user counts all of that user's; root has none. */
function ownLimit(): number {
  const limit = /^Max processes\s+(\d+)/m.exec(read("/proc/self/limits"))?.[1];
  return process.getuid?.() === 0 || limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
