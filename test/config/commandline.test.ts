import { describe, expect, test } from "vitest";
import { parseSupervisorctlArgs, parseSupervisordArgs } from "../../src/config/commandline.js";
import { findConfigFile } from "../../src/config/find.js";
import { getopt } from "../../src/config/getopt.js";
import { toyHost } from "./support.js";

const host = toyHost({ "/etc/s.conf": "" });
const daemon = (...argv: readonly string[]): unknown => parseSupervisordArgs(argv, host);
const client = (...argv: readonly string[]): unknown => parseSupervisorctlArgs(argv, host);
const ran = (configuration: string | null, overrides: object): unknown => ({
  kind: "run",
  configuration,
  overrides,
});
const error = (message: string): unknown => ({ kind: "error", message });

describe("supervisord", () => {
  test("takes every option, short or long, clustered, shortened, with or without =", () => {
    const all = {
      nodaemon: true,
      silent: true,
      nocleanup: true,
      strip_ansi: true,
      user: "chris",
      umask: 0o77,
      directory: "/tmp",
      logfile: "/tmp/l",
      logfile_maxbytes: 5 * 1024 ** 2,
      logfile_backups: 3,
      loglevel: "warn",
      pidfile: "p",
      identifier: "box",
      childlogdir: "/home/chris",
      minfds: 10,
      minprocs: 20,
    };
    expect(
      daemon(
        "-nskt",
        "-c",
        "s.conf",
        "-uchris",
        "-m77",
        "-d/tmp",
        "-l",
        "/tmp/l",
        "-y5MB",
        "-z3",
        "-eWARN",
        "-jp",
        "-ibox",
        "-q~chris",
        "-a10",
        "--minprocs=20",
      ),
    ).toEqual(ran("s.conf", all));
    expect(
      daemon(
        ..."--nod --si --noc --str --us chris --um 077 --di=/tmp --logfile /tmp/l --logfile_m 5mb --logfile_b=3 --logl warn --pi=p --id box --chi /home/chris --minf 10 --minp 20 --prof cumulative --conf s.conf".split(
          " ",
        ),
      ),
    ).toEqual(ran("s.conf", all));
  });

  test("wants nothing at all", () => {
    expect(daemon()).toEqual(ran(null, {}));
    expect(daemon("-n", "--")).toEqual(ran(null, { nodaemon: true }));
    expect(daemon("-i", "-n", "-c", "--")).toEqual(ran("--", { identifier: "-n" }));
    expect(daemon("--identifier=a=b", "--configuration=")).toEqual(ran("", { identifier: "a=b" }));
  });

  test.each([
    [["-Z"], "option -Z not recognized"],
    [["-nZ"], "option -Z not recognized"],
    [["-:"], "option -: not recognized"],
    [["--foo"], "option --foo not recognized"],
    [["--foo=1"], "option --foo not recognized"],
    [["--respawn"], "--respawn must be written out, and given to the command, not to node"],
    [["--resp"], "--respawn must be written out, and given to the command, not to node"],
    [["-c"], "option -c requires argument"],
    [["-nc"], "option -c requires argument"],
    [["--conf"], "option --configuration requires argument"],
    [["--nodaemon=1"], "option --nodaemon must not have an argument"],
    [["--nod=1"], "option --nodaemon must not have an argument"],
    [["--log", "x"], "option --log not a unique prefix"],
    [["--no"], "option --no not a unique prefix"],
    [["--=x"], "option -- not a unique prefix"],
    [["-c", "a", "-c", "b"], "conflicting command line option '-c'"],
    [["-c", "a", "--conf", "b"], "conflicting command line option '--configuration'"],
    [["-nn"], "conflicting command line option '-n'"],
    [["foo"], "positional arguments are not supported: ['foo']"],
    [["-n", "it's", "b"], "positional arguments are not supported: [\"it's\", 'b']"],
    [["--", "-n"], "positional arguments are not supported: ['-n']"],
    [["-"], "positional arguments are not supported: ['-']"],
    [["-h", "foo"], "positional arguments are not supported: ['foo']"],
    [["-y", "5XB"], "invalid value for -y '5XB': invalid literal for int() with base 10: '5xb'"],
    [["--umask", "9"], "invalid value for --umask '9': 9 can not be converted to an octal type"],
    [["-d", "/nosuch"], "invalid value for -d '/nosuch': /nosuch is not an existing directory"],
    [
      ["-l", "/nosuch/x"],
      "invalid value for -l '/nosuch/x': The directory named as part of the path /nosuch/x does not exist",
    ],
    [["-e", "Loud"], "invalid value for -e 'Loud': bad logging level name 'Loud'"],
    [["-z", "x", "-h"], "invalid value for -z 'x': invalid literal for int() with base 10: 'x'"],
  ])("refuses %j", (argv, message) => {
    expect(daemon(...argv)).toEqual(error(message));
  });

  test("prints help and version before it looks at what follows", () => {
    for (const argv of [["-h"], ["--help"], ["-?"], ["-nh", "-y", "x"]])
      expect(daemon(...argv)).toEqual({
        kind: "help",
        text: expect.stringMatching(
          /^supervisord -- run a set of applications as daemons\.\n\nUsage: supervisord \[options\]\n.*\n-c\/--configuration FILENAME -- .*--minprocs/s,
        ),
      });
    expect(daemon("-v")).toEqual({ kind: "version" });
    expect(daemon("--version", "-h")).toEqual({ kind: "version" });
  });
});

describe("supervisorctl", () => {
  const run = (more: object): unknown => ({
    kind: "run",
    configuration: null,
    overrides: {},
    action: [],
    interactive: false,
    ...more,
  });

  test("leaves what follows the action to the action", () => {
    expect(client("-c", "x", "status", "-c", "y", "--help")).toEqual(
      run({ configuration: "x", action: ["status", "-c", "y", "--help"] }),
    );
    expect(client("--", "-x", "--", "y")).toEqual(run({ action: ["-x", "--", "y"] }));
  });

  test("without an action is a shell", () => {
    expect(client()).toEqual(run({ interactive: true }));
    expect(client("-i", "status")).toEqual(run({ action: ["status"], interactive: true }));
  });

  test("takes its options", () => {
    expect(client("-shttp://h:1", "-u", "me", "--pass=it", "-r", "~/h", "pid")).toEqual(
      run({
        overrides: { serverurl: "http://h:1", username: "me", password: "it", history_file: "~/h" },
        action: ["pid"],
      }),
    );
  });

  test.each([
    [["-s", "foo"], "invalid value for -s 'foo': value 'foo' is not a URL"],
    [["-s", "http://"], "invalid value for -s 'http://': value 'http://' is not a URL"],
    [["-s", "http:?q"], "invalid value for -s 'http:?q': value 'http:?q' is not a URL"],
    [["--version"], "option --version not recognized"],
    [["-n"], "option -n not recognized"],
    [["-i", "--inter"], "conflicting command line option '--interactive'"],
  ])("refuses %j", (argv, message) => {
    expect(client(...argv)).toEqual(error(message));
  });

  test.each(["unix:///tmp/x", "http://h", "localhost:9001", "http:x"])("takes %s as a URL", (url) => {
    expect(client("-s", url, "pid")).toMatchObject({ overrides: { serverurl: url } });
  });
});

test("getopt gives options in order and in full", () => {
  const spec = { short: "ab:", long: ["alpha", "beta=", "betamax"] };
  expect(getopt(["-ab1", "--al", "--beta", "2", "--betam", "rest", "-a"], spec)).toEqual({
    ok: true,
    given: [
      { option: "-a", value: null },
      { option: "-b", value: "1" },
      { option: "--alpha", value: null },
      { option: "--beta", value: "2" },
      { option: "--betamax", value: null },
    ],
    rest: ["rest", "-a"],
  });
});

describe("the configuration file", () => {
  const places =
    "/opt/etc/supervisord.conf, /opt/supervisord.conf, supervisord.conf, etc/supervisord.conf, /etc/supervisord.conf, /etc/supervisor/supervisord.conf";

  test("is the one that -c names, there or not", () => {
    expect(findConfigFile("x.conf", "/opt/bin/supervisord", host)).toEqual({ ok: true, path: "x.conf" });
  });

  test("is else the first of six places", () => {
    const found = (...files: readonly string[]): unknown =>
      findConfigFile(
        null,
        "/opt/bin/supervisord",
        toyHost(Object.fromEntries(files.map((file) => [file, ""])), { cwd: "/srv" }),
      );
    expect(found()).toEqual({
      ok: false,
      searched: places.split(", "),
      message: `No config file found at default paths (${places}); use the -c option to specify a config file at a different path`,
    });
    expect(found("/etc/supervisord.conf", "/etc/supervisor/supervisord.conf")).toEqual({
      ok: true,
      path: "/etc/supervisord.conf",
    });
    expect(found("/etc/supervisord.conf", "/srv/etc/supervisord.conf")).toEqual({
      ok: true,
      path: "etc/supervisord.conf",
    });
    expect(found("/opt/etc/supervisord.conf", "/srv/supervisord.conf")).toEqual({
      ok: true,
      path: "/opt/etc/supervisord.conf",
    });
  });
});
