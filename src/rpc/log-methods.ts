/** Reading and clearing logs. */
import { existsSync } from "node:fs";
import { isPassage, type Passage } from "../core/passage.js";
import { decodeText, LogFault, readLog, tailLog } from "../logs/tail.js";
import { forEach } from "./batch.js";
import type { Channel, Daemon, ProcessHandle } from "./daemon.js";
import { RpcFault } from "./fault.js";
import { allByPriority, findProcess } from "./lookup.js";
import { integer, type Method, type MethodTable, text, type Value } from "./method.js";

function read(path: string | null, offset: Value | undefined, length: Value | undefined): string | Passage {
  try {
    return asText(readLog(path, integer(offset), integer(length)));
  } catch (error) {
    if (error instanceof LogFault) throw new RpcFault(error.fault, error.detail, { cause: error });
    throw error;
  }
}

function asText(bytes: Buffer | Passage): string | Passage {
  return isPassage(bytes) ? bytes : decodeText(bytes);
}

function clearOne(daemon: Daemon, handle: ProcessHandle, name: string): true {
  try {
    daemon.clearLogs(handle);
    return true;
  } catch (cause) {
    throw new RpcFault("FAILED", name, { cause });
  }
}

const NAME = "string name The process (or ``group:name``)";
const OFFSET = "int offset Where to begin; negative counts from the end";
const LENGTH = "int length How many bytes; 0 is all there are";

function reader(channel: Channel): Method {
  return {
    help: `Reads from the ${channel} log of a process.`,
    params: [NAME, OFFSET, LENGTH],
    required: 3,
    returns: "string result What was read",
    run: (daemon, [name, offset, length]) =>
      read(findProcess(daemon, text(name)).logfile(channel), offset, length),
  };
}

function tailer(channel: Channel): Method {
  return {
    help: `Reads the end of the ${channel} log of a process, for clients that ask again and again.`,
    params: [NAME, "int offset Where the last answer said", "int length The most bytes wanted"],
    required: 3,
    returns: "array result What was read, the offset for the next time, and whether more was there",
    run(daemon, [name, offset, length]) {
      const path = findProcess(daemon, text(name)).logfile(channel);
      const tail = tailLog(path, integer(offset), integer(length));
      return [asText(tail.bytes), tail.offset, tail.overflow];
    },
  };
}

const readMain: Method = {
  help: "Reads from the activity log.",
  params: [OFFSET, LENGTH],
  required: 2,
  returns: "string result What was read",
  run(daemon, [offset, length]) {
    if (daemon.mainLogfile === null) throw new RpcFault("NO_FILE", "syslog");
    return read(daemon.mainLogfile, offset, length);
  },
};

const clearProcess: Method = {
  help: "Empties the logs of a process, stdout and stderr.",
  params: [NAME],
  required: 1,
  returns: "boolean result Always true; everything else is a fault",
  run: (daemon, [name]) => clearOne(daemon, findProcess(daemon, text(name)), text(name)),
};

export const LOG_METHODS: MethodTable = {
  readLog: readMain,
  readMainLog: readMain,
  clearLog: {
    help: "Empties the activity log.",
    params: [],
    required: 0,
    returns: "boolean result Always true; everything else is a fault",
    run(daemon) {
      const { mainLogfile } = daemon;
      if (mainLogfile === null || !existsSync(mainLogfile)) throw new RpcFault("NO_FILE");
      try {
        daemon.clearMainLog();
        return true;
      } catch (cause) {
        throw new RpcFault("FAILED", null, { cause });
      }
    },
  },
  readProcessStdoutLog: reader("stdout"),
  readProcessLog: reader("stdout"),
  readProcessStderrLog: reader("stderr"),
  tailProcessStdoutLog: tailer("stdout"),
  tailProcessLog: tailer("stdout"),
  tailProcessStderrLog: tailer("stderr"),
  clearProcessLogs: clearProcess,
  clearProcessLog: clearProcess,
  clearAllProcessLogs: {
    help: "Empties the logs of every process.",
    params: [],
    required: 0,
    returns: "array result One struct of name, group, status and description for each process",
    run: (daemon) => forEach(daemon, allByPriority(daemon), (handle, name) => clearOne(daemon, handle, name)),
  },
};
