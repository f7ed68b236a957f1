/** Going on with a call that the program before this one has left waiting. */
import { assertNever } from "../core/brand.js";
import { forEach } from "./batch.js";
import type { Daemon } from "./daemon.js";
import { reload } from "./daemon-methods.js";
import { goOnInTurn } from "./dispatch.js";
import { RpcFault } from "./fault.js";
import type { Answer, Value } from "./method.js";
import { untilStarted, untilStopped } from "./process-methods.js";
import type { Waiting } from "./waiting.js";

const LOST = "supervisord was upgraded during the call; whether it was carried out is unknown";

/** The call's answer, waited for from now on. `upgraded` is what the caller of the upgrade hears. */
export function goOn(daemon: Daemon, state: Waiting, upgraded: Promise<Value>): Answer {
  switch (state.for) {
    case "start": {
      const handle = daemon.groups.get(state.group)?.processes.get(state.name);
      if (handle === undefined) throw new RpcFault("BAD_NAME", state.called);
      return untilStarted(daemon, handle, state.called);
    }
    case "stop": {
      // A process that is gone is down.
      const handle = daemon.groups.get(state.group)?.processes.get(state.name);
      return handle === undefined ? true : untilStopped(daemon, handle, state.called);
    }
    case "each":
      return forEach(daemon, state.open, (one) => goOn(daemon, one.waiting, upgraded), state.results);
    case "calls": {
      const { results, rest, now } = state;
      const ask = now === null ? null : () => goOn(daemon, now, upgraded);
      return goOnInTurn(daemon, rest, { results, now: ask });
    }
    case "reload":
      return reload(daemon);
    case "upgrade":
      return upgraded;
    case "lost":
      throw new RpcFault("FAILED", LOST);
    default:
      return assertNever(state);
  }
}
