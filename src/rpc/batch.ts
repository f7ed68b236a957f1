/** Doing the same to many processes: each has its own outcome, listed in the order in which they came. */
import { makeNamespec } from "../core/namespec.js";
import type { Daemon, ProcessHandle } from "./daemon.js";
import { FAULTS, RpcFault } from "./fault.js";
import type { Answer, Value } from "./method.js";

/** Where one outcome is still to come, so is the answer. What fails for one process is its outcome alone, bugs too. */
export function forEach(
  daemon: Pick<Daemon, "log">,
  processes: readonly ProcessHandle[],
  act: (process: ProcessHandle, namespec: string) => Answer,
): Answer {
  const results: Value[] = [];
  const pending: Promise<void>[] = [];
  for (const process of processes) {
    const succeed = (): void => void results.push(statusOf(process, FAULTS.SUCCESS, "OK"));
    const fail = (error: unknown): void => {
      const { code, message } = error instanceof RpcFault ? error : bug(daemon, process, error);
      results.push(statusOf(process, code, message));
    };
    try {
      const answer = act(process, makeNamespec(process.group, process.name));
      if (answer instanceof Promise) pending.push(answer.then(succeed, fail));
      else succeed();
    } catch (error) {
      fail(error);
    }
  }
  return pending.length === 0 ? results : Promise.all(pending).then(() => results);
}

function bug(daemon: Pick<Daemon, "log">, { name }: ProcessHandle, error: unknown): RpcFault {
  const [text, stack] = error instanceof Error ? [error.message, error.stack] : [String(error)];
  daemon.log("critical", `what was asked of all failed for ${name}: ${stack ?? text}`);
  return new RpcFault("FAILED", text);
}

function statusOf({ name, group }: ProcessHandle, status: number, description: string): Value {
  return { name, group, status, description };
}
