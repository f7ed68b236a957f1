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

interface Watched {
  readonly handle: Buffer;
  readonly onReady: () => void;
}

/** By the address of the handle, which is all that libuv's callback gets. */
const watched = new Map<number, Watched>();
/** libuv writes to a handle until its close callback has run: the memory must stay. */
const closing = new Map<number, Buffer>();

const loop = isMainThread
  ? libuv.load({ onPoll: ready, onClosed: (address) => closing.delete(address) })
  : null;

/** `onReady` is called for as long as it can be read (or written), or the other end is gone. */
export function watch(fd: number, event: keyof typeof libuv.EVENTS, onReady: () => void): Watch | null {
  if (loop === null) return null;
  const { api } = loop;
  const handle = Buffer.allocUnsafeSlow(loop.handleBytes).fill(0);
  const failed = api.uv_poll_init(loop.pointer, handle, fd);
  if (failed !== 0) return null;
  const address = loop.addressOf(handle);
  watched.set(address, { handle, onReady });
  let open = true;
  api.uv_poll_start(handle, libuv.EVENTS[event], loop.pollCallback);
  return {
    pause() {
      if (open) api.uv_poll_stop(handle);
    },
    resume() {
      if (open) api.uv_poll_start(handle, libuv.EVENTS[event], loop.pollCallback);
    },
    close() {
      if (!open) return;
      open = false;
      watched.delete(address);
      closing.set(address, handle);
      api.uv_close(handle, loop.closeCallback);
    },
  };
}

function ready(address: number): void {
  watched.get(address)?.onReady();
}
