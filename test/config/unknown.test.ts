/** A section or key that nobody reads has one warning, with what was meant. */
import { describe, expect, test } from "vitest";
import { nearest } from "../../src/config/nearest.js";
import { parseConfig } from "../../src/config/parse.js";
import { boot } from "../support/boot.js";
import { configOf, parse, toyHost } from "./support.js";

const PROGRAM = "[program:x]\ncommand=/bin/cat\n";

function warnings(sections: string): readonly string[] {
  return configOf(parse(sections)).messages.map(({ level, text }) => `${level} ${text}`);
}

describe("is named, with file, line and the nearest known name", () => {
  test.each([
    [
      "autorestrat=true",
      "unknown key 'autorestrat' in [program:x] is ignored (/etc/s.conf:3); did you mean autorestart?",
    ],
    [
      "stdout_logfle=/tmp/x",
      "unknown key 'stdout_logfle' in [program:x] is ignored (/etc/s.conf:3); did you mean stdout_logfile?",
    ],
    [
      "auto_start=true",
      "unknown key 'auto_start' in [program:x] is ignored (/etc/s.conf:3); did you mean autostart?",
    ],
    ["depend=y", "unknown key 'depend' in [program:x] is ignored (/etc/s.conf:3)"],
    [
      "loglevel=debug",
      "unknown key 'loglevel' in [program:x] is ignored (/etc/s.conf:3); it is a key of [supervisord]",
    ],
    [
      "buffer_size=1",
      "unknown key 'buffer_size' in [program:x] is ignored (/etc/s.conf:3); it is a key of [eventlistener:NAME]",
    ],
    [
      "[program:y",
      "'[program' in [program:x] is ignored (/etc/s.conf:3); is it the header of a section, without its closing bracket?",
    ],
  ])("the key %s", (line, text) => {
    expect(warnings(`${PROGRAM}${line}\n`)).toEqual([`warn ${text}`]);
  });

  test.each([
    ["[progam:x]", "unknown section [progam:x] is ignored (/etc/s.conf:1); did you mean [program:x]?"],
    [
      "[event_listener:x]",
      "unknown section [event_listener:x] is ignored (/etc/s.conf:1); did you mean [eventlistener:x]?",
    ],
    ["[supervisor]", "unknown section [supervisor] is ignored (/etc/s.conf:1); did you mean [supervisord]?"],
    ["[program]", "unknown section [program] is ignored (/etc/s.conf:1); did you mean [program:NAME]?"],
    [
      "[supervisorctl:x]",
      "unknown section [supervisorctl:x] is ignored (/etc/s.conf:1); did you mean [supervisorctl]?",
    ],
    ["[uwsgi]", "unknown section [uwsgi] is ignored (/etc/s.conf:1)"],
  ])("the section %s", (header, text) => {
    expect(warnings(`${header}\nanything=1\n`)).toEqual([`warn ${text}`]);
  });

  test("the same key in many sections is one line with their number", () => {
    const sections = ["a", "b", "c"]
      .map((name) => `[program:${name}]\ncommand=/bin/cat\ndepend=z\n`)
      .join("");
    expect(warnings(sections)).toEqual([
      "warn unknown key 'depend' is ignored in 3 sections, first in [program:a] (/etc/s.conf:3)",
    ]);
  });

  test("the file is the included one where the key stands there", () => {
    const host = toyHost({
      "/etc/s.conf": "[supervisord]\n[include]\nfiles=conf.d/*.conf\n",
      "/etc/conf.d/x.conf": `${PROGRAM}autorestrat=true\n`,
    });
    expect(configOf(parseConfig("/etc/s.conf", host)).messages.map(({ text }) => text)).toContain(
      "unknown key 'autorestrat' in [program:x] is ignored (/etc/conf.d/x.conf:3); did you mean autorestart?",
    );
  });
});

describe("nothing is said of", () => {
  test.each([
    [
      "every key there is",
      "[unix_http_server:two]\nfile=/tmp/s\nchmod=0700\n[group:g]\nprograms=x\npriority=1\n",
    ],
    ["keys of plugins", "dependent_startup=true\ndependent_startup_wait_for=a:running\n"],
    ["options of plugins", "[ctlplugin:c]\nsupervisor.ctl_factory=a:b\nwhatever=1\n"],
  ])("%s", (_what, text) => {
    expect(warnings(`${PROGRAM}${text}`)).toEqual([]);
  });

  test("what stands in [DEFAULT] for others to use", () => {
    expect(warnings(`[DEFAULT]\nroot=/srv\n${PROGRAM}`)).toEqual([]);
  });
});

test("the nearest name is one or few typing mistakes away, and the closer one wins", () => {
  expect(nearest("prot", ["port", "prob"])).toBe("port");
  expect(nearest("x", ["abc"])).toBe(null);
  expect(nearest("startsec", ["startretries", "startsecs"])).toBe("startsecs");
});

test("is told at the start, and at each reread and update", async () => {
  await using daemon = await boot("[program:x]\ncommand=/bin/cat\nautorestrat=true\n");
  const lines = (): readonly string[] => daemon.log().filter((line) => line.includes("autorestrat"));
  expect(lines()).toEqual([
    `WARN unknown key 'autorestrat' in [program:x] is ignored (${daemon.conf}:18); did you mean autorestart?`,
  ]);
  await daemon.ctl(["reread"]);
  expect(lines().length).toBe(2);
  await daemon.ctl(["update"]);
  expect(lines().length).toBe(3);
});
