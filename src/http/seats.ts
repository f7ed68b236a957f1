/**
 * The connections of one server: how long each may stay, and which one goes when there is no room. A request under
 * way is never hurried. A connection without one loses its place to a newcomer when all places are taken, and those
 * that have never made a request come first. Deadlines exist only for connections that have not yet proved
 * themselves, for requests that come too slowly, and for connections whose last answer is given.
 */
import type { Socket } from "node:net";

export interface Patience {
  /** Connections at once. */
  readonly limit: number;
  /** How long a connection may take to its first request where nobody asks who it is. */
  readonly silentMs: number;
  /** The same where there is a password: to a request head with the right one. */
  readonly strangerMs: number;
  /** How long the head of a request may take, and then each further `SLICE_BYTES` of its body. */
  readonly slowMs: number;
  /** After its last answer a connection is read and dropped for so long, and so much. */
  readonly lingerMs: number;
  readonly lingerBytes: number;
}

export const PATIENCE: Patience = {
  limit: 1024,
  silentMs: 30 * 60 * 1000,
  strangerMs: 10_000,
  slowMs: 10_000,
  lingerMs: 30_000,
  lingerBytes: 64 * 1024 * 1024,
};

/** TCP asks after a silent peer so often: within what routers remember, and rarely enough for a short outage. */
export const KEEPALIVE_MS = 120_000;

export const SLICE_BYTES = 16 * 1024;

export interface Seat {
  /** The client may be here: its request had the right password, or none was asked for. */
  welcome(): void;
  /** A request is whole and waits for its answer. Each call is followed by one of `done`. */
  begin(): void;
  done(): void;
  /** Part of a request has come. `total` counts the bytes, from wherever the caller began to count. */
  reading(total: number): void;
  /**
   * Closes behind the last answer. A socket that is closed with bytes unread resets the connection, and the reset
   * can overtake the answer; so only the sending half is closed, and what still comes is dropped, within bounds.
   */
  end(): void;
  ended(): boolean;
}

export interface Seats {
  /** Null when there is no room and none can be made: then the socket is closed already. */
  admit(socket: Socket): Seat | null;
  of(socket: Socket): Seat | undefined;
}

export interface SeatOptions {
  readonly patience: Patience;
  /** Whether there is a password. */
  readonly locked: boolean;
  /** A connection without a request was closed to make room. */
  readonly onEvicted: () => void;
  /** A new connection was closed, since all others have requests under way. */
  readonly onRefused: () => void;
}

/** A connection's place among the others. */
interface Place {
  readonly socket: Socket;
  leave(): void;
}

export function createSeats({ patience, locked, onEvicted, onRefused }: SeatOptions): Seats {
  /** Places without a request under way, the longest idle first. */
  const strangers = new Set<Place>();
  const regulars = new Set<Place>();
  const busy = new Set<Place>();
  const seats = new WeakMap<Socket, Seat>();
  const count = (): number => strangers.size + regulars.size + busy.size;

  function makeRoom(): boolean {
    const place = first(strangers) ?? first(regulars) ?? firstUnread(busy);
    if (place === undefined) return false;
    place.leave();
    place.socket.destroy();
    onEvicted();
    return true;
  }

  function sit(socket: Socket): Seat {
    let known = false;
    let requests = 0;
    let ended = false;
    /** The total at which the deadline was last set; null between requests. */
    let mark: number | null = null;
    let timer: NodeJS.Timeout | undefined;

    const place: Place = { socket, leave };

    function leave(): void {
      clearTimeout(timer);
      for (const set of [strangers, regulars, busy]) set.delete(place);
    }

    function allow(ms: number | null): void {
      clearTimeout(timer);
      timer = ms === null ? undefined : setTimeout(() => socket.destroy(), ms);
    }

    /** From now on it waits for a request. */
    function wait(): void {
      mark = null;
      busy.delete(place);
      (known ? regulars : strangers).add(place);
      if (!known) allow(locked ? patience.strangerMs : patience.silentMs);
      else if (timer !== undefined) allow(null);
    }

    wait();
    socket.once("close", leave);
    return {
      welcome() {
        if (known) return;
        known = true;
        if (ended || !strangers.delete(place)) return;
        regulars.add(place);
        mark = null;
        allow(null);
      },
      begin() {
        requests += 1;
        if (requests > 1 || ended) return;
        mark = null;
        strangers.delete(place);
        regulars.delete(place);
        busy.add(place);
        if (timer !== undefined) allow(null);
      },
      done() {
        requests -= 1;
        if (requests === 0 && !ended && !socket.destroyed) wait();
      },
      reading(total) {
        if (requests > 0 || ended || (locked && !known)) return;
        if (mark !== null && total - mark < SLICE_BYTES) return;
        mark = total;
        allow(patience.slowMs);
      },
      end() {
        if (ended || socket.destroyed) return;
        ended = true;
        busy.delete(place);
        (known ? regulars : strangers).add(place);
        let left = patience.lingerBytes;
        socket.on("data", (chunk: Buffer) => {
          left -= chunk.length;
          if (left < 0) socket.destroy();
        });
        allow(patience.lingerMs);
        socket.end();
        socket.resume();
      },
      ended: () => ended,
    };
  }

  return {
    admit(socket) {
      if (count() >= patience.limit && !makeRoom()) {
        socket.destroy();
        onRefused();
        return null;
      }
      const seat = sit(socket);
      seats.set(socket, seat);
      return seat;
    },
    of: (socket) => seats.get(socket),
  };
}

function first<T>(set: ReadonlySet<T>): T | undefined {
  return set.values().next().value;
}

/** A place whose client does not read its answer. */
function firstUnread(places: Iterable<Place>): Place | undefined {
  for (const place of places) if (place.socket.writableNeedDrain) return place;
  return undefined;
}
