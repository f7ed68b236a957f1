/** Confs as people run them: a queue, a task scheduler, web containers, a network switch. */
import { environ } from "../support/processes.js";
import type { Ran } from "../support/run-command.js";
import { until } from "../support/until.js";
import { allRunning, field, named, putOut, sortedLines } from "./field.js";

/** Who is done first is a matter of scheduling. */
const sorted = (ran: Ran): unknown => ({ ...ran, out: sortedLines(ran.out) });

const WORKERS = Array.from({ length: 8 }, (_, index) => `shop:laravel-worker_0${index}`);

field("eight queue workers and a scheduler in a group of an included file", {
  conf: "laravel",
  confd: "etc/supervisor/conf.d",
  socket: "var/run/supervisor.sock",
  log: "var/log/supervisor/supervisord.log",
  stay: ["usr/bin/php"],
  directories: ["var/run", "var/log/supervisor", "var/www/shop/storage/logs"],
  async play(stage) {
    const { ctl, read, state, rpc, log, daemon } = stage;
    await allRunning(stage, [...WORKERS, "shop:laravel-schedule"]);
    const worker = "var/www/shop/storage/logs/worker.log";
    await until(() => read(worker).split("\n").length > 16, "a line and a complaint of each worker");
    const booted = [
      await ctl("status"),
      await ctl("avail"),
      [...sortedLines(read(worker))],
      read("var/www/shop/storage/logs/laravel-schedule.log"),
      read("var/www/shop/storage/logs/laravel-schedule-error.log"),
      named(log(/spawned/)),
      log(/Included/),
    ];
    const restarted = sorted(await ctl("restart", "shop:*"));
    await allRunning(stage, [...WORKERS, "shop:laravel-schedule"]);
    const one = [await ctl("restart", "shop:laravel-worker_03"), await ctl("restart", "laravel-worker:*")];
    await state("shop:laravel-worker_03", "RUNNING");
    const { pid } = await stage.info("shop:laravel-worker_05");
    process.kill(Number(pid), "SIGKILL");
    await stage.logged("exited: laravel-worker_05 (terminated by SIGKILL; not expected)");
    await until(async () => {
      const now = await stage.info("shop:laravel-worker_05");
      return now["statename"] === "RUNNING" && now["pid"] !== pid;
    }, "another worker");
    const stopped = sorted(await ctl("stop", "shop:*"));
    const started = sorted(await ctl("start", "shop:*"));
    const before = log(/stopped: /).length;
    const off = await rpc("supervisor.shutdown");
    const exit = await daemon.exited;
    return [
      booted,
      restarted,
      one,
      stopped,
      started,
      off,
      exit,
      [...named(log(/stopped: /).slice(before))].sort(),
    ];
  },
});

field("celery and its beat, commented in Chinese", {
  conf: "celery",
  socket: "var/run/supervisor.sock",
  log: "var/log/supervisord.log",
  stay: ["opt/venv/bin/celery"],
  directories: ["var/run", "var/log/celery", "srv/proj"],
  async play(stage) {
    const { ctl, read, daemon, log, rpc, info } = stage;
    await allRunning(stage, ["celery", "celerybeat"]);
    await until(() => read("var/log/celery/worker.log").split("\n").length > 2, "the worker's lines");
    await until(() => read("var/log/celery/beat.log").split("\n").length > 2, "beat's lines");
    const configs = (await rpc("supervisor.getAllConfigInfo")) as readonly Record<string, unknown>[];
    const seen = [
      await ctl("status"),
      await ctl("avail"),
      configs.map(({ autorestart: _, ...config }) => config), // 4.2.5 doesn't tell autorestart
      named(log(/spawned/)),
      sortedLines(read("var/log/celery/worker.log")),
      sortedLines(read("var/log/celery/beat.log")),
      await ctl("restart", "celery"),
      await ctl("stop", "celerybeat"),
      await ctl("tail", "celerybeat"),
      await info("celerybeat"),
      await ctl("start", "celerybeat"),
      await ctl("shutdown"),
    ];
    return [seen, await daemon.exited, log(/stopped: /)];
  },
});

field("nginx and php-fpm in a container that logs to its stdout", {
  conf: "web",
  socket: "run/supervisor.sock",
  log: null,
  auth: "web:web",
  env: { PHP_VERSION: "8.2" },
  stay: ["usr/sbin/nginx", "usr/sbin/php-fpm8.2"],
  directories: ["run"],
  async play(stage) {
    const { ctl, daemon, info, read } = stage;
    await allRunning(stage, ["php-fpm", "nginx"]);
    await putOut(stage, "nginx -g daemon off;", "php-fpm8.2 --nodaemonize", "nginx entered RUNNING");
    const seen = [await ctl("status"), await ctl("avail")];
    const pid = Number((await info("nginx"))["pid"]);
    process.kill(pid, "SIGKILL");
    await putOut(stage, "exited: nginx (terminated by SIGKILL; not expected)");
    await until(async () => {
      const now = await info("nginx");
      return now["statename"] === "RUNNING" && now["pid"] !== pid;
    }, "another nginx");
    const more = [await ctl("restart", "nginx"), await ctl("tail", "nginx"), await ctl("shutdown")];
    const exit = await daemon.exited;
    const lines = await putOut(stage, "nginx leaves", "php-fpm8.2 leaves");
    return [
      seen,
      more,
      exit,
      lines.filter((line) => /^[A-Z]{4} (?:spawned|stopped|exited|success)/.test(line)),
      lines.filter((line) => !/^[A-Z]{4} /.test(line)).sort(),
      sortedLines(read("container.err")),
    ];
  },
});

field("a Jupyter image with nothing but programs", {
  conf: "jupyter",
  socket: null,
  log: "tmp/supervisord.log",
  env: { JUPYTER_PORT: "8888", JUPYTER_BASE_URL: "/hub/user" },
  stay: ["usr/bin/jupyter", "usr/bin/tensorboard"],
  once: ["app/prepare-notebooks.sh"],
  directories: ["tmp", "var/log", "home/nobody/work", "app"],
  async play(stage) {
    const { daemon, logged, log } = stage;
    await logged("success: jupyter entered RUNNING");
    await putOut(stage, "jupyter lab", "prepare-notebooks.sh --once", "a word on stderr");
    const pid = Number(/spawned: 'jupyter' with pid (\d+)/.exec(log(/spawned: 'jupyter/)[0] ?? "")?.[1]);
    const { HOME, USER, SHELL, SUPERVISOR_SERVER_URL } = environ(pid);
    daemon.kill("SIGTERM");
    const exit = await daemon.exited;
    const lines = await putOut(stage, "jupyter leaves");
    return [
      { HOME, USER, SHELL, SUPERVISOR_SERVER_URL },
      exit,
      lines.filter((line) => !/^[A-Z]{4} /.test(line)).sort(),
      // With startsecs=0 the reference says so only when it looks before the program has ended.
      log(/^(?!INFO success: prepare )/).map((line) => line.replace(/with pid \d+/, "with pid PID")),
    ];
  },
});

field("gunicorn and mailers with what the environment says", {
  conf: "gunicorn",
  socket: "run/supervisor.sock",
  log: "var/log/supervisord.log",
  env: { RUN_DIR: "%(dir)s/run", WEB_CONCURRENCY: "3" },
  stay: ["srv/shop/venv/bin/gunicorn", "srv/shop/venv/bin/python"],
  directories: ["run", "log", "var/log"],
  async play(stage) {
    const { ctl, daemon, info, log, read, printed, rpc } = stage;
    const all = ["shop:gunicorn", "shop:shop-mailer-1", "shop:shop-mailer-2"];
    await allRunning(stage, all);
    await printed("shop:gunicorn", "a word on stderr");
    const environments = [];
    for (const name of all) {
      const { SUPERVISORD_TS_TEST_DIR: _, PATH, ...env } = environ(Number((await info(name))["pid"]));
      environments.push({ ...env, PATH: PATH?.split(":").slice(0, 2) });
    }
    const seen = [
      environments,
      await ctl("status"),
      await ctl("avail"),
      log(/Included|spawned/).map((line) => line.replace(/with pid \d+/, "")),
      read("var/log/gunicorn.log"),
      read("log/mailer-1.log"),
      sorted(await ctl("restart", "shop:shop-mailer-1", "shop:gunicorn")),
      sorted(await ctl("stop", "shop:*")),
      await ctl("status", "shop:*"),
      await rpc("supervisor.getProcessInfo", "shop:gunicorn"),
      sorted(await ctl("start", "all")),
    ];
    const left = await rpc("supervisor.shutdown");
    return [seen, left, await daemon.exited];
  },
});

field("sshd and cron in a container that ends with one of them", {
  conf: "bastion",
  socket: "var/run/supervisor.sock",
  log: "var/log/supervisor/supervisord.log",
  stay: ["usr/sbin/sshd", "usr/sbin/cron"],
  directories: ["var/run", "var/log/supervisor"],
  async play(stage) {
    const { ctl, daemon, info, log, printed, files } = stage;
    await allRunning(stage, ["sshd", "cron", "processes"]);
    await printed("sshd", "sshd -D -e");
    await printed("cron", "cron -f -L 15");
    const seen = [await ctl("status"), await ctl("avail"), await ctl("tail", "cron", "stderr")];
    process.kill(Number((await info("cron"))["pid"]), "SIGKILL");
    return [
      seen,
      await daemon.exited,
      log(/./).map((line) => line.replace(/with pid \d+/, "with pid PID")),
      files("var/log/supervisor").filter((file) => !file.includes("---")),
      files("var/run"),
    ];
  },
});

const DAEMONS = {
  "usr/bin":
    "portsyncd orchagent syncd coppmgrd neighsyncd fdbsyncd vlanmgrd intfmgrd portmgrd buffermgrd vrfmgrd nbrmgrd vxlanmgrd tunnelmgrd macsecmgrd gearsyncd countersyncd",
  "usr/sbin":
    "rsyslogd zebra bgpd ospfd bfdd staticd pathd fpmsyncd bgpcfgd lldpd lldp-syncd snmpd snmp-subagent teamsyncd stpd dhcpmon radvd telemetry xcvrd psud thermalctld",
};
const DAEMON_NAMES = Object.values(DAEMONS).flatMap((names) => names.split(" "));
/** As in the conf: what must have come before. */
const AFTER: Readonly<Record<string, readonly string[]>> = {
  start: ["rsyslogd"],
  "restore-neighbors": ["start"],
  orchagent: ["start"],
  vlanmgrd: ["orchagent"],
  zebra: ["orchagent", "syncd"],
  "enable-counters": ["bgpd"],
};

field("forty-one programs of a network switch, started by what they depend on", {
  conf: "switch",
  socket: "var/run/supervisor.sock",
  log: "var/log/supervisord.log",
  stay: Object.entries(DAEMONS).flatMap(([place, names]) =>
    names.split(" ").map((name) => `${place}/${name}`),
  ),
  once: ["usr/bin/start.sh", "usr/bin/restore-neighbors.sh", "usr/bin/enable-counters.py"],
  directories: ["var/run", "var/log", "etc/supervisor"],
  async play(stage) {
    const { ctl, daemon, info, log, read, state, write } = stage;
    write("etc/supervisor/supervisord.conf", read("supervisord.conf"));
    await allRunning(stage, DAEMON_NAMES);
    for (const name of ["start", "restore-neighbors", "enable-counters"]) await state(name, "EXITED");
    const spawned = named(log(/spawned/));
    const early = Object.entries(AFTER).flatMap(([name, others]) =>
      others.filter((other) => spawned.indexOf(other) > spawned.indexOf(name)).map((other) => [name, other]),
    );
    const seen = [
      await ctl("status"),
      await ctl("avail"),
      spawned.slice(0, 2),
      [...spawned].sort(),
      early,
      log(/WARN|ERRO|CRIT/),
      await ctl("restart", "bgpd"),
      await ctl("stop", "snmpd", "lldpd"),
      await ctl("start", "snmpd"),
      await ctl("pid", "snmp-nosuch"),
    ];
    const before = log(/stopped: /).length;
    process.kill(Number((await info("orchagent"))["pid"]), "SIGKILL");
    const exit = await daemon.exited;
    // Whether the listener or the automatic restart comes first is open.
    const stopped = named(log(/stopped: /).slice(before)).filter((name) => name !== "orchagent");
    return [seen, exit, stopped, log(/exited: orchagent/)];
  },
});
