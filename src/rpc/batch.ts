/** Doing the same to many processes: each has its own outcome, listed in the order in which they came. */
import { makeNamespec } from "../core/namespec.js";
import type { Daemon, ProcessHandle } from "./daemon.js";
import { FAULTS, RpcFault } from "./fault.js";
import type { Answer, Result, Value } from "./method.js";
import { type WaitingOne, waiting, waitingOf } from "./waiting.js";

/** The process that an outcome is told of. */
type Owner = Pick<ProcessHandle, "group" | "name">;

/**
 * Where one outcome is still to come, so is the answer; outcomes that are known already come first in it. What fails for
 * one process is its outcome alone, bugs too.
 */
export function forEach<One extends Owner>(
  daemon: Pick<Daemon, "log">,
  processes: readonly One[],
  act: (process: One, namespec: string) => Answer,
  before: readonly Value[] = [],
): Answer {
  const results: Value[] = [...before];
  const open = new Map<One, Promise<Result>>();
  const pending: Promise<void>[] = [];
  for (const process of processes) {
    const settle = (status: number, description: string): void => {
      open.delete(process);
      results.push(statusOf(process, status, description));
    };
    const succeed = (): void => settle(FAULTS.SUCCESS, "OK");
    const fail = (error: unknown): void => {
      const { code, message } = error instanceof RpcFault ? error : bug(daemon, process, error);
      settle(code, message);
    };
    try {
      const answer = act(process, makeNamespec(process.group, process.name));
      if (answer instanceof Promise) {
        open.set(process, answer);
        pending.push(answer.then(succeed, fail));
      } else succeed();
    } catch (error) {
      fail(error);
    }
  }
  if (pending.length === 0) return results;
  return waiting(
    Promise.all(pending).then(() => results),
    () => ({ for: "each", results, open: [...open].map(([one, answer]) => describe(one, answer)) }),
  );
}

function bug(daemon: Pick<Daemon, "log">, { name }: Owner, error: unknown): RpcFault {
  const [text, stack] = error instanceof Error ? [error.message, error.stack] : [String(error)];
  daemon.log("critical", `what was asked of all failed for ${name}: ${stack ?? text}`);
  return new RpcFault("FAILED", text);
}

function describe({ group, name }: Owner, answer: Promise<Result>): WaitingOne {
  return { group, name, waiting: waitingOf(answer) };
}

function statusOf({ name, group }: Owner, status: number, description: string): Value {
  return { name, group, status, description };
}
