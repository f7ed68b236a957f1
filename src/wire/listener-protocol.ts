/**
 * What an event listener says on its stdout: `READY\n`, then after each event `RESULT n\n` and n bytes. Bytes in,
 * facts out; the states and their names are Supervisor's.
 */

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
/** Room beyond what is announced: the next bytes may come with it. */
const SPARE_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

const SPAWNED: ListenerPlace = { state: "ACKNOWLEDGED", pending: NOTHING, resultBytes: null };

/** A listener that has just been spawned, or one in the midst of its protocol. */
export function createListener(place = SPAWNED): Listener {
  let { state } = place;
  /** What is pending, and behind it room for more: joined anew for each byte, a long result would cost its square. */
  let store = place.pending;
  let used = store.length;
  /** Bytes of result still to come after a result line; null before the line. */
  let { resultBytes } = place;

  const pending = (): Buffer => store.subarray(0, used);

  function append(bytes: Uint8Array): void {
    const need = used + bytes.length;
    if (need > store.length) {
      const most = (resultBytes ?? LINE_LIMIT_BYTES) + SPARE_BYTES;
      const wider = Buffer.allocUnsafe(Math.max(need, Math.min(2 * store.length, most)));
      store.copy(wider, 0, 0, used);
      store = wider;
    }
    store.set(bytes, used);
    used = need;
  }

  function drop(bytes = used): void {
    used -= bytes;
    store = used === 0 ? NOTHING : store.subarray(bytes);
  }

  function enter(to: ListenerState): ListenerStateFact {
    const fact = { type: "state", from: state, to } as const;
    state = to;
    return fact;
  }

  function violate(): ListenerStateFact {
    drop();
    resultBytes = null;
    return enter("UNKNOWN");
  }

  /** One fact more out of what is pending, or null when more must come first. */
  function next(): readonly ListenerFact[] | null {
    switch (state) {
      case "ACKNOWLEDGED":
        if (used < READY_TOKEN.length) return null;
        if (!store.subarray(0, READY_TOKEN.length).equals(READY_TOKEN)) return [violate()];
        drop(READY_TOKEN.length);
        return [enter("READY")];
      case "READY":
        return used > 0 ? [violate()] : null;
      case "BUSY":
        return resultBytes === null ? resultLine() : result(resultBytes);
      default:
        drop();
        return null;
    }
  }

  function resultLine(): readonly ListenerFact[] | null {
    const end = pending().indexOf(NEWLINE);
    if (end < 0) return used > LINE_LIMIT_BYTES ? badLine(pending()) : null;
    const line = store.subarray(0, end);
    const length = parseLength(line.subarray(RESULT_PREFIX_BYTES).toString("latin1"));
    if (length === null) return badLine(line);
    drop(end + 1);
    resultBytes = length;
    return [];
  }

  function badLine(line: Buffer): readonly ListenerFact[] {
    const fact = { type: "bad-result-line", line: Buffer.from(line.subarray(0, 200)) } as const;
    return [fact, violate()];
  }

  function result(length: number): readonly ListenerFact[] | null {
    if (used < length) return null;
    const bytes = Buffer.from(store.subarray(0, length));
    drop(length);
    resultBytes = null;
    return [{ type: "result", bytes }, enter("ACKNOWLEDGED")];
  }

  return {
    get state() {
      return state;
    },
    get pendingBytes() {
      return used;
    },
    place: () => ({ state, pending: pending(), resultBytes }),
    sent: () => [enter("BUSY")],
    broken() {
      violate();
      return [{ type: "state", from: "BUSY", to: "UNKNOWN" }];
    },
    heard(bytes) {
      if (state === "UNKNOWN") return [];
      append(bytes);
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
