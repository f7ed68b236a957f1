/** The few functions of libuv that `readiness` needs, found in the running node as an addon would find them. */
import koffi from "koffi";

/** uv_poll_event. */
export const EVENTS = { readable: 1, writable: 2 } as const;
/** UV_POLL among libuv's handle types; the order of that list is part of its ABI. */
const UV_POLL = 8;

export interface Api {
  readonly uv_poll_init: (loop: unknown, handle: Buffer, fd: number) => number;
  readonly uv_poll_start: (handle: Buffer, events: number, callback: unknown) => number;
  readonly uv_poll_stop: (handle: Buffer) => number;
  readonly uv_close: (handle: Buffer, callback: unknown) => void;
}

export interface Loop {
  readonly api: Api;
  readonly pointer: unknown;
  readonly handleBytes: number;
  readonly pollCallback: unknown;
  readonly closeCallback: unknown;
  readonly addressOf: (handle: Buffer) => number;
}

export interface Hooks {
  readonly onPoll: (address: number) => void;
  readonly onClosed: (address: number) => void;
}

/** Null where this node does not export libuv. */
export function load({ onPoll, onClosed }: Hooks): Loop | null {
  try {
    const lib = koffi.load(null);
    const pollType = koffi.pointer(koffi.proto("void uv_poll_cb(uintptr_t handle, int status, int events)"));
    const closeType = koffi.pointer(koffi.proto("void uv_close_cb(uintptr_t handle)"));
    const api = {
      uv_poll_init: lib.func("int uv_poll_init(void *loop, void *handle, int fd)"),
      uv_poll_start: lib.func("int uv_poll_start(void *handle, int events, uv_poll_cb *callback)"),
      uv_poll_stop: lib.func("int uv_poll_stop(void *handle)"),
      uv_close: lib.func("void uv_close(void *handle, uv_close_cb *callback)"),
    } as unknown as Api;
    return {
      api,
      pointer: (lib.func("void *uv_default_loop()") as unknown as () => unknown)(),
      handleBytes: Number(
        (lib.func("size_t uv_handle_size(int type)") as unknown as (type: number) => number)(UV_POLL),
      ),
      pollCallback: koffi.register(guarded(onPoll), pollType),
      closeCallback: koffi.register(guarded(onClosed), closeType),
      addressOf: (handle) => Number(koffi.address(handle)),
    };
  } catch {
    return null;
  }
}

/** Nobody is there to catch what a callback throws: it goes where uncaught errors go. */
function guarded(callback: (address: number) => void): (address: number | bigint) => void {
  return (address) => {
    try {
      callback(Number(address));
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}
