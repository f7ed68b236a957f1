/** The connection that goes when there is no room, and the deadlines that there are. */
import { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createSeats, PATIENCE, type Seat, SLICE_BYTES } from "../../src/http/seats.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

interface Guest {
  readonly socket: Socket;
  readonly seat: Seat;
}

function room(limit: number, locked = false) {
  const counts = { evicted: 0, refused: 0 };
  const seats = createSeats({
    patience: { ...PATIENCE, limit },
    locked,
    onEvicted() {
      counts.evicted += 1;
    },
    onRefused() {
      counts.refused += 1;
    },
  });
  const enter = (): Guest | null => {
    const socket = new Socket();
    const seat = seats.admit(socket);
    return seat === null ? null : { socket, seat };
  };
  return {
    counts,
    enter,
    sit(): Guest {
      const guest = enter();
      if (guest === null) throw new Error("Cannot find a place");
      return guest;
    },
  };
}

const gone = (guests: readonly Guest[]): readonly boolean[] => guests.map(({ socket }) => socket.destroyed);
function answered({ seat }: Guest): void {
  seat.welcome();
  seat.begin();
  seat.done();
}

describe("when all places are taken", () => {
  test("the connection that is idle longest goes", () => {
    const { sit, counts } = room(3);
    const guests = [sit(), sit(), sit()];
    for (const guest of guests) answered(guest);
    answered(guests[0] as Guest);
    sit();
    expect(gone(guests)).toEqual([false, true, false]);
    expect(counts).toEqual({ evicted: 1, refused: 0 });
  });

  test("one that never asked for anything goes before one that has", () => {
    const { sit } = room(2);
    const [regular, silent] = [sit(), sit()];
    answered(regular);
    sit();
    expect(gone([regular, silent])).toEqual([false, true]);
  });

  test("bytes that make no request keep no place", () => {
    const { sit } = room(2);
    const [slow, other] = [sit(), sit()];
    slow.seat.reading(1);
    slow.seat.reading(2);
    sit();
    expect(gone([slow, other])).toEqual([true, false]);
  });

  test("a request under way is never cut, and a newcomer is refused when there is nothing else", () => {
    const { sit, enter, counts } = room(2);
    const guests = [sit(), sit()];
    for (const { seat } of guests) seat.begin();
    expect(enter()).toBeNull();
    expect(gone(guests)).toEqual([false, false]);
    expect(counts).toEqual({ evicted: 0, refused: 1 });
    guests[1]?.seat.done();
    expect(enter()).not.toBeNull();
    expect(gone(guests)).toEqual([false, true]);
  });

  test("an answer that its client does not read keeps no place", () => {
    const { sit } = room(1);
    const deaf = sit();
    deaf.seat.begin();
    Object.defineProperty(deaf.socket, "writableNeedDrain", { value: true });
    sit();
    expect(gone([deaf])).toEqual([true]);
  });

  test("a stranger that has its refusal goes before one that is known", () => {
    const { sit } = room(2, true);
    const [regular, stranger] = [sit(), sit()];
    answered(regular);
    stranger.seat.begin();
    stranger.seat.done();
    stranger.seat.begin();
    stranger.seat.end();
    sit();
    expect(gone([regular, stranger])).toEqual([false, true]);
  });

  test("places of connections that have ended are free at once", () => {
    const { sit, counts } = room(2);
    for (let count = 0; count < 100; count += 1) sit();
    expect(counts).toEqual({ evicted: 98, refused: 0 });
    expect(vi.getTimerCount()).toBe(2);
  });
});

describe("a deadline", () => {
  test("is short for strangers where there is a password, and bytes do not move it", () => {
    const { sit } = room(2, true);
    const stranger = sit();
    vi.advanceTimersByTime(PATIENCE.strangerMs - 1);
    stranger.seat.reading(1);
    expect(stranger.socket.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(stranger.socket.destroyed).toBe(true);
  });

  test("is long where there is none", () => {
    const { sit } = room(2);
    const { socket } = sit();
    vi.advanceTimersByTime(PATIENCE.silentMs - 1);
    expect(socket.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(socket.destroyed).toBe(true);
  });

  test("does not exist while a request is under way, nor for whoever has made one", () => {
    const { sit } = room(2, true);
    const guest = sit();
    guest.seat.welcome();
    guest.seat.begin();
    expect(vi.getTimerCount()).toBe(0);
    guest.seat.done();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("ends with the right password, and begins again with the next byte of the body", () => {
    const { sit } = room(2, true);
    const { seat } = sit();
    expect(vi.getTimerCount()).toBe(1);
    seat.welcome();
    expect(vi.getTimerCount()).toBe(0);
    seat.reading(200);
    expect(vi.getTimerCount()).toBe(1);
  });

  test("is set by the first byte of a request and not by the next ones", () => {
    const { sit } = room(2);
    const guest = sit();
    answered(guest);
    for (let at = 1; at < 10; at += 1) {
      guest.seat.reading(at);
      vi.advanceTimersByTime(PATIENCE.slowMs / 10);
    }
    expect(guest.socket.destroyed).toBe(false);
    vi.advanceTimersByTime(PATIENCE.slowMs / 10);
    expect(guest.socket.destroyed).toBe(true);
  });

  test("moves with each further slice of a body", () => {
    const { sit } = room(2);
    const guest = sit();
    for (let at = 1; at < 20; at += 1) {
      guest.seat.reading(at * SLICE_BYTES);
      vi.advanceTimersByTime(PATIENCE.slowMs - 1);
    }
    expect(guest.socket.destroyed).toBe(false);
    guest.seat.begin();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("ends what lingers after its last answer", () => {
    const { sit } = room(2);
    const guest = sit();
    answered(guest);
    guest.seat.end();
    expect([guest.seat.ended(), vi.getTimerCount()]).toEqual([true, 1]);
    vi.advanceTimersByTime(PATIENCE.lingerMs);
    expect(guest.socket.destroyed).toBe(true);
  });

  test("ends with its connection", async () => {
    const { sit } = room(2);
    const { socket } = sit();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.destroy();
    await closed;
    expect(vi.getTimerCount()).toBe(0);
  });
});
