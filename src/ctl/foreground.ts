/** fg: both logs of a process on the screen, and every typed line to its stdin. */
import { Fault } from "../client/client.js";
import { FAULTS } from "../core/faults.js";
import type { Controller } from "./controller.js";

type Show = (
  channel: "stdout" | "stderr",
  signal: AbortSignal,
  print: (text: string) => void,
) => Promise<void>;

/** Ends at Ctrl-C, at the end of input, with its streams, or when the process does. */
export async function foreground(ctl: Controller, name: string, show: Show): Promise<void> {
  const keyboard = await ctl.keyboard();
  using interruption = keyboard.busy("own");
  ctl.output("==> Press Ctrl-C to exit <==");
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, interruption.signal]);
  const both = (["stdout", "stderr"] as const).map((channel) => show(channel, signal, keyboard.print));
  const streams = Promise.allSettled(both).then(() => over.abort());
  /** Not kept for the shell's history: it may be a password. */
  const history: string[] = [];
  try {
    while (!signal.aborted) {
      const typed = await keyboard.line("", { history, signal });
      if (typeof typed === "string") break;
      history.unshift(typed.line);
      const trouble = await send(ctl, name, `${typed.line}\n`);
      if (trouble === null) continue;
      ctl.output(trouble);
      break;
    }
  } finally {
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
