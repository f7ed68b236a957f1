/** `supervisorctl-ts upgrade` against a daemon that answers what it is told to. */
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { complete } from "../../src/ctl/completion.js";
import { main } from "../../src/ctl/main.js";
import { encodeFault, encodeResponse } from "../../src/wire/xmlrpc.js";
import { scratch } from "../support/scratch.js";

interface Outcome {
  readonly status: number;
  readonly text: string;
  readonly asked: readonly string[];
}

async function ctl(answer: string, ...words: readonly string[]): Promise<Outcome> {
  using place = scratch();
  const socket = join(place.dir, "s.sock");
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      const method = /<methodName>(.*)<\/methodName>/.exec(body)?.[1] ?? "";
      asked.push(method);
      if (method === "supervisord_ts.upgrade" && answer === "") return void request.socket.destroy();
      response.setHeader("content-type", "text/xml");
      response.end(method === "supervisord_ts.upgrade" ? answer : encodeResponse("3.0"));
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  let text = "";
  const write = (more: string): void => {
    text += more;
  };
  const { stdin } = process;
  const interrupted = (): { signal: AbortSignal } & Disposable => ({
    signal: new AbortController().signal,
    [Symbol.dispose]: () => undefined,
  });
  try {
    const status = await main(["supervisorctl-ts", "-s", `unix://${socket}`, ...words], {
      stdout: write,
      stderr: write,
      stdin,
      interrupted,
    });
    return { status, text, asked };
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test.each([
  [
    "from one version to another",
    encodeResponse({ from: "0.1.0", to: "0.2.0" }),
    0,
    "Upgraded supervisord from 0.1.0 to 0.2.0\n",
  ],
  [
    "to the same version",
    encodeResponse({ from: "0.1.0", to: "0.1.0" }),
    0,
    "Upgraded supervisord (still 0.1.0)\n",
  ],
  [
    "a daemon that goes on",
    encodeFault(30, "FAILED: cannot run node: ENOENT"),
    1,
    "ERROR: cannot run node: ENOENT\n",
  ],
  [
    "a daemon without the method",
    encodeFault(1, "UNKNOWN_METHOD"),
    1,
    "ERROR: this supervisord cannot be upgraded without a restart\n",
  ],
  [
    "a daemon that is gone before it answers",
    "",
    1,
    "ERROR: the connection ended before the answer; whether the new version runs is in the log of supervisord, or in status\n",
  ],
])("upgrade: %s", async (_what, answer, status, text) => {
  const ran = await ctl(answer, "upgrade");
  expect(ran).toMatchObject({ status, text });
  expect(ran.asked).toContain("supervisord_ts.upgrade");
});

test("upgrade takes no arguments and asks nothing then", async () => {
  const ran = await ctl(encodeResponse({ from: "1", to: "2" }), "upgrade", "now");
  expect(ran.status).toBe(1);
  expect(ran.text).toMatch(/^Error: upgrade accepts no arguments\nupgrade /);
  expect(ran.asked).not.toContain("supervisord_ts.upgrade");
});

test("upgrade is offered by Tab and explained by help", async () => {
  expect((await complete("upg", async () => [])).candidates).toEqual(["upgrade "]);
  expect((await ctl("", "help", "upgrade")).text).toMatch(/^upgrade \t\tReplace/);
});
