/** The daemon itself: who it is, how it is, and what it supervises. */
import { ConfigError, type Daemon, MOODS } from "./daemon.js";
import { RpcFault } from "./fault.js";
import { type Answer, groupName, type Method, type MethodTable } from "./method.js";
import { waiting } from "./waiting.js";

const API_VERSION = "3.0";
const TRUE = "boolean result Always true; everything else is a fault";
const GROUP = "string name The group";

const apiVersion: Method = {
  help: "Tells the version of this API.",
  params: [],
  required: 0,
  returns: "string result The version",
  run: () => API_VERSION,
};

/** A configuration that can't be used is a fault, never the end of the daemon. */
function orCantReread<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw cantReread(error);
  }
}

function cantReread(error: unknown): unknown {
  if (!(error instanceof ConfigError)) return error;
  return new RpcFault("CANT_REREAD", error.message, { cause: error });
}

/** The answer to `restart`; it waits where plugins have to be loaded first. */
export function reload(daemon: Daemon): Answer {
  const restarting = orCantReread(() => daemon.restart());
  if (restarting === undefined) return true;
  const answer = restarting.then(
    () => true,
    (error: unknown) => {
      throw cantReread(error);
    },
  );
  return waiting(answer, () => ({ for: "reload" }));
}

function getter(help: string, returns: string, run: (daemon: Daemon) => string | number): Method {
  return { help, params: [], required: 0, returns, run };
}

export const DAEMON_METHODS: MethodTable = {
  getAPIVersion: apiVersion,
  getVersion: apiVersion,
  getSupervisorVersion: getter(
    "Tells which Supervisor this behaves as.",
    "string result The version",
    (daemon) => daemon.version,
  ),
  getIdentification: getter(
    "Tells the identifier from the configuration.",
    "string result The identifier",
    (daemon) => daemon.identifier,
  ),
  getPID: getter("Tells the pid of the daemon.", "int result The pid", (daemon) => daemon.pid),
  getState: {
    help: "Tells the state of the daemon.",
    params: [],
    required: 0,
    returns: "struct result Its statecode and statename",
    run: ({ mood }) => ({ statecode: MOODS[mood], statename: mood }),
  },
  shutdown: {
    help: "Stops every process, then the daemon.",
    params: [],
    required: 0,
    returns: TRUE,
    run(daemon) {
      daemon.shutdown();
      return true;
    },
  },
  restart: {
    help: "Stops every process, reads the configuration again and starts anew, in the same process.",
    params: [],
    required: 0,
    returns: TRUE,
    run: reload,
  },
  reloadConfig: {
    help: "Reads the configuration again, and changes nothing that runs.",
    params: [],
    required: 0,
    returns: "array result One array of three: groups added, changed and removed",
    run(daemon) {
      const { added, changed, removed } = orCantReread(() => daemon.reread());
      return [[added, changed, removed]];
    },
  },
  addProcessGroup: {
    help: "Starts supervising a group of the configuration as it was last read.",
    params: [GROUP],
    required: 1,
    returns: TRUE,
    run(daemon, [name]) {
      const outcome = daemon.addGroup(groupName(name));
      if (outcome === "already") throw new RpcFault("ALREADY_ADDED", groupName(name));
      if (outcome === "unknown") throw new RpcFault("BAD_NAME", groupName(name));
      return true;
    },
  },
  removeProcessGroup: {
    help: "Ends the supervision of a group whose processes are all down.",
    params: [GROUP],
    required: 1,
    returns: TRUE,
    run(daemon, [name]) {
      const outcome = daemon.removeGroup(groupName(name));
      if (outcome === "running") throw new RpcFault("STILL_RUNNING", groupName(name));
      if (outcome === "unknown") throw new RpcFault("BAD_NAME", groupName(name));
      return true;
    },
  },
};
