/** `[unix_http_server]` and `[inet_http_server]`, each with as many `:name` variants as one likes. */
import { hostAndPort } from "../core/address.js";
import type { InetServerConfig, ServerConfig, UnixServerConfig } from "../core/config.js";
import type { Section } from "./conf.js";
import { normalizePath } from "./host.js";
import {
  AUTHENTICATION_OPTIONS,
  INET_SERVER_OPTIONS,
  SOCKET_FILE_OPTIONS,
  UNIX_SERVER_OPTIONS,
  type Values,
} from "./options.js";
import { strip } from "./python.js";
import { entryOf, mistake, type Reading, readOptions, type Scope, sectionScope } from "./scope.js";

/** Inet servers first, then unix, as Supervisor opens them. */
export function readServers(reading: Reading): readonly ServerConfig[] {
  const servers: ServerConfig[] = [];
  const of = (kind: string): readonly Section[] =>
    [...reading.conf.sections.values()].filter(({ name }) => name.startsWith(kind));
  for (const section of of("inet_http_server")) servers.push(...readInet(sectionScope(reading, section)));
  for (const section of of("unix_http_server")) servers.push(...readUnix(sectionScope(reading, section)));
  return servers;
}

/** What children get as SUPERVISOR_SERVER_URL: the first unix server, else the last inet one. */
export function serverUrl(servers: readonly ServerConfig[]): string | null {
  const unix = servers.find((server) => server.kind === "unix");
  if (unix !== undefined) return `unix://${unix.file}`;
  const inet = servers.findLast((server) => server.kind === "inet");
  return inet === undefined ? null : `http://${hostAndPort(reachable(inet.host), inet.port)}`;
}

/** Where clients on this machine find what listens on every interface. */
function reachable(host: string): string {
  return host === "" ? "localhost" : host === "::" ? "::1" : host;
}

function readInet(scope: Scope): readonly InetServerConfig[] {
  const section = scope.section.name;
  const authentication = readAuthentication(scope);
  const { port, allowed_hosts } = readOptions(scope, INET_SERVER_OPTIONS);
  if (port === null) {
    need(scope, "port");
    return [];
  }
  return [{ kind: "inet", section, ...authentication, host: port.host, port: port.port, allowed_hosts }];
}

function readUnix(scope: Scope): readonly UnixServerConfig[] {
  const section = scope.section.name;
  const { file } = readOptions(scope, UNIX_SERVER_OPTIONS);
  if (file === null) need(scope, "file");
  const authentication = readAuthentication(scope);
  const { chown, chmod } = readOptions(scope, SOCKET_FILE_OPTIONS);
  if (file === null) return [];
  const path = normalizePath(strip(file), scope.reading.host);
  return [{ kind: "unix", section, ...authentication, file: path, chmod, chown }];
}

function need(scope: Scope, key: string): void {
  if (entryOf(scope, key) === undefined)
    mistake(scope, key, `section [${scope.section.name}] has no ${key} value`);
}

/** Both or neither. */
function readAuthentication(scope: Scope): Values<typeof AUTHENTICATION_OPTIONS> {
  const values = readOptions(scope, AUTHENTICATION_OPTIONS);
  const username = entryOf(scope, "username");
  const password = entryOf(scope, "password");
  if ((username === undefined) === (password === undefined)) return values;
  const key = username === undefined ? "password" : "username";
  mistake(
    scope,
    key,
    `Section [${scope.section.name}] contains incomplete authentication: If a username or a password is specified, both the username and password must be specified`,
  );
  return values;
}
