/** The socket of a `[fcgi-program:x]`. */
import { posix } from "node:path";
import type { FcgiListen, FcgiSocket } from "../core/config.js";
import type { Section } from "./conf.js";
import { portNumber, processOrGroupName } from "./convert.js";
import { FCGI_OPTIONS, type Values } from "./options.js";
import { nameOf } from "./program.js";
import { repr } from "./python.js";
import { bad, good, type Result } from "./result.js";
import { mistake, type Reading, readOptions, type Scope, sectionScope } from "./scope.js";

/** Reads the socket options; null when there is a mistake in them. */
export function readFcgi(reading: Reading, section: Section): FcgiListen | null {
  const scope = socketScope(reading, section);
  const options = readOptions(scope, FCGI_OPTIONS);
  if (options.socket === null || options.socket === "") {
    if (!reading.issues.has(section.name, "socket"))
      mistake(scope, "socket", `[${section.name}] section requires a "socket" line`);
    return null;
  }
  const socket = parseSocket(options.socket, options, reading.host.uid);
  if (!socket.ok) {
    mistake(scope, "socket", `${socket.text} in [${section.name}] socket`);
    return null;
  }
  return { socket: socket.value, socket_backlog: options.socket_backlog };
}

/** `socket` alone may also use `program_name`. */
function socketScope(reading: Reading, section: Section): Scope {
  const scope = sectionScope(reading, section);
  const name = processOrGroupName(nameOf(section));
  const own = new Map([
    ["here", reading.here],
    ["program_name", name.ok ? name.value : nameOf(section)],
  ]);
  const names = { own, shared: reading.environment };
  return { ...scope, names: (set) => (set === "program" ? names : scope.names(set)) };
}

const TCP = /^tcp:\/\/([^\s:]+):([0-9]+)$/;

function parseSocket(
  text: string,
  options: Values<typeof FCGI_OPTIONS>,
  uid: number | undefined,
): Result<FcgiSocket> {
  const { socket_owner, socket_mode, user } = options;
  if (text.startsWith("unix://")) {
    const path = text.slice("unix://".length);
    // The format string and its argument, unformatted: so Supervisor says it.
    if (!path.startsWith("/")) return bad(`('Unix socket path %s is not an absolute path', ${repr(path)})`);
    const absolute = posix.normalize(path).replace(/(?<=.)\/$/, "");
    const byUser = user !== null && user.uid !== uid ? { uid: user.uid, gid: user.gid } : null;
    const owner =
      socket_owner === null
        ? byUser
        : { uid: socket_owner.uid, gid: socket_owner.gid < 0 ? null : socket_owner.gid };
    return good({
      kind: "unix",
      path: absolute,
      url: `unix://${absolute}`,
      owner,
      mode: socket_mode ?? 0o700,
    });
  }
  if (socket_owner !== null || socket_mode !== null)
    return bad("socket_owner and socket_mode params should only be used with a Unix domain socket");
  const [, host, digits] = TCP.exec(text) ?? [];
  if (host === undefined || digits === undefined) return bad(`('Bad socket format %s', ${repr(text)})`);
  const port = portNumber(digits);
  if (!port.ok) return port;
  const lower = host.toLowerCase();
  return good({ kind: "tcp", host: lower, port: port.value, url: `tcp://${lower}:${port.value}` });
}
