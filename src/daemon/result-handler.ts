/** Result handlers say whether a listener's result accepts its event: a built-in handler, or an ES module's function. */
import type { EventType } from "../core/event.js";
import { openStandard } from "../logs/activity.js";
import type { StreamLog } from "../logs/stream.js";

/** The event a result is about. */
export interface ListenerEvent {
  readonly type: EventType;
  readonly payload: string;
  readonly serial: number;
  readonly poolserial: number;
  readonly pool: string;
  /** Who answered. */
  readonly listener: { readonly group: string; readonly name: string };
}

/**
 * Returns to accept. Throws an error whose `name` is `RejectEvent` to have the event sent again; whatever else it
 * throws is a bug, and the listener gets no more events. It can't wait: a promise is such a bug.
 */
export type ResultHandler = (event: ListenerEvent, result: Buffer) => void;

const REJECT = "RejectEvent";

class RejectEvent extends Error {
  override readonly name = REJECT;
}

const OK = Buffer.from("OK");

/** Supervisor's own. */
export function acceptOk(_event: ListenerEvent, result: Buffer): void {
  if (!result.equals(OK)) throw new RejectEvent(result.toString());
}

/** For a handler that is not there: what it would have done with a result is not known, so no event is sent twice. */
export function acceptAny(): void {}

const STDOUT = 1;
/** Joined at the first result that is printed, and kept for the life of the daemon. */
let stdout: StreamLog | null | undefined;

/**
 * The handler of the package supervisor-stdout, met in many public confs: the listener sends back the payload of a
 * PROCESS_LOG event, and each of its lines is printed behind the name and channel of its process.
 */
export function printResult(_event: ListenerEvent, result: Buffer): void {
  const text = result.toString();
  const end = text.indexOf("\n");
  const header = end < 0 ? text : text.slice(0, end);
  const field = (name: string): string =>
    header
      .split(" ")
      .find((word) => word.startsWith(`${name}:`))
      ?.slice(name.length + 1) ?? "";
  const prefix = `${field("processname")} ${field("channel")} | `;
  const lines =
    end < 0
      ? []
      : text
          .slice(end + 1)
          .replace(/\n$/, "")
          .split("\n");
  stdout ??= openStandard(STDOUT);
  stdout?.write(Buffer.from(lines.map((line) => `${prefix}${line}\n`).join("")));
}

/** The handler of a `result_handler` that names no ES module. */
export function builtInHandler(spec: string): ResultHandler {
  const [module = "", name = ""] = spec.split(":").map((part) => part.trim());
  if (module === "supervisor.dispatchers" && name === "default_handler") return acceptOk;
  return module === "supervisor_stdout" && name === "event_handler" ? printResult : acceptAny;
}

export function isReject(error: unknown): boolean {
  return error instanceof Error && error.name === REJECT;
}

/** The handler as it was loaded, made to fail where it wants to wait. */
export function synchronous(handler: (...args: readonly unknown[]) => unknown): ResultHandler {
  return (event, result) => {
    const returned = handler(event, result);
    if (typeof returned !== "object" || returned === null || !("then" in returned)) return;
    // What it comes to concerns nobody any more.
    void Promise.resolve(returned).catch(() => undefined);
    throw new TypeError("a result handler can't wait, and this one returned a promise");
  };
}
