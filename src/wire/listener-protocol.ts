/**
 * What an event listener says on its stdout: `READY\n`, then after each event `RESULT n\n` and n bytes. Bytes in,
 * facts out; the states and their names are Supervisor's.
 */
import { createByteQueue } from "./byte-queue.js";

export type ListenerState = "ACKNOWLEDGED" | "READY" | "BUSY" | "UNKNOWN";

export interface ListenerStateFact {
  readonly type: "state";
  readonly from: ListenerState;
  readonly to: ListenerState;
}

export type ListenerFact =
  | ListenerStateFact
  /** The answer to the event it was busy with; what it means is the result handler's business. */
  | { readonly type: "result"; readonly bytes: Buffer }
  /** A line that is no result line. */
  | { readonly type: "bad-result-line"; readonly line: Buffer };

/** A listener's place in its protocol, to go on from there. */
export interface ListenerPlace {
  readonly state: ListenerState;
  readonly pending: Buffer;
  readonly resultBytes: number | null;
}

export const LISTENER_STATES: readonly string[] = ["ACKNOWLEDGED", "READY", "BUSY", "UNKNOWN"];

export interface Listener {
  readonly state: ListenerState;
  /** So many bytes of something unfinished. */
  readonly pendingBytes: number;
  place(): ListenerPlace;
  /** An event has been sent to it. */
  sent(): readonly ListenerStateFact[];
  /** What became of its result is an error: no more events for it. */
  broken(): readonly ListenerStateFact[];
  /** It said something. */
  heard(bytes: Uint8Array): readonly ListenerFact[];
}

const READY_TOKEN = Buffer.from("READY\n");
const NEWLINE = 0x0a;
/** The length stands behind the seven bytes of "RESULT "; the word itself is not looked at. */
const RESULT_PREFIX_BYTES = 7;
const LINE_LIMIT_BYTES = 64 * 1024;
const RESULT_LIMIT_BYTES = 16 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);

const SPAWNED: ListenerPlace = { state: "ACKNOWLEDGED", pending: NOTHING, resultBytes: null };

/** A listener that has just been spawned, or one in the midst of its protocol. */
export function createListener(place = SPAWNED): Listener {
  let { state } = place;
  const pending = createByteQueue(place.pending);
  /** How much of what is pending holds no newline. */
  let searched = 0;
  /** Bytes of result still to come after a result line; null before the line. */
  let { resultBytes } = place;

  function enter(to: ListenerState): ListenerStateFact {
    const fact = { type: "state", from: state, to } as const;
    state = to;
    return fact;
  }

  function forget(count: number): void {
    pending.drop(count);
    searched = 0;
  }

  function violate(): ListenerStateFact {
    forget(pending.bytes.length);
    resultBytes = null;
    return enter("UNKNOWN");
  }

  /** One fact more out of what is pending, or null when more must come first. */
  function next(): readonly ListenerFact[] | null {
    switch (state) {
      case "ACKNOWLEDGED":
        if (pending.bytes.length < READY_TOKEN.length) return null;
        if (!pending.bytes.subarray(0, READY_TOKEN.length).equals(READY_TOKEN)) return [violate()];
        forget(READY_TOKEN.length);
        return [enter("READY")];
      case "READY":
        return pending.bytes.length > 0 ? [violate()] : null;
      case "BUSY":
        return resultBytes === null ? resultLine() : result(resultBytes);
      default:
        forget(pending.bytes.length);
        return null;
    }
  }

  function resultLine(): readonly ListenerFact[] | null {
    const { bytes } = pending;
    const end = bytes.indexOf(NEWLINE, searched);
    searched = bytes.length;
    if (end < 0) return bytes.length > LINE_LIMIT_BYTES ? badLine(bytes) : null;
    const line = bytes.subarray(0, end);
    const length = parseLength(line.subarray(RESULT_PREFIX_BYTES).toString("latin1"));
    if (length === null) return badLine(line);
    forget(end + 1);
    resultBytes = length;
    return [];
  }

  function badLine(line: Buffer): readonly ListenerFact[] {
    const fact = { type: "bad-result-line", line: Buffer.from(line.subarray(0, 200)) } as const;
    return [fact, violate()];
  }

  function result(length: number): readonly ListenerFact[] | null {
    if (pending.bytes.length < length) return null;
    const bytes = Buffer.from(pending.bytes.subarray(0, length));
    forget(length);
    resultBytes = null;
    return [{ type: "result", bytes }, enter("ACKNOWLEDGED")];
  }

  return {
    get state() {
      return state;
    },
    get pendingBytes() {
      return pending.bytes.length;
    },
    place: () => ({ state, pending: pending.bytes, resultBytes }),
    sent: () => [enter("BUSY")],
    broken() {
      violate();
      return [{ type: "state", from: "BUSY", to: "UNKNOWN" }];
    },
    heard(bytes) {
      if (state === "UNKNOWN") return [];
      pending.add(bytes);
      const facts: ListenerFact[] = [];
      for (let more = next(); more !== null; more = next()) facts.push(...more);
      return facts;
    },
  };
}

/** As Python's int() reads it: blanks around, a sign; null when it is no length. */
function parseLength(text: string): number | null {
  const trimmed = text.trim();
  if (!/^[+-]?\d+(_\d+)*$/.test(trimmed)) return null;
  const length = Number(trimmed.replaceAll("_", ""));
  return length > RESULT_LIMIT_BYTES ? null : Math.max(0, length);
}

/** The header line and payload, as one text to write to the listener's stdin. */
export function formatEvent(header: {
  readonly server: string;
  readonly serial: number;
  readonly pool: string;
  readonly poolserial: number;
  readonly eventname: string;
  readonly payload: string;
}): string {
  const { server, serial, pool, poolserial, eventname, payload } = header;
  // The reference counts characters, which is what text-mode listeners read; for ASCII it is the same as bytes.
  let len = payload.length;
  for (let at = 0; at < payload.length; at += 1) {
    const unit = payload.charCodeAt(at);
    if (unit >= 0xd800 && unit <= 0xdbff) len -= 1;
  }
  return `ver:3.0 server:${server} serial:${serial} pool:${pool} poolserial:${poolserial} eventname:${eventname} len:${len}\n${payload}`;
}
