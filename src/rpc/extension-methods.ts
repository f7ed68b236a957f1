/** What Supervisor has no word for: the namespace `supervisord_ts`, so that its own stays exactly its own. */
import { RpcFault } from "./fault.js";
import type { MethodTable } from "./method.js";

export const EXTENSION_NAMESPACE = "supervisord_ts";

export const EXTENSION_METHODS: MethodTable = {
  upgrade: {
    help: "Replaces the running daemon by the version that is installed now; no process is restarted.",
    params: [],
    required: 0,
    returns: "struct result The versions before (from) and after (to)",
    async run(daemon) {
      try {
        return await daemon.upgrade();
      } catch (error) {
        throw new RpcFault("FAILED", error instanceof Error ? error.message : String(error), {
          cause: error,
        });
      }
    },
  },
};
