/**
 * When a descriptor can be read or written, told by Node's own event loop: libuv's uv_poll, which Node exports to addons and
 * koffi can call. Nothing is read on the way, so whoever is told may splice, or leave the bytes where they are.
 *
 * Only the main thread's loop can be reached this way; elsewhere `watch` gives null.
 */
import { isMainThread } from "node:worker_threads";
import * as libuv from "./libuv.js";

export interface Watch {
  /** Stops telling, until `resume`. */
  pause(): void;
  resume(): void;
  /** For good; call it before the descriptor is closed. */
  close(): void;
}

/** By the address of the handle, which is all that libuv's callback gets. */
const watched = new Map<number, UvPoll>();
/** libuv writes to a handle until its close callback has run: the memory must stay, and stay this handle's. */
const closing = new Map<number, Buffer>();
/** Memory of handles that are closed, for the next ones. */
const free: Buffer[] = [];

const loop = isMainThread ? libuv.load({ onPoll: ready, onClosed: closed }) : null;

/** `onReady` is called for as long as it can be read (or written), or the other end is gone. */
export function watch(fd: number, event: keyof typeof libuv.EVENTS, onReady: () => void): Watch | null {
  if (loop === null) return null;
  const handle = free.pop() ?? allocate(loop);
  if (loop.api.uv_poll_init(loop.pointer, handle, fd) !== 0) {
    free.push(handle);
    return null;
  }
  const poll = new UvPoll(loop, handle, libuv.EVENTS[event], onReady);
  watched.set(poll.address, poll);
  poll.resume();
  return poll;
}

/** Each process has several. */
class UvPoll implements Watch {
  readonly address: number;
  readonly onReady: () => void;
  readonly #loop: libuv.Loop;
  readonly #handle: Buffer;
  readonly #events: number;
  #open = true;

  constructor(from: libuv.Loop, handle: Buffer, events: number, onReady: () => void) {
    this.address = from.addressOf(handle);
    this.onReady = onReady;
    this.#loop = from;
    this.#handle = handle;
    this.#events = events;
  }

  pause(): void {
    if (this.#open) this.#loop.api.uv_poll_stop(this.#handle);
  }

  resume(): void {
    const { api, pollCallback } = this.#loop;
    if (this.#open) api.uv_poll_start(this.#handle, this.#events, pollCallback);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    watched.delete(this.address);
    closing.set(this.address, this.#handle);
    this.#loop.api.uv_close(this.#handle, this.#loop.closeCallback);
  }
}

/** Handles that share one block: a block each would cost more than what is in it. */
const HANDLES_OF_A_BLOCK = 32;
const ALIGNED_BYTES = 16;

function allocate({ handleBytes }: libuv.Loop): Buffer {
  const each = Math.ceil(handleBytes / ALIGNED_BYTES) * ALIGNED_BYTES;
  const block = Buffer.allocUnsafeSlow(HANDLES_OF_A_BLOCK * each).fill(0);
  for (let at = HANDLES_OF_A_BLOCK - 1; at > 0; at -= 1)
    free.push(block.subarray(at * each, (at + 1) * each));
  return block.subarray(0, each);
}

function ready(address: number): void {
  watched.get(address)?.onReady();
}

function closed(address: number): void {
  const handle = closing.get(address);
  closing.delete(address);
  if (handle !== undefined) free.push(handle);
}
