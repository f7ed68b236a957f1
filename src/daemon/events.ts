/**
 * Events on their way to listeners: each pool that wants an event gets it, and passes it to one listener that
 * is RUNNING and READY. Nothing here ever waits: what can't be sent stays in the pool's buffer, what doesn't fit
 * there is discarded, counted and said.
 */
import type { ListenerGroupConfig } from "../core/config.js";
import { type SupervisorEvent, stateEvent, TICKS, tickEvent } from "../core/event.js";
import { accept, newPool, type Pool, type PooledEvent, rebuffer, takeNext, wants } from "../core/pool.js";
import type { Notify } from "../core/process.js";
import { queueOf } from "../core/queue.js";
import type { SavedEvent, SavedListener, SavedPool } from "../core/saved.js";
import {
  createListener,
  formatEvent,
  type Listener,
  type ListenerFact,
  type ListenerState,
} from "../wire/listener-protocol.js";
import { bytesRepr } from "../wire/python.js";
import { describeError } from "./engine.js";
import type { Entry, Group } from "./entry.js";
import type { Log } from "./log.js";
import type { TakeShown } from "./pipe-reader.js";
import { acceptOk, isReject, type ListenerEvent, type ResultHandler } from "./result-handler.js";
import { createTicks, type TickName } from "./ticks.js";

export interface EventBus extends Disposable {
  publish(event: SupervisorEvent): void;
  /**
   * The handler says which results accept an event; null is the default one, for which that is `OK`. `saved` is
   * where an earlier supervisor left the pool.
   */
  addPool(config: ListenerGroupConfig, group: Group, handler: ResultHandler | null, saved?: SavedPool): void;
  /**
   * Goes on with what an earlier supervisor had not sent, once its listeners are taken over and what was in their
   * pipes has been heard.
   */
  begin(): void;
  /** The pools as a later supervisor goes on from them; with `whole`, which is for one that goes on at once, no answer is cut. */
  savePools(whole: boolean): readonly SavedPool[];
  removePool(name: string): void;
  /** A process changed its state; call it for every process. */
  changed(entry: Entry, change: Notify): void;
  /** A listener wrote to its stdout; what has been written down of it is taken. */
  heard(entry: Entry, bytes: Buffer, take: TakeShown): void;
}

export interface EventBusOptions {
  readonly log: Log;
  readonly identifier: () => string;
  /** Outlasts a reload. */
  readonly serials: Serials;
  /** A pool is no longer as it was. */
  readonly onPool: (name: string, save: () => SavedPool) => void;
  /** What was said of pools must last before this goes on. */
  readonly flush: () => void;
  /** Stops a listener and starts it again. */
  readonly restart: (entry: Entry) => void;
}

/** The number the next event gets; one for the whole daemon. */
export interface Serials {
  next: number;
}

/** One listener process: where it is in its protocol, and the event it has in hand. */
interface Member {
  readonly entry: Entry;
  listener: Listener;
  busyWith: PooledEvent | null;
  /** What it said that is accounted for in `listener` and may still stand in its pipe. */
  heard: Buffer;
  /** `busyWith` was about to be written to it. */
  unsent: boolean;
  /** How often its unfinished answer has been written down. */
  parts: number;
  /** The unfinished answer is no longer written down. */
  cut: boolean;
  /** The serial of the event in hand, once that has been written down. */
  noted: number | null;
}

interface LivePool {
  pool: Pool;
  /** Rejected events that may still be sent again at once, and when that was so. */
  quick: { left: number; at: number };
  /** Until then nothing is sent: rejected events come back too fast. */
  pause: NodeJS.Timeout | null;
  readonly members: readonly Member[];
  readonly handler: ResultHandler;
}

export function createEventBus(options: EventBusOptions): EventBus {
  const { log, identifier, serials } = options;
  const pools = new Map<string, LivePool>();
  const memberOf = new Map<Entry, { readonly live: LivePool; readonly member: Member }>();
  const ticks = createTicks((name, when) => bus.publish(tickEvent(name, when)));

  const bus: EventBus = {
    publish(event) {
      let serial: number | null = null;
      for (const live of pools.values()) {
        if (!wants(live.pool, event)) continue;
        serial ??= serials.next++;
        keep(live, accept(live.pool, event, serial));
        touch(live);
        dispatch(live);
      }
    },

    addPool(config, group, handler, saved) {
      const members = [...group.processes.values()].map((entry) =>
        restoreMember(
          entry,
          saved?.listeners.find(({ name }) => name === entry.name),
        ),
      );
      const fresh = newPool(config.name, config.events, config.buffer_size);
      const pool = saved === undefined ? fresh : restorePool(fresh, saved);
      const quick = { left: QUICK_REDELIVERIES, at: performance.now() };
      const live: LivePool = { pool, quick, pause: null, members, handler: handler ?? acceptOk };
      pools.set(config.name, live);
      for (const member of members) memberOf.set(member.entry, { live, member });
      ticks.want(wantedTicks());
    },

    begin() {
      for (const { live, member } of memberOf.values()) {
        member.heard = NOTHING;
        if (member.unsent) takeBackUnsent(live, member);
        if (member.cut) beginAgain(live, member);
      }
      for (const live of pools.values()) dispatch(live);
    },

    savePools(whole) {
      const save = (member: Member): SavedListener => saveListener(member, whole);
      return [...pools.values()].map((live) => savePool(live, Number.POSITIVE_INFINITY, save));
    },

    removePool(name) {
      const live = pools.get(name);
      if (live === undefined) return;
      for (const { entry } of live.members) memberOf.delete(entry);
      if (live.pause !== null) clearTimeout(live.pause);
      pools.delete(name);
      ticks.want(wantedTicks());
    },

    changed(entry, change) {
      bus.publish(stateEvent(entry, change));
      const known = memberOf.get(entry);
      if (known === undefined) return;
      const { live, member } = known;
      if (change.to === "STARTING")
        Object.assign(member, {
          listener: createListener(),
          heard: NOTHING,
          unsent: false,
          parts: 0,
          cut: false,
        });
      touch(live);
      if (change.to === "STARTING" || change.to === "RUNNING") dispatch(live);
      else if (change.to !== "STOPPING" && change.to !== "UNKNOWN") {
        giveBack(live, member);
        dispatch(live);
      }
    },

    heard(entry, bytes, take) {
      const known = memberOf.get(entry);
      if (known === undefined) return take(bytes.length);
      const { live, member } = known;
      const { listener } = member;
      // Nothing that it says counts any more, so nothing of it needs to be written down.
      if (listener.state === "UNKNOWN") return take(bytes.length);
      const news = skipHeard(member, bytes, take);
      if (news.length === 0) return;
      member.unsent = false;
      const facts = listener.heard(news);
      const wasCut = member.cut;
      member.parts = facts.length === 0 ? member.parts + 1 : 0;
      member.cut =
        facts.length === 0 && (member.parts > MOST_PARTS || listener.pendingBytes > MOST_PENDING_BYTES);
      // The file says already that this answer is cut: a listener that dribbles costs no more than reading it.
      if (member.cut && wasCut) return take(news.length);
      for (const fact of facts) {
        if (fact.type !== "result") note(live, member, fact);
        // After a failing handler nothing counts that the listener said behind its result.
        else if (!judge(live, member, fact.bytes)) break;
      }
      // A supervisor that takes over before it is out of the pipe must not hear it again, and after that it can't.
      member.heard = member.cut ? NOTHING : Buffer.from(news);
      touch(live);
      options.flush();
      take(news.length);
      member.heard = NOTHING;
      touch(live);
      dispatch(live);
    },

    [Symbol.dispose]() {
      ticks[Symbol.dispose]();
      for (const { pause } of pools.values()) if (pause !== null) clearTimeout(pause);
      pools.clear();
      memberOf.clear();
    },
  };

  function touch(live: LivePool): void {
    options.onPool(live.pool.name, () => savePool(live, REMEMBERED_CHARS, saveStep));
  }

  function wantedTicks(): ReadonlySet<TickName> {
    const names = Object.keys(TICKS) as TickName[];
    const live = [...pools.values()];
    return new Set(names.filter((name) => live.some(({ pool }) => wants(pool, tickEvent(name, 0)))));
  }

  function keep(live: LivePool, [pool, discarded]: ReturnType<typeof accept>): void {
    live.pool = pool;
    if (discarded === null) return;
    const text = `pool ${pool.name} event buffer overflowed, discarding event ${discarded.serial}`;
    log.log("error", text);
  }

  /** Sends what is buffered while there is somebody ready for it. */
  function dispatch(live: LivePool): void {
    while (live.pool.buffer.length > 0 && live.pause === null) {
      const whole = live.pool;
      const [rest, next] = takeNext(whole);
      live.pool = rest;
      if (next !== null && live.members.some((member) => offer(live, member, next))) continue;
      live.pool = whole;
      return;
    }
  }

  function offer(live: LivePool, member: Member, pooled: PooledEvent): boolean {
    const { entry, listener } = member;
    if (entry.process.state.name !== "RUNNING" || listener.state !== "READY" || entry.run === null)
      return false;
    const { event, serial, poolserial } = pooled;
    const text = formatEvent({
      server: identifier(),
      serial,
      pool: live.pool.name,
      poolserial,
      eventname: event.type,
      payload: event.payload,
    });
    // A supervisor that takes over must know that this listener has an event, or it would send it another.
    const before = member.listener.place();
    member.busyWith = pooled;
    // A pipe takes so much as a whole or not at all.
    member.unsent = Buffer.byteLength(text) <= PIPE_BUF_BYTES;
    const facts = listener.sent();
    touch(live);
    options.flush();
    const outcome = entry.run.writeStdin(text);
    member.unsent = false;
    touch(live);
    if (outcome !== "written") {
      member.busyWith = null;
      member.listener = createListener(before);
      const said = `epipe occurred while sending event ${serial} to listener ${entry.name}, listener state unchanged`;
      log.log("debug", said);
      return false;
    }
    for (const fact of facts) note(live, member, fact);
    log.log("debug", `event ${serial} sent to listener ${entry.name}`);
    return true;
  }

  /** Our predecessor has died between writing down that it sends and sending. */
  function takeBackUnsent(live: LivePool, member: Member): void {
    member.unsent = false;
    if (member.listener.state !== "BUSY" || member.entry.run?.waitsForInput() !== true) return;
    member.listener = createListener({ state: "READY", pending: NOTHING, resultBytes: null });
    giveBack(live, member);
  }

  /** Our predecessor has died in the midst of an answer that it had not written down. */
  function beginAgain(live: LivePool, member: Member): void {
    const { entry } = member;
    member.cut = false;
    giveBack(live, member);
    const { name } = entry.process.state;
    if (name !== "RUNNING" && name !== "STARTING") return;
    const text = `${entry.name}: what it was answering when the last supervisord died is lost; its event goes to a listener again, and this one is restarted`;
    log.log("warn", text);
    options.restart(entry);
  }

  function note(live: LivePool, member: Member, fact: Exclude<ListenerFact, { type: "result" }>): void {
    const { name } = member.entry;
    switch (fact.type) {
      case "state":
        log.log("debug", `${name}: ${fact.from} -> ${fact.to}`);
        if (fact.to === "UNKNOWN") lost(live, member);
        return;
      case "bad-result-line":
        log.log("warn", `${name}: bad result line: ${bytesRepr(fact.line).slice(1)}`);
        return;
    }
  }

  /** Asks the handler about a result. False when that has failed, which is the end of the listener's part. */
  function judge(live: LivePool, member: Member, bytes: Buffer): boolean {
    const { entry, busyWith } = member;
    try {
      if (busyWith !== null) live.handler(eventOf(live, entry, busyWith), bytes);
      log.log("debug", `${entry.name}: event was processed`);
      member.busyWith = null;
      return true;
    } catch (error) {
      if (isReject(error)) {
        log.log("warn", `${entry.name}: event was rejected`);
        giveBack(live, member);
        pace(live);
        return true;
      }
      log.log("warn", `${entry.name}: event caused an error`);
      log.log("error", `result handler of ${live.pool.name} failed: ${describeError(error)}`);
      for (const fact of member.listener.broken()) note(live, member, fact);
      return false;
    }
  }

  /**
   * A listener that rejects each event at once would be a loop without an end: a bucket of QUICK_REDELIVERIES, refilled
   * at one a second, holds the pool to one rejected event a second.
   */
  function pace(live: LivePool): void {
    const now = performance.now();
    const left = Math.min(QUICK_REDELIVERIES, live.quick.left + (now - live.quick.at) / 1000);
    live.quick = { left: Math.max(0, left - 1), at: now };
    if (left >= 1) return;
    live.pause ??= setTimeout(
      () => {
        live.pause = null;
        dispatch(live);
      },
      (1 - left) * 1000,
    );
  }

  function lost(live: LivePool, member: Member): void {
    const text = `${member.entry.name}: has entered the UNKNOWN state and will no longer receive events, this usually indicates the process violated the eventlistener protocol`;
    log.log("warn", text);
    giveBack(live, member);
  }

  /** The event it had in hand goes back to the head of its pool, and only there. */
  function giveBack(live: LivePool, member: Member): void {
    const { busyWith } = member;
    if (busyWith === null) return;
    member.busyWith = null;
    // The size told is the one it meets, before it is in.
    const { name, buffer, buffer_size } = live.pool;
    const text = `rebuffering event ${busyWith.serial} for pool ${name} (buf size=${buffer.length}, max=${buffer_size})`;
    log.log("debug", text);
    keep(live, rebuffer(live.pool, busyWith));
  }

  return bus;
}

const NOTHING = Buffer.alloc(0);
const PIPE_BUF_BYTES = 4096;
/** Enough for a listener that is asked again until what it needs is back. */
const QUICK_REDELIVERIES = 10;
/** So much of an unfinished answer is written down, and so often, each time with the event that it answers. */
const MOST_PENDING_BYTES = 4096;
const MOST_PARTS = 4;

/** Leaves out what an earlier supervisor had written down and then not lived to take. */
function skipHeard(member: Member, bytes: Buffer, take: TakeShown): Buffer {
  const { heard } = member;
  member.heard = NOTHING;
  if (heard.length === 0 || !bytes.subarray(0, heard.length).equals(heard)) return bytes;
  take(heard.length);
  return bytes.subarray(heard.length);
}

function saveEvent({ event, serial, poolserial }: PooledEvent): SavedEvent {
  return { ...event, serial, poolserial };
}

function restoreEvent({ type, payload, serial, poolserial }: SavedEvent): PooledEvent {
  return { event: { type: type as SupervisorEvent["type"], payload }, serial, poolserial };
}

/** So much of what a pool still owes is written down at each of its steps; a flood of large events is not. */
const REMEMBERED_CHARS = 4 * 1024;
/** What an event costs there beside its payload. */
const EVENT_CHARS = 80;

function savePool(
  { pool, members }: LivePool,
  mostChars: number,
  save: (member: Member) => SavedListener,
): SavedPool {
  const { name, poolserial, discarded } = pool;
  // Stops at the limit: a long buffer must not be gone through for each event that leaves it.
  const buffer: PooledEvent[] = [];
  let chars = 0;
  for (const pooled of pool.buffer) {
    chars += pooled.event.payload.length + EVENT_CHARS;
    if (chars > mostChars) break;
    buffer.push(pooled);
  }
  return { name, poolserial, discarded, buffer: buffer.map(saveEvent), listeners: members.map(save) };
}

function saveListener(member: Member, whole: boolean): SavedListener {
  const { entry, listener, heard, busyWith, unsent } = member;
  const { state, pending, resultBytes } = listener.place();
  const cut = (member.cut || pending.length > MOST_PENDING_BYTES) && !(whole && state !== "UNKNOWN");
  return {
    name: entry.name,
    state,
    pending: cut ? "" : pending.toString("base64"),
    resultBytes: cut ? null : resultBytes,
    ...(cut ? { cut } : {}),
    ...(heard.length === 0 ? {} : { heard: heard.toString("base64") }),
    busyWith: busyWith === null ? null : saveEvent(busyWith),
    ...(unsent ? { unsent } : {}),
  };
}

/** A listener's record as the state file gets it at each step: without a large event, which the file has already. */
function saveStep(member: Member): SavedListener {
  const saved = saveListener(member, false);
  const { busyWith } = saved;
  if (busyWith === null || busyWith.payload.length <= REMEMBERED_CHARS) return saved;
  if (member.noted === busyWith.serial)
    return { ...saved, busyWith: { ...busyWith, payload: "", asBefore: true } };
  member.noted = busyWith.serial;
  return saved;
}

function restorePool(fresh: Pool, { poolserial, discarded, buffer }: SavedPool): Pool {
  const kept = queueOf(buffer.slice(-fresh.buffer_size).map(restoreEvent));
  return { ...fresh, poolserial, discarded, buffer: kept };
}

function restoreMember(entry: Entry, saved: SavedListener | undefined): Member {
  const fresh = {
    entry,
    listener: createListener(),
    busyWith: null,
    heard: NOTHING,
    unsent: false,
    parts: 0,
    cut: false,
    noted: null,
  };
  if (saved === undefined) return fresh;
  const { cut = false, unsent = false } = saved;
  const place = {
    state: cut ? "UNKNOWN" : (saved.state as ListenerState),
    pending: Buffer.from(saved.pending, "base64"),
    resultBytes: saved.resultBytes,
  };
  const busyWith = saved.busyWith === null ? null : restoreEvent(saved.busyWith);
  const heard = Buffer.from(saved.heard ?? "", "base64");
  return { ...fresh, listener: createListener(place), busyWith, heard, unsent, cut };
}

function eventOf({ pool }: LivePool, { group, name }: Entry, pooled: PooledEvent): ListenerEvent {
  const { event, serial, poolserial } = pooled;
  return { ...event, serial, poolserial, pool: pool.name, listener: { group, name } };
}
