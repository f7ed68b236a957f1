/** What a client has been told holds, even if the daemon dies in the moment its answer goes out. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseConfig } from "../../src/daemon/parse-config.js";
import { createSupervision } from "../../src/daemon/supervision.js";
import { answerCall } from "../../src/http/rpc-handler.js";
import { readStateFile } from "../../src/wire/state-file.js";
import { scratch } from "../support/scratch.js";

const CONF = `[supervisord]
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[eventlistener:ears]
command=/bin/cat
events=REMOTE_COMMUNICATION
buffer_size=100
`;

test("an event is in the state file before its sender has the answer", async () => {
  using tmp = scratch();
  const parsed = parseConfig({ text: CONF, path: join(tmp.dir, "supervisord.conf") });
  if (!parsed.ok) throw new Error(parsed.issues.map(({ text }) => text).join("\n"));
  const statefile = join(tmp.dir, "state");
  using supervision = createSupervision({
    config: parsed.config,
    read: () => parsed,
    log: { log: () => undefined, enabled: () => false, reaped: () => undefined },
    clearMainLog: () => undefined,
    held: new Set(),
    nofile: null,
    statefile: () => ({ path: statefile, other: null, exposed: false }),
  });
  const texts = ["first", "second", "third"];
  for (const [at, text] of texts.entries()) {
    const body = `<methodCall><methodName>supervisor.sendRemoteCommEvent</methodName><params><param><value>t</value></param><param><value>${text}</value></param></params></methodCall>`;
    let remembered: readonly string[] = [];
    answerCall(supervision, Buffer.from(body), {
      wait: () => expect.fail("this call does not wait"),
      send: () => {
        const reading = readStateFile(readFileSync(statefile, "utf8"));
        if (reading.ok)
          remembered = reading.state.pools.flatMap(({ buffer }) => buffer.map((e) => e.payload));
      },
      sendLong: () => expect.fail("a long answer"),
      fail: (status) => expect.fail(`answered ${status}`),
    });
    expect(remembered).toEqual(texts.slice(0, at + 1).map((each) => `type:t\n${each}`));
  }
});
