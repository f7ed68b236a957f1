/** fg: both logs of a process on the screen, and every typed line to its stdin. */
import { createInterface } from "node:readline";
import { Fault } from "../client/client.js";
import { FAULTS } from "../core/faults.js";
import type { Controller } from "./controller.js";

/** Ends at Ctrl-C, at the end of input, or when the process does. */
export async function foreground(
  ctl: Controller,
  name: string,
  show: (channel: "stdout" | "stderr", signal: AbortSignal) => Promise<void>,
): Promise<void> {
  ctl.output("==> Press Ctrl-C to exit <==");
  using interruption = ctl.io.interrupted();
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, interruption.signal]);
  const streams = Promise.allSettled([show("stdout", signal), show("stderr", signal)]);
  const lines = createInterface({ input: ctl.io.stdin, terminal: false });
  interruption.signal.addEventListener("abort", () => lines.close(), { once: true });
  try {
    for await (const line of lines) {
      const trouble = await send(ctl, name, `${line}\n`);
      if (trouble === null) continue;
      ctl.output(trouble);
      break;
    }
  } finally {
    lines.close();
    over.abort();
    await streams;
  }
  ctl.output("Exiting foreground");
}

/** What ended it, or null. */
async function send(ctl: Controller, name: string, line: string): Promise<string | null> {
  try {
    await ctl.client.sendProcessStdin(name, line);
    const { statename } = await ctl.client.getProcessInfo(name);
    return statename === "RUNNING" ? null : "Process got killed";
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return error.code === FAULTS.NOT_RUNNING ? "Process got killed" : `ERROR: ${error.faultString}`;
  }
}
