/** tail -f of names that mean something in a URL, from a daemon of either kind. */
import { expect } from "vitest";
import { boot } from "../support/boot.js";
import { converse } from "../support/converse.js";
import { fixture } from "../support/fixture.js";
import { needs } from "../support/needs.js";
import { environment, supervisorctl } from "../support/programs.js";

const NAMES = ["w#1?", "w;x", "w%41", "w%", "wü日", "w&=+"];

const conf = NAMES.map(
  (name, index) =>
    `[program:p${index}]\nprocess_name=${name.replaceAll("%", "%%")}\ncommand=${fixture("ready")}\n`,
).join("\n");

needs("supervisor").test.each(["ours", "reference"] as const)(
  "tail -f finds them: %s daemon",
  async (which) => {
    await using daemon = await boot(conf, { which, env: { LC_ALL: "C.UTF-8" } });
    for (const [index, name] of NAMES.entries()) {
      await daemon.line(`p${index}:${name}`, "ready");
      const tail = converse(
        [...supervisorctl("ours"), "-c", daemon.conf, "tail", "-f", `p${index}:${name}`],
        { cwd: daemon.dir, env: environment(daemon.dir) },
      );
      await tail.said("ready");
      tail.kill("SIGINT");
      expect(await tail.exited).toMatchObject({ err: "", exit: 0 });
    }
  },
);
