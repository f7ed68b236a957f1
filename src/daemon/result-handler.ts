/** Who says whether a listener's result accepts its event: the default, or an ES module's function. */
import type { EventType } from "../core/event.js";

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
