/** The modules that docs/plugins.md shows do what it says. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { boot } from "../support/boot.js";
import { until } from "../support/until.js";

const PAGE = readFileSync(fileURLToPath(new URL("../../docs/plugins.md", import.meta.url)), "utf8");

function blocks(language: string): readonly string[] {
  return [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(
    ([, body = ""]) => body,
  );
}

test("the three of docs/plugins.md run as they are shown", async () => {
  const [methods = "", commands = "", handler = ""] = blocks("js");
  const [rpcinterface = "", ctlplugin = "", listener = ""] = blocks("ini");
  const audit =
    'const answers = ["NO", "DONE"]; console.log("READY"); process.stdin.on("data", (text) => {' +
    'console.error(String(text)); const answer = answers.shift() ?? "DONE";' +
    'process.stdout.write("RESULT " + answer.length + "\\n" + answer + "READY\\n"); });\n';
  const events = listener.replace("events=PROCESS_STATE", "events=REMOTE_COMMUNICATION");
  await using daemon = await boot(
    `${rpcinterface}\n${ctlplugin}\n${events}\ndirectory=%(dir)s\nstartsecs=0\n[program:idle]\ncommand=/bin/cat\nautostart=false\n`,
    {
      prepare(dir) {
        writeFileSync(join(dir, "fleet.mjs"), methods);
        writeFileSync(join(dir, "fleet-commands.mjs"), commands);
        writeFileSync(join(dir, "accept.mjs"), handler);
        writeFileSync(join(dir, "audit.mjs"), audit);
      },
    },
  );
  expect(await daemon.rpc("fleet.stopped", "idle")).toEqual(["idle"]);
  expect(await daemon.ctl(["stopped", "idle"])).toEqual({ out: "idle\n", err: "", exit: 3 });
  expect((await daemon.ctl(["help", "stopped"])).out).toBe(
    "stopped <group>\tWhich of its processes are not running\n",
  );
  await daemon.state("audit", "RUNNING");
  await daemon.rpc("supervisor.sendRemoteCommEvent", "t", "d");
  await daemon.logged("audit: event was rejected");
  await until(
    async () => (await daemon.output("audit", "stderr")).split("eventname:REMOTE_COMMUNICATION").length === 3,
    "the event sent twice",
  );
});
