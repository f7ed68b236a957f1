/** A client that is refused hears so, however much it has still to send and however many ask at once. */
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { expect, test } from "vitest";
import { type Booted, boot } from "../support/boot.js";
import { freePort } from "../support/free-port.js";
import { needs } from "../support/needs.js";
import { environment, supervisorctl } from "../support/programs.js";
import { runCommand } from "../support/run-command.js";

const { test: withSupervisor } = needs("supervisor");
const { test: withPython } = needs("python3");

/** A daemon with a password on another unix socket and on TCP. */
async function locked(): Promise<{ readonly daemon: Booted; readonly port: number; readonly path: string }> {
  const port = await freePort();
  const daemon = await boot(
    `[inet_http_server]\nport=127.0.0.1:${port}\nusername=me\npassword=secret\n[unix_http_server:locked]\nfile=%(dir)s/locked.sock\nusername=me\npassword=secret`,
  );
  return { daemon, port, path: `${daemon.dir}/locked.sock` };
}

test("a body of any size takes no 401 away, over TCP and a unix socket", async () => {
  const { daemon: booted, port, path } = await locked();
  await using daemon = booted;
  const post = (where: object, body: Buffer): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const sent = httpRequest(
        { ...where, method: "POST", path: "/RPC2", agent: false, headers: { "Content-Length": body.length } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      sent.on("error", reject).end(body);
    });
  for (const where of [{ host: "127.0.0.1", port }, { socketPath: path }])
    for (const size of [0, 1000, 100_000, 10_000_000]) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => post(where, Buffer.alloc(size))));
      expect(answers).toEqual(answers.map(() => 401));
    }
  expect(daemon.log().join("\n")).not.toContain("exception");
});

/** Many threads, each with Supervisor's own transport, over and over. */
const MANY_CLIENTS = `
import sys, threading, xmlrpc.client
from supervisor.xmlrpc import SupervisorTransport
seen, lock = {}, threading.Lock()
def client(url):
    for size in (1, 1000, 100000, 1000000) * 3:
        proxy = xmlrpc.client.ServerProxy('http://127.0.0.1', transport=SupervisorTransport('me', 'wrong', url))
        try:
            what = proxy.supervisor.sendProcessStdin('p', 'x' * size)
        except xmlrpc.client.ProtocolError as error:
            what = error.errcode
        except Exception as error:
            what = repr(error)
        with lock:
            seen[what] = seen.get(what, 0) + 1
threads = [threading.Thread(target=client, args=(url,)) for url in sys.argv[1:] for _ in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(seen)
`;

withSupervisor("many of Python's clients at once all see 401", async () => {
  const { daemon: booted, port, path } = await locked();
  await using daemon = booted;
  const python = /^#!(\S+)/.exec(readFileSync(supervisorctl("python")[0] ?? "", "utf8"))?.[1] ?? "python3";
  const { out, err } = await runCommand(
    [python, "-c", MANY_CLIENTS, `http://127.0.0.1:${port}`, `unix://${path}`],
    { env: environment(daemon.dir) },
  );
  expect([out.trim(), err]).toEqual(["{401: 480}", ""]);
});

withSupervisor("many of Python's supervisorctl at once all say what is missing", async () => {
  const { daemon: booted, port, path } = await locked();
  await using daemon = booted;
  const ctl = (url: string) =>
    runCommand([...supervisorctl("python"), "-s", url, "-u", "me", "-p", "wrong", "status"], {
      cwd: daemon.dir,
      env: environment(daemon.dir),
    });
  const urls = [`http://127.0.0.1:${port}`, `unix://${path}`];
  const ran = await Promise.all(Array.from({ length: 12 }, (_, at) => ctl(urls[at % 2] ?? "")));
  for (const { out } of ran) expect(out).toContain("Server requires authentication");
});

/** Python's http.client sends head and body apart, so the answer comes between them. */
const BIG_BODY = `
import http.client, sys
for size in (1, 100000, 5000000):
    connection = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))
    connection.request('POST', '/RPC2', 'x' * size)
    print(connection.getresponse().status)
`;

withPython("Python's own HTTP client sees 401 whatever it sends", async () => {
  const { daemon: booted, port } = await locked();
  await using daemon = booted;
  const { out, err } = await runCommand(["python3", "-c", BIG_BODY, String(port)], {
    env: environment(daemon.dir),
  });
  expect([out, err]).toEqual(["401\n401\n401\n", ""]);
});
