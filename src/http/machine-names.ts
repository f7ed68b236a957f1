/** The names under which people reach this machine, as far as it knows them itself. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

export interface NameFiles {
  readonly hosts: string;
  readonly resolv: string;
}

/** In lower case. `localhost` is among them. */
export function machineNames(self = hostname(), files: NameFiles = readNameFiles()): ReadonlySet<string> {
  const full = self.toLowerCase();
  const [short = full] = full.split(".", 1);
  return new Set(
    ["localhost", full, short, `${short}.local`, ...aliases(full, files.hosts)].concat(
      searchDomains(files.resolv).map((domain) => `${short}.${domain}`),
    ),
  );
}

/** Names that stand beside the host name in /etc/hosts. Other lines may name anybody, as lists of blocked hosts do. */
function aliases(full: string, hosts: string): readonly string[] {
  return lines(hosts)
    .map((line) => words(line).slice(1))
    .filter((names) => names.includes(full))
    .flat();
}

function searchDomains(resolv: string): readonly string[] {
  return lines(resolv)
    .map(words)
    .filter(([key]) => key === "search" || key === "domain")
    .flatMap((line) => line.slice(1))
    .map((domain) => domain.replace(/^\.|\.$/g, ""))
    .filter((domain) => domain !== "");
}

function lines(text: string): readonly string[] {
  return text.toLowerCase().split("\n");
}

function words(line: string): readonly string[] {
  return line
    .replace(/[#;].*/, "")
    .trim()
    .split(/\s+/);
}

function readNameFiles(): NameFiles {
  return { hosts: read("/etc/hosts"), resolv: read("/etc/resolv.conf") };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
