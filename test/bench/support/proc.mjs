/** What /proc tells about a daemon. */
import { readdirSync, readFileSync } from "node:fs";

/** CPU time of all threads so far, in ns. */
export function cpuNs(pid) {
  let sum = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      sum += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ", 1)[0]);
    } catch {
      // the thread ended meanwhile
    }
  }
  return sum;
}

/** CPU time of this process' ended children so far, in ms; counted in ticks, so only sums of many are worth much. */
export function childrenCpuMs() {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

/** Voluntary context switches of all threads: each is a wake-up that went back to sleep. */
export function switches(pid) {
  let sum = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, "utf8");
    sum += Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1] ?? 0);
  }
  return sum;
}

/** KiB resident, and KiB that nobody shares and that would have to be swapped. */
export function memory(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const field = (name) => Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(rollup)?.[1] ?? Number.NaN);
  return { rss: field("Rss"), dirty: field("Private_Dirty") };
}

export function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      .trim()
      .split(" ")
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

/** Kills a process and its children, whether or not they are there. */
export function killTree(pid) {
  const all = [pid];
  for (const one of all) all.push(...childrenOf(one));
  for (const one of all) {
    try {
      process.kill(one, "SIGKILL");
    } catch {
      // gone already
    }
  }
}
