/** The command lines of daemon and client: options, what they beat, and how they are refused. */

import type { Ran } from "../support/run-command.js";
import { scenario } from "./scenario.js";

const area = "command line";

const REFUSED: readonly (readonly string[])[] = [
  ["-Z"],
  ["--foo"],
  ["-c"],
  ["--nodaemon=1"],
  ["--log", "x"],
  ["-c", "a", "-c", "b"],
  ["-n", "--nodaemon"],
  ["-c", "a", "--conf", "b"],
  ["foo"],
  ["-n", "foo", "bar"],
  ["-y", "5XB"],
  ["-z", "x"],
  ["-e", "loud"],
  ["-m", "9"],
  ["-a", "x"],
  ["--minprocs", "x"],
  ["-c", "supervisord.conf", "-u", "nosuchuser"],
  ["-d", "/nonexistent"],
  ["-l", "/nonexistent/x"],
  ["-j", "/nonexistent/x"],
  ["-q", "/nonexistent"],
];
for (const words of REFUSED) {
  scenario(`supervisord ${words.join(" ")}`, {
    area,
    boot: false,
    play: async ({ run }) => plain(await run(words)),
  });
}

const plain = ({ out, err, exit }: Ran): unknown => ({ out, err, exit });

const CTL_REFUSED: readonly (readonly string[])[] = [
  ["-Z"],
  ["--version"],
  ["-s", "foo", "status"],
  ["-c", "/nonexistent.conf", "status"],
  ["-u", "a", "-u", "b", "status"],
  ["--interactive=1"],
  ["-s"],
];
for (const words of CTL_REFUSED) {
  scenario(`supervisorctl ${words.join(" ")}`, {
    area,
    boot: false,
    bothClients: true,
    play: ({ bareCtl }) => bareCtl(words),
  });
}

scenario("supervisorctl with a conf that has no section for it", {
  area,
  boot: false,
  bothClients: true,
  files: { "bare.conf": "[supervisord]\n" },
  play: ({ bareCtl, dir }) => bareCtl(["-c", `${dir}/bare.conf`, "status"]),
});

scenario("supervisorctl stops reading options at the action", {
  area,
  bothClients: true,
  conf: "[program:p]\ncommand=/bin/cat\nautostart=false",
  play: async ({ ctl }) => [await ctl("status", "-c", "x"), await ctl("pid", "-h")],
});

scenario("supervisord finds its conf in ./supervisord.conf and warns root", {
  area,
  boot: false,
  conf: "[program:p]\n",
  async play({ run }) {
    const { exit, err } = await run(["-n"]);
    return [
      exit,
      err.includes("Supervisord is running as root and it is searching"),
      err.includes("does not specify"),
    ];
  },
});

scenario("supervisord finds its conf in ./etc/supervisord.conf", {
  area,
  boot: false,
  files: { "sub/etc/supervisord.conf": "[supervisord]\nloglevel=wrong\n" },
  async play({ run, dir }) {
    const { exit, err } = await run(["-n"], { cwd: `${dir}/sub` });
    return [exit, err.includes("bad logging level name 'wrong'")];
  },
});

scenario("options beat the conf", {
  area,
  boot: false,
  supervisord: "identifier=fromconf\nloglevel=critical\nlogfile_maxbytes=7",
  async play({ launch, rpc, dir, files, read }) {
    await launch([
      "-i",
      "fromline",
      "-e",
      "debug",
      "-l",
      `${dir}/other.log`,
      "-j",
      `${dir}/other.pid`,
      "-y",
      "1MB",
      "-z",
      "2",
      "-k",
      "-t",
      "-a",
      "100",
    ]);
    return [
      await rpc("supervisor.getIdentification"),
      files().filter((name) => name.startsWith("other") || name.startsWith("main") || name.endsWith("pid")),
      read("other.log").includes("DEBG") || read("other.log").includes("INFO supervisord started"),
    ];
  },
});

scenario("long options by prefix, short flags in a cluster", {
  area,
  boot: false,
  async play({ launch, rpc, dir, exists }) {
    const daemon = await launch(["--ident=prefixed", "--pidf", `${dir}/prefixed.pid`, "-kst"]);
    return [await rpc("supervisor.getIdentification"), exists("prefixed.pid"), daemon.stdout()];
  },
});

scenario("-h and --help print usage and exit 0", {
  area,
  boot: false,
  async play({ run, bareCtl }) {
    const shape = ({ exit, err, out }: Ran): unknown => [
      exit,
      err,
      [...out.matchAll(/^\s*(-\w)(?:\/|, )(--\w+)/gm)].map(([, short, long]) => `${short} ${long}`).sort(),
    ];
    return [
      shape(await run(["-h"])),
      (await run(["--help"])).exit,
      shape(await bareCtl(["-h"])),
      (await bareCtl(["--help"])).exit,
    ];
  },
});
