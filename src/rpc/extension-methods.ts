/** What Supervisor has no word for: the namespace `supervisord_ts`, so that its own stays exactly its own. */
import { RpcFault } from "./fault.js";
import type { MethodTable } from "./method.js";
import { waiting } from "./waiting.js";

export const EXTENSION_NAMESPACE = "supervisord_ts";

export const EXTENSION_METHODS: MethodTable = {
  needsReload: {
    help: "Tells what the files said when they were read last that only a reload puts into force.",
    params: [],
    required: 0,
    returns: "array result `[section] key` each, or `[section]` where it is new or gone",
    run: (daemon) => daemon.needsReload(),
  },
  upgrade: {
    help: "Replaces the running daemon by the version that is installed now; no process is restarted.",
    params: [],
    required: 0,
    returns: "struct result The versions before (from) and after (to)",
    run: (daemon) =>
      waiting(
        daemon.upgrade().catch((cause: unknown) => {
          throw new RpcFault("FAILED", cause instanceof Error ? cause.message : String(cause), { cause });
        }),
        () => ({ for: "upgrade" }),
      ),
  },
};
