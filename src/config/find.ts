/** Where the configuration is when nobody says. */
import { posix } from "node:path";
import { dirname } from "./glob.js";
import { absolute, type ConfigHost } from "./host.js";

export type FoundConfigFile =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly searched: readonly string[]; readonly message: string };

/** The file that `-c` names, else the first of the default places; `argv0` is how the program was called. */
export function findConfigFile(
  configuration: string | null,
  argv0: string,
  host: ConfigHost,
): FoundConfigFile {
  if (configuration !== null) return { ok: true, path: configuration };
  const searched = defaultPlaces(argv0);
  const path = searched.find((place) => host.exists(absolute(place, host)));
  if (path !== undefined) return { ok: true, path };
  const message = `No config file found at default paths (${searched.join(", ")}); use the -c option to specify a config file at a different path`;
  return { ok: false, searched, message };
}

function defaultPlaces(argv0: string): readonly string[] {
  const base = dirname(dirname(argv0));
  return [
    posix.join(base, "etc/supervisord.conf"),
    posix.join(base, "supervisord.conf"),
    "supervisord.conf",
    "etc/supervisord.conf",
    "/etc/supervisord.conf",
    "/etc/supervisor/supervisord.conf",
  ];
}
