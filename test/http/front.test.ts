/** Plain calls are answered before Node's HTTP server sees them; nobody can tell but by the clock. */
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { type Booted, boot } from "../support/boot.js";
import { freePort } from "../support/free-port.js";

const BODY = "<methodCall><methodName>supervisor.getState</methodName></methodCall>";
const post = (body = BODY, more = ""): string =>
  `POST /RPC2 HTTP/1.1\r\nHost: x\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;

interface Line extends Disposable {
  readonly socket: Socket;
  /** Waits until so much has come that `enough` holds. */
  until(enough: (text: string) => boolean): Promise<string>;
  readonly closed: Promise<string>;
}

function open({ socket: path }: Booted): Line {
  return connection(connect(path));
}

function connection(socket: Socket): Line {
  let text = "";
  let look = (): void => undefined;
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    look();
  });
  const closed = new Promise<string>((resolve, reject) => {
    socket.on("close", () => resolve(text)).on("error", reject);
  });
  return {
    socket,
    closed,
    until: (enough) =>
      new Promise((resolve, reject) => {
        look = () => enough(text) && resolve(text);
        closed.then(() => reject(new Error(`closed after ${text}`)), reject);
        look();
      }),
    [Symbol.dispose]: () => socket.destroy(),
  };
}

const answers = (count: number) => (text: string) => text.split("</methodResponse>\n").length > count;
const undated = (text: string): string => text.replaceAll(/Date: [^\r]*/g, "Date: …");

describe("a plain call", () => {
  test("is answered with the very bytes that any other call is", async () => {
    await using daemon = await boot("");
    using plain = open(daemon);
    using other = open(daemon);
    plain.socket.write(post());
    other.socket.write(post(BODY, "X-Other: yes\r\n"));
    const expected = undated(await other.until(answers(1)));
    expect(expected).toContain("Content-Type: text/xml\r\n");
    expect(undated(await plain.until(answers(1)))).toBe(expected);
  });

  test("that is none is refused with the very bytes that any other is", async () => {
    await using daemon = await boot("");
    using plain = open(daemon);
    using other = open(daemon);
    plain.socket.write(post("junk"));
    other.socket.write(post("junk", "X-Other: yes\r\n"));
    const whole = (text: string): boolean => text.endsWith("</body>\r\n");
    const expected = undated(await other.until(whole));
    expect(expected).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(undated(await plain.until(whole))).toBe(expected);
  });

  test("may come byte by byte", async () => {
    await using daemon = await boot("");
    using line = open(daemon);
    line.socket.setNoDelay(true);
    for (const byte of post()) await new Promise<void>((sent) => line.socket.write(byte, () => sent()));
    expect(await line.until(answers(1))).toContain("<string>RUNNING</string>");
  });

  test("may be one of many that come at once, each answered in its turn", async () => {
    await using daemon = await boot("");
    using line = open(daemon);
    const calls = [
      "supervisor.getState",
      "supervisor.getPID",
      "system.multicall",
      "supervisor.getAPIVersion",
    ];
    line.socket.write(
      calls.map((name) => post(`<methodCall><methodName>${name}</methodName></methodCall>`)).join(""),
    );
    const values = [...(await line.until(answers(4))).matchAll(/RUNNING|<int>\d{2,}|faultString|>3\.0</g)];
    expect(values.map(([text]) => text.replace(/\d{2,}/, "…"))).toEqual([
      "RUNNING",
      "<int>…",
      "faultString",
      ">3.0<",
    ]);
  });

  test("is answered to a client that has said all it had to say", async () => {
    await using daemon = await boot("");
    using line = open(daemon);
    line.socket.end(post());
    expect(await line.closed).toContain("<string>RUNNING</string>");
  });

  test("cut short by its client is no call", async () => {
    await using daemon = await boot("");
    using line = open(daemon);
    line.socket.end(post().slice(0, -5));
    expect(await line.closed).toBe("");
  });

  test("may be followed by any other request on its connection", async () => {
    await using daemon = await boot("");
    using line = open(daemon);
    line.socket.write(`${post()}GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n`);
    await line.until((text) => text.includes("404 Not Found"));
    line.socket.write(post());
    await line.until(answers(2));
    line.socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(await line.closed).toMatch(/<\/html>\s*$/);
  });
});

test("a client that asks without end and never reads is not answered without end", async () => {
  await using daemon = await boot(
    "[program:p]\ncommand=/bin/sleep 1000\nnumprocs=50\nprocess_name=%(process_num)02d\nautostart=false",
  );
  using line = open(daemon);
  line.socket.pause();
  const call = post("<methodCall><methodName>supervisor.getAllProcessInfo</methodName></methodCall>");
  // Once the daemon stops reading, what is written here stays here.
  for (let sent = 0; line.socket.writableLength < 1024 * 1024; sent += 1) {
    line.socket.write(call);
    if (sent % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await expect(daemon.rpc("supervisor.getState")).resolves.toMatchObject({ statename: "RUNNING" });
});

test("where there is a password, a call without it is refused, and the connection ends", async () => {
  const port = await freePort();
  await using daemon = await boot(`[inet_http_server]\nport=127.0.0.1:${port}\nusername=me\npassword=secret`);
  expect(daemon.log()).not.toHaveLength(0);
  using stranger = connection(connect(port, "127.0.0.1"));
  stranger.socket.write(post());
  expect(await stranger.closed).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
  using friend = connection(connect(port, "127.0.0.1"));
  const credentials = `Authorization: Basic ${Buffer.from("me:secret").toString("base64")}\r\n`;
  friend.socket.write(post(BODY, credentials) + post(BODY, credentials) + post());
  expect((await friend.closed).match(/^HTTP\/1\.1 \d+/gm)).toEqual([
    "HTTP/1.1 200",
    "HTTP/1.1 200",
    "HTTP/1.1 401",
  ]);
});

test("connections that only wait do not keep a daemon that shuts down", async () => {
  await using daemon = await boot("");
  using idle = open(daemon);
  using busy = open(daemon);
  idle.socket.write(post());
  await idle.until(answers(1));
  busy.socket.write(post("<methodCall><methodName>supervisor.shutdown</methodName></methodCall>"));
  expect(await busy.closed).toContain("<boolean>1</boolean>");
  await idle.closed;
  expect(await daemon.exited).toBe(0);
});
