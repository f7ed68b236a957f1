/** Troubles in sentences, and a command that is interrupted. */
import { expect, test } from "vitest";
import { Fault } from "../../src/client/client.js";
import { HttpStatusError } from "../../src/client/transport.js";
import { createController, guarded } from "../../src/ctl/controller.js";
import { describeTrouble } from "../../src/ctl/trouble.js";

const URL_ = "unix:///run/s.sock";
const system = (code: string): Error => Object.assign(new Error(`connect ${code} x`), { code });

test.each([
  [new Fault(6, "SHUTDOWN_STATE"), "ERROR: supervisor shutting down (or reloading)"],
  [new Fault(92, "CANT_REREAD: a (f:1)\nb (f:2)"), "ERROR: CANT_REREAD: a (f:1)\nb (f:2)"],
  [
    new HttpStatusError("127.0.0.1/RPC2", 503, "Service Unavailable"),
    `${URL_} answered 503 Service Unavailable`,
  ],
  [new HttpStatusError("127.0.0.1/RPC2", 500, ""), `${URL_} answered 500`],
  [system("ENOENT"), `${URL_} no such file`],
  [system("ECONNREFUSED"), `${URL_} refused connection`],
  [system("ECONNRESET"), `${URL_} closed the connection without an answer`],
  [new Error("Cannot do it"), "ERROR: Cannot do it"],
])("%s", (error, text) => {
  expect(describeTrouble(error, URL_)).toBe(text);
});

test("Ctrl-C ends the wait for a command that never ends, and closes its connection", async () => {
  const written: string[] = [];
  const write = (text: string): void => void written.push(text);
  const config = { serverurl: URL_, username: null, password: null, prompt: "", history_file: null };
  const io = { stdout: write, stderr: write, stdin: process.stdin, interrupted: () => never() };
  const ctl = createController(config, true, io, () => Promise.reject(new Error("nobody asks")));
  const controller = new AbortController();
  ctl.busy = () => ({ signal: controller.signal, [Symbol.dispose]: () => undefined });
  const { client } = ctl;
  const running = guarded(ctl, () => new Promise<void>(() => undefined));
  controller.abort();
  await running;
  expect(written.join("")).toBe("Interrupted; what supervisord has begun goes on\n");
  expect(ctl.client).not.toBe(client);
});

function never(): { readonly signal: AbortSignal } & Disposable {
  return { signal: new AbortController().signal, [Symbol.dispose]: () => undefined };
}
