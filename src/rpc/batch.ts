/** Doing the same to many processes: each has its own outcome, listed in the order in which they came. */
import { makeNamespec } from "../core/namespec.js";
import type { ProcessHandle } from "./daemon.js";
import { FAULTS, RpcFault } from "./fault.js";
import type { Answer, Value } from "./method.js";

/** Where one outcome is still to come, so is the answer. */
export function forEach(
  processes: readonly ProcessHandle[],
  act: (process: ProcessHandle, namespec: string) => Answer,
): Answer {
  const results: Value[] = [];
  const pending: Promise<void>[] = [];
  for (const process of processes) {
    const succeed = (): void => void results.push(statusOf(process, FAULTS.SUCCESS, "OK"));
    const fail = (error: unknown): void => {
      if (!(error instanceof RpcFault)) throw error;
      results.push(statusOf(process, error.code, error.message));
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

function statusOf({ name, group }: ProcessHandle, status: number, description: string): Value {
  return { name, group, status, description };
}
