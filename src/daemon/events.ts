/**
 * Events on their way to listeners: each pool that wants an event gets it, and passes it to one listener that
 * is RUNNING and READY. Nothing here ever waits: what can't be sent stays in the pool's buffer, what doesn't fit
 * there is discarded, counted and said.
 */
import type { ListenerGroupConfig } from "../core/config.js";
import { type SupervisorEvent, stateEvent, TICKS, tickEvent } from "../core/event.js";
import { accept, newPool, type Pool, type PooledEvent, rebuffer, takeNext, wants } from "../core/pool.js";
import type { Notify } from "../core/process.js";
import { createListener, formatEvent, type Listener, type ListenerFact } from "../wire/listener-protocol.js";
import { bytesRepr } from "../wire/python.js";
import type { Entry, Group } from "./entry.js";
import type { Log } from "./log.js";
import { createTicks, type TickName } from "./ticks.js";

export interface EventBus extends Disposable {
  publish(event: SupervisorEvent): void;
  addPool(config: ListenerGroupConfig, group: Group): void;
  removePool(name: string): void;
  /** A process changed its state; call it for every process. */
  changed(entry: Entry, change: Notify): void;
  /** A listener wrote to its stdout. */
  heard(entry: Entry, bytes: Uint8Array): void;
}

export interface EventBusOptions {
  readonly log: Log;
  readonly identifier: () => string;
  /** Outlasts a reload. */
  readonly serials: Serials;
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
}

interface LivePool {
  pool: Pool;
  readonly members: readonly Member[];
}

export function createEventBus({ log, identifier, serials }: EventBusOptions): EventBus {
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
        dispatch(live);
      }
    },

    addPool(config, group) {
      const members = [...group.processes.values()].map((entry) => ({
        entry,
        listener: createListener(),
        busyWith: null,
      }));
      const live: LivePool = { pool: newPool(config.name, config.events, config.buffer_size), members };
      pools.set(config.name, live);
      for (const member of members) memberOf.set(member.entry, { live, member });
      ticks.want(wantedTicks());
    },

    removePool(name) {
      for (const { entry } of pools.get(name)?.members ?? []) memberOf.delete(entry);
      pools.delete(name);
      ticks.want(wantedTicks());
    },

    changed(entry, change) {
      bus.publish(stateEvent(entry, change));
      const known = memberOf.get(entry);
      if (known === undefined) return;
      const { live, member } = known;
      if (change.to === "STARTING") member.listener = createListener();
      if (change.to === "STARTING" || change.to === "RUNNING") dispatch(live);
      else if (change.to !== "STOPPING" && change.to !== "UNKNOWN") giveBack(live, member);
    },

    heard(entry, bytes) {
      const known = memberOf.get(entry);
      if (known === undefined) return;
      for (const fact of known.member.listener.heard(bytes)) note(known.live, known.member, fact);
      dispatch(known.live);
    },

    [Symbol.dispose]() {
      ticks[Symbol.dispose]();
      pools.clear();
      memberOf.clear();
    },
  };

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
    while (live.pool.buffer.length > 0) {
      const [rest, next] = takeNext(live.pool);
      if (next === null || !live.members.some((member) => offer(live, member, next))) return;
      live.pool = rest;
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
    if (entry.run.writeStdin(text) !== "written") {
      const said = `epipe occurred while sending event ${serial} to listener ${entry.name}, listener state unchanged`;
      log.log("debug", said);
      return false;
    }
    member.busyWith = pooled;
    for (const fact of listener.sent()) note(live, member, fact);
    log.log("debug", `event ${serial} sent to listener ${entry.name}`);
    return true;
  }

  function note(live: LivePool, member: Member, fact: ListenerFact): void {
    const { name } = member.entry;
    switch (fact.type) {
      case "state":
        log.log("debug", `${name}: ${fact.from} -> ${fact.to}`);
        if (fact.to === "UNKNOWN") lost(live, member);
        return;
      case "result":
        if (fact.bytes.equals(OK)) {
          log.log("debug", `${name}: event was processed`);
          member.busyWith = null;
        } else {
          log.log("warn", `${name}: event was rejected`);
          giveBack(live, member);
        }
        return;
      case "bad-result-line":
        log.log("warn", `${name}: bad result line: ${bytesRepr(fact.line).slice(1)}`);
        return;
    }
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
    dispatch(live);
  }

  return bus;
}

const OK = Buffer.from("OK");
