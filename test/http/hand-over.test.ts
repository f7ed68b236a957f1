/** How much of what clients have not taken one program hands to the next. */
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseConfig } from "../../src/daemon/parse-config.js";
import { createSupervision } from "../../src/daemon/supervision.js";
import { closeServer, createHttpServer, heldConnections } from "../../src/http/server.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";

const PLENTY = 1_000_000_000;

test("what a client has not taken is handed over where there is room; nothing changes by looking", async () => {
  using tmp = scratch();
  const file = join(tmp.dir, "s.sock");
  const parsed = parseConfig({
    text: `[unix_http_server]\nfile=${file}\n[supervisord]\n`,
    path: join(tmp.dir, "supervisord.conf"),
  });
  const [config] = parsed.ok ? parsed.config.servers : [];
  if (!parsed.ok || config === undefined) throw new Error("no server");
  using supervision = createSupervision({
    config: parsed.config,
    read: () => parsed,
    log: { log: () => undefined, enabled: () => false, reaped: () => undefined },
    clearMainLog: () => undefined,
    held: new Set(),
    nofile: null,
  });
  const server = createHttpServer({ server: config, daemon: supervision });
  await new Promise<void>((resolve) => server.listen(file, resolve));
  const client = connect(file).pause();
  try {
    const body = "<methodCall><methodName>system.listMethods</methodName></methodCall>";
    const call = `POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    client.write(call.repeat(5000));
    const held = await until(() => {
      const [connection] = heldConnections(server, { bytes: PLENTY });
      return connection !== undefined && connection.unsent.length > 0 && connection;
    }, "an answer that is stuck");
    expect(held).toMatchObject({ call: null, last: false });
    const room = { bytes: PLENTY };
    const [again] = heldConnections(server, room);
    expect(again?.unsent).toEqual(held.unsent);
    expect(room.bytes).toBe(PLENTY - (again?.unsent.length ?? 0) - (again?.bytes.length ?? 0));
    expect(heldConnections(server, { bytes: held.unsent.length - 1 })).toEqual([]);
    let text = "";
    client.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    client.resume();
    await until(() => text.split("</methodResponse>").length > 5000, "every answer");
    expect(text.match(/HTTP\/1.1 200 OK/g)).toHaveLength(5000);
  } finally {
    client.destroy();
    await closeServer(server);
  }
});
