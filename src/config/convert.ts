/** From the text of a value to what it means, with Supervisor's words for what it can't mean. */
import { AUTO, LOG_LEVELS, type Logfile, type LogLevel, type User } from "../core/config.js";
import { parseSignal } from "../core/signals.js";
import { dirname } from "./glob.js";
import { absolute, type ConfigHost, expandUser } from "./host.js";
import { parseInteger, parseOctal, repr, strip } from "./python.js";
import { bad, good, type Result } from "./result.js";

export type Convert<T> = (text: string, host: ConfigHost) => Result<T>;

export function text(value: string): Result<string> {
  return good(value);
}

export function integer(value: string): Result<number> {
  const number = parseInteger(value);
  return number === null ? bad(`invalid literal for int() with base 10: ${repr(value)}`) : good(number);
}

const TRUTHY: ReadonlySet<string> = new Set(["yes", "true", "on", "1"]);
const FALSY: ReadonlySet<string> = new Set(["no", "false", "off", "0"]);

function truth(value: string): boolean | null {
  const word = value.toLowerCase();
  return TRUTHY.has(word) ? true : FALSY.has(word) ? false : null;
}

export function boolean(value: string): Result<boolean> {
  const answer = truth(value);
  return answer === null ? bad(`not a valid boolean value: ${repr(value)}`) : good(answer);
}

const SUFFIXES: Readonly<Record<string, number>> = { kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

export function byteSize(value: string): Result<number> {
  const lower = value.toLowerCase();
  const unit = SUFFIXES[lower.slice(-2)];
  const count = integer(unit === undefined ? lower : lower.slice(0, -2));
  return count.ok ? good(count.value * (unit ?? 1)) : count;
}

export function octal(value: string): Result<number> {
  const number = parseOctal(value);
  return number === null ? bad(`${value} can not be converted to an octal type`) : good(number);
}

export function logLevel(value: string): Result<LogLevel> {
  const name = value.toLowerCase();
  return Object.hasOwn(LOG_LEVELS, name)
    ? good(name as LogLevel)
    : bad(`bad logging level name ${repr(value)}`);
}

export function existingDirectory(value: string, host: ConfigHost): Result<string> {
  const path = expandUser(value, host);
  return path !== "" && host.isDirectory(absolute(path, host))
    ? good(path)
    : bad(`${value} is not an existing directory`);
}

/** A path whose directory must exist; the file itself need not. */
export function existingDirpath(value: string, host: ConfigHost): Result<string> {
  const path = expandUser(value, host);
  const directory = dirname(path);
  return directory === "" || host.isDirectory(absolute(directory, host))
    ? good(path)
    : bad(`The directory named as part of the path ${value} does not exist`);
}

export function user(value: string, host: ConfigHost): Result<User> {
  const uid = parseInteger(value);
  const found = host.lookupUser(uid === null ? value : String(uid));
  if (found !== null) return good(found);
  return bad(uid === null ? `Invalid user name ${value}` : `Invalid user id ${value}`);
}

export interface Owner {
  readonly uid: number;
  /** -1 leaves the group as it is. */
  readonly gid: number;
}

/** `user` or `user:group`; the text of a failure is up to who asks. */
export function owner(value: string, host: ConfigHost): Owner | null {
  const colon = value.indexOf(":");
  const who = user(colon < 0 ? value : value.slice(0, colon), host);
  if (!who.ok) return null;
  if (colon < 0) return { uid: who.value.uid, gid: -1 };
  const group = value.slice(colon + 1);
  const number = parseInteger(group);
  const gid = host.lookupGroup(number === null ? group : String(number));
  return gid === null ? null : { uid: who.value.uid, gid };
}

/** Replaces a converter's own text: `Invalid chmod value 9`. */
export function or<T>(convert: (value: string, host: ConfigHost) => T | null, what: string): Convert<T> {
  return (value, host) => {
    const converted = convert(value, host);
    return converted === null ? bad(`Invalid ${what} value ${value}`) : good(converted);
  };
}

export function exitcodes(value: string): Result<readonly number[]> {
  if (value === "") return good([]);
  const codes: number[] = [];
  for (const part of value.split(",")) {
    const code = parseInteger(part);
    if (code === null || code < 0 || code > 255) return bad(`not a valid list of exit codes: ${repr(value)}`);
    codes.push(code);
  }
  return good(codes);
}

export function autorestart(value: string): Result<boolean | "unexpected"> {
  const word = value.toLowerCase();
  const answer = word === "unexpected" ? word : truth(word);
  return answer === null ? bad(`invalid 'autorestart' value ${repr(word)}`) : good(answer);
}

export function signalNumber(value: string): Result<number> {
  const number = parseInteger(value);
  const signal = parseSignal(number === null ? strip(value) : String(number));
  if (signal !== null) return good(signal);
  return bad(`value ${repr(value)} is not a valid signal ${number === null ? "name" : "number"}`);
}

/** `syslog` is the old way to say `stdout_syslog=true`. */
export const SYSLOG = Symbol("syslog");

export function logfile(value: string, host: ConfigHost): Result<Logfile | typeof SYSLOG> {
  switch (value.toLowerCase()) {
    case "none":
    case "off":
      return good(null);
    case "auto":
      return good(AUTO);
    case "syslog":
      return good(SYSLOG);
    default:
      return existingDirpath(value, host);
  }
}

export interface InetAddress {
  /** Empty string is every interface of IPv4; an IPv6 address has no brackets. */
  readonly host: string;
  readonly port: number;
}

export function portNumber(value: string): Result<number> {
  const port = integer(value);
  if (!port.ok) return port;
  if (port.value < 1) return bad(`${port.value} is below lower bound (1)`);
  if (port.value > 65535) return bad(`${port.value} is above upper bound (65535)`);
  return port;
}

export function inetAddress(value: string): Result<InetAddress> {
  const colon = value.lastIndexOf(":");
  const digits = value.slice(colon + 1);
  if (colon >= 0 && digits === "") return bad("no port number specified in ''");
  const port = portNumber(digits);
  // The blank at the end is Supervisor's.
  if (!port.ok) return colon < 0 ? bad(`not a valid port number: ${repr(value)} `) : port;
  // An IPv6 address, in brackets as in a URL or without: the reference takes both and opens neither.
  const host = value
    .slice(0, Math.max(colon, 0))
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1");
  return good({ host: host === "*" ? "" : host, port: port.value });
}

/** A name that breaks neither the event protocol nor the URLs of the web page. */
export function processOrGroupName(value: string): Result<string> {
  const name = strip(value);
  for (const char of " :/")
    if (name.includes(char)) return bad(`Invalid name: ${repr(name)} because of character: '${char}'`);
  return good(name);
}

/** `a, b`: blanks around the items don't count. */
export function listOfStrings(value: string): Result<readonly string[]> {
  return good(value === "" ? [] : value.split(",").map(strip));
}

/** Whether a text looks like a URL at all, as Supervisor asks of `-s`. */
export function url(value: string): Result<string> {
  const rest = /^[A-Za-z][A-Za-z0-9+.-]*:([^#?]*)/.exec(value)?.[1];
  return rest === undefined || rest === "" || rest === "//"
    ? bad(`value ${repr(value)} is not a URL`)
    : good(value);
}

export function oneOf<const T extends string>(...words: readonly T[]): Convert<T> {
  return (value) => {
    const found = words.find((word) => word === value.toLowerCase());
    return found === undefined ? bad(`not one of ${words.join(", ")}: ${repr(value)}`) : good(found);
  };
}
