/** Confs with the traps that are met most in public ones: what becomes of each is what becomes of it in Supervisor. */
import { allRunning, putOut, sortedLines } from "./field.js";
import { alsoSays, refused, type Seen, trap, variables } from "./traps.js";

const RUN_SOCKET = "run/supervisor.sock";
const SOCKET = "var/run/supervisor.sock";
const LOG = "var/log/supervisord.log";

trap("a Flask image with nothing but two programs, one of which goes to the background", {
  conf: "flask",
  socket: null,
  log: "supervisord.log",
  stay: ["usr/local/bin/uwsgi"],
  background: ["usr/sbin/nginx"],
  states: { uwsgi: "RUNNING", nginx: "FATAL" },
  async look({ log }) {
    const pid = /spawned: 'uwsgi' with pid (\d+)/.exec(log(/spawned: 'uwsgi'/)[0] ?? "")?.[1];
    return variables(pid, "PATH", "HOME", "FLASK_ENV");
  },
});

trap("php-fpm without -F, service and an init script as programs", {
  conf: "symfony",
  socket: RUN_SOCKET,
  log: LOG,
  stay: ["usr/bin/php"],
  once: ["usr/sbin/service", "etc/init.d/cron"],
  background: ["usr/sbin/php-fpm7.4"],
  states: {
    "php-fpm": "FATAL",
    web: "FATAL",
    cron: "FATAL",
    "messenger:messenger_00": "RUNNING",
    "messenger:messenger_01": "RUNNING",
  },
});

trap("a directory that isn't there, logs by relative paths, a user without HOME", {
  conf: "channels",
  socket: SOCKET,
  log: "logs/supervisord.log",
  stay: ["opt/venv/bin/daphne", "opt/venv/bin/celery"],
  directories: ["srv/site"],
  states: { daphne: "RUNNING", flower: "FATAL", worker: "RUNNING" },
  look: async ({ info }) => variables((await info("daphne"))["pid"], "HOME", "USER", "LOGNAME"),
});

trap("Laravel: sh that waits, an endless one-shot, KILL, everybody's socket and port", {
  conf: "horizon",
  socket: "tmp/supervisor.sock",
  log: "tmp/supervisord.log",
  stay: ["usr/bin/php"],
  once: ["var/www/html/schedule.sh"],
  states: { horizon: "RUNNING", websockets: "RUNNING" },
  // How soon it ends, and is looked at, is open.
  open: /schedule|waiting for/,
  differs: alsoSays(
    "what a stop without stopasgroup has left behind is named in WARN lines",
    "WARN horizon (PID) was stopped, but a process of its group lives on: PID (/bin/sh DIR/usr/bin/php DIR/var/www/ht...); stopasgroup=true and killasgroup=true end them too",
    "WARN no longer reading what descendants of 'horizon' (PID) write; they go on, and wait once their pipe is full",
  ),
});

trap("WordPress with CRLF line ends", {
  conf: "wordpress",
  socket: null,
  log: null,
  stay: ["usr/bin/apache2-foreground", "usr/bin/mysqld_safe"],
  states: {},
  atWork: 2,
});

trap("Airflow: values without quotes, events and capture that nobody listens to", {
  conf: "airflow",
  socket: SOCKET,
  log: LOG,
  stay: ["usr/local/bin/airflow"],
  states: { webserver: "RUNNING", scheduler: "RUNNING" },
  differs: alsoSays(
    "what only the older reading of environment= can read is read so, with a WARN line",
    'WARN [program:webserver] environment: read as Supervisor 4.3 does, since the quotes are not where a shell wants them; quote each whole value: BROKER="...",NOTE="...",EXTRA="...",TIMEZONE="...",LABEL="...",WORKERS="...",OWNER="..." (DIR/supervisord.conf:19)',
  ),
  look: async ({ info }) =>
    variables(
      (await info("webserver"))["pid"],
      "AIRFLOW_HOME",
      "AIRFLOW__CORE__LOAD_EXAMPLES",
      "BROKER",
      "EXTRA",
      "NOTE",
      "TIMEZONE",
      "LABEL",
      "WORKERS",
      "OWNER",
    ),
});

trap("a switch's routing: everything to syslog", {
  conf: "bgp",
  socket: SOCKET,
  log: null,
  stay: ["usr/sbin/rsyslogd", "usr/lib/frr/zebra", "usr/lib/frr/bgpd"],
  states: { rsyslogd: "RUNNING", zebra: "RUNNING", bgpd: "STOPPED" },
});

trap("keys and sections that nobody reads", {
  conf: "legacy",
  socket: SOCKET,
  log: LOG,
  stay: ["opt/edge/collector", "opt/edge/uplink", "opt/edge/mqtt"],
  states: { collector: "RUNNING", uplink: "RUNNING", mqtt: "RUNNING" },
  differs: alsoSays(
    "a key or section that nobody reads is named in a WARN line",
    ...[
      "'[program' in [program:mqtt] is ignored (DIR/supervisord.conf:60); is it the header of a section, without its closing bracket?",
      "unknown key 'auto_start' is ignored in 2 sections, first in [program:collector] (DIR/supervisord.conf:33); did you mean autostart?",
      "unknown key 'autorestart' in [supervisord] is ignored (DIR/supervisord.conf:22); it is a key of [program:NAME]",
      "unknown key 'autorestrat' in [program:uplink] is ignored (DIR/supervisord.conf:44); did you mean autorestart?",
      "unknown key 'critical' in [supervisord] is ignored (DIR/supervisord.conf:20)",
      "unknown key 'depend' is ignored in 2 sections, first in [program:collector] (DIR/supervisord.conf:36)",
      "unknown key 'group' in [program:collector] is ignored (DIR/supervisord.conf:37)",
      "unknown key 'http_port' in [supervisord] is ignored (DIR/supervisord.conf:19)",
      "unknown key 'log_stdout' in [program:collector] is ignored (DIR/supervisord.conf:34)",
      "unknown key 'logfile_backupcount' in [supervisord] is ignored (DIR/supervisord.conf:15)",
      "unknown key 'nodename' in [inet_http_server] is ignored (DIR/supervisord.conf:8)",
      "unknown key 'pidfile' in [program:collector] is ignored (DIR/supervisord.conf:35); it is a key of [supervisord]",
      "unknown key 'port' in [unix_http_server] is ignored (DIR/supervisord.conf:4); it is a key of [inet_http_server]",
      "unknown key 'redirect_stdout' in [program:uplink] is ignored (DIR/supervisord.conf:46); did you mean redirect_stderr?",
      "unknown key 'remotes' in [inet_http_server] is ignored (DIR/supervisord.conf:9)",
      "unknown key 'stderr_logfile' in [supervisord] is ignored (DIR/supervisord.conf:17); it is a key of [program:NAME]",
      "unknown key 'stderr_maxbytes' in [program:uplink] is ignored (DIR/supervisord.conf:48)",
      "unknown key 'stdout_logfile' in [supervisord] is ignored (DIR/supervisord.conf:16); it is a key of [program:NAME]",
      "unknown key 'stdout_logfle' in [program:uplink] is ignored (DIR/supervisord.conf:49); did you mean stdout_logfile?",
      "unknown key 'stdout_maxbytes' in [program:uplink] is ignored (DIR/supervisord.conf:47)",
      "unknown key 'unmask' in [supervisord] is ignored (DIR/supervisord.conf:21); did you mean umask?",
      "unknown section [progam:agent] is ignored (DIR/supervisord.conf:53); did you mean [program:agent]?",
    ].map((text) => `WARN ${text}`),
  ),
});

trap("all output in one stream by a listener and its handler in Python", {
  conf: "one-stream",
  socket: RUN_SOCKET,
  log: LOG,
  stay: ["usr/lib/postgresql/bin/postgres", "usr/bin/pgbouncer"],
  states: { postgres: "RUNNING", pgbouncer: "RUNNING", stdout: "RUNNING" },
  atWork: 2,
  // Which last words still come to the listener is open.
  open: /leaves|RESULT /,
  look: (stage) =>
    putOut(
      stage,
      "postgres stdout | postgres -D",
      "postgres stderr | postgres: a word",
      "pgbouncer stdout | pgbouncer",
      "pgbouncer stderr | pgbouncer: a word",
    ).then(() => null),
});

trap("a container that ends with its program", {
  conf: "oneshot-container",
  socket: null,
  log: LOG,
  stay: ["app/api"],
  once: ["app/migrate.sh"],
  states: { migrate: "EXITED", api: "RUNNING", exit: "RUNNING" },
  atWork: 1,
  open: /success: migrate/,
  async end({ log }) {
    process.kill(Number(/pid (\d+)/.exec(log(/spawned: 'api'/)[0] ?? "")?.[1]), "SIGTERM");
  },
});

trap("a listener whose protocol is in the container's output", {
  conf: "protocol",
  socket: null,
  log: LOG,
  stay: ["usr/bin/haproxy"],
  states: { proxy: "RUNNING", watch: "RUNNING" },
  atWork: 1,
  look: (stage) => putOut(stage, "READY").then(() => null),
});

trap("the main log to /dev/stdout of a daemon in the foreground", {
  conf: "all-to-stdout",
  socket: RUN_SOCKET,
  log: null,
  stay: ["usr/local/bin/gitea"],
  states: { gitea: "RUNNING" },
});

trap("devices as logs that are to be rotated", {
  conf: "rotating-device",
  socket: null,
  log: LOG,
  stay: ["usr/bin/redis-server", "usr/bin/redis-sentinel"],
  states: { redis: "RUNNING", sentinel: "RUNNING" },
  differs: {
    reason:
      "a device is written to however large a log may be; the reference fails to rotate it, with a CRIT line",
    ours: ({ log, ...seen }: Seen) => ({
      ...seen,
      log: log.filter((line) => !line.startsWith("CRIT uncaptured")),
    }),
  },
});

trap("a group of programs of later files, and keys and sections that come twice", {
  conf: "groups",
  confd: "etc/supervisor/conf.d",
  socket: SOCKET,
  log: LOG,
  stay: ["srv/shop/api", "srv/shop/queue", "srv/shop/mail"],
  states: { "shop:api": "RUNNING", "shop:queue": "RUNNING", mail: "RUNNING" },
});

trap("a server, and no section for the client", {
  conf: "no-ctl",
  socket: "tmp/supervisor.sock",
  log: LOG,
  stay: ["usr/sbin/varnishd"],
  states: { varnish: "RUNNING" },
});

trap("a server, and none of its methods", {
  conf: "no-rpc",
  socket: SOCKET,
  log: LOG,
  stay: ["usr/bin/memcached"],
  byLog: true,
  states: { memcached: "RUNNING" },
});

trap("signs that cut a command", {
  conf: "cut",
  socket: RUN_SOCKET,
  log: LOG,
  stay: ["usr/local/bin/render"],
  states: { theme: "RUNNING", chain: "RUNNING", anchor: "RUNNING" },
});

trap("more retries than an XML-RPC integer can say", {
  conf: "retries",
  socket: SOCKET,
  log: LOG,
  stay: ["opt/miner/miner", "opt/miner/feed"],
  states: { miner: "RUNNING", feed: "RUNNING" },
  differs: {
    reason:
      "an integer that XML-RPC has no room for is sent as the largest there is; the reference answers 500",
    ours: ({ log, asked, ...seen }: Seen) => ({
      ...seen,
      asked: {
        ...(asked as object),
        avail: {
          out:
            "feed                             in use    auto      999:999\n" +
            "miner                            in use    auto      999:999\n",
          err: "",
          exit: 0,
        },
      },
      container: [],
      log: log.filter((line) => /^(INFO|CRIT Server)/.test(line)),
    }),
  },
});

trap("a desktop in a container, with what the environment says", {
  conf: "novnc",
  socket: null,
  log: "var/log/supervisor/supervisord.log",
  env: { DISPLAY_NUMBER: "1", RESOLUTION: "1280x1024" },
  stay: ["usr/bin/Xvfb", "usr/bin/openbox-session", "usr/bin/x11vnc"],
  directories: ["var/log/supervisor"],
  states: { xvfb: "RUNNING", openbox: "RUNNING", x11vnc: "RUNNING" },
});

const CLOUD =
  "aodh-api barbican-api ceilometer-agent designate-api glance-api glance-registry gnocchi-api heat-api heat-engine horizon-web ironic-api ironic-conductor keystone magnum-api swift-account swift-object swift-proxy trove-api zaqar-api cinder:cinder-api cinder:cinder-scheduler cinder:cinder-volume neutron:neutron-dhcp neutron:neutron-l3 neutron:neutron-metadata neutron:neutron-server nova:nova-api nova:nova-compute nova:nova-conductor nova:nova-scheduler".split(
    " ",
  );
const BY_HAND = new Set(["glance-registry", "swift-object", "designate-api"]);

trap("thirty programs of a cloud", {
  conf: "cloud",
  socket: SOCKET,
  log: LOG,
  stay: CLOUD.map((name) => `usr/local/bin/${name.replace(/.*:/, "")}`),
  states: Object.fromEntries(CLOUD.map((name) => [name, BY_HAND.has(name) ? "STOPPED" : "RUNNING"])),
  open: /waiting for .* to stop/,
  async look(stage) {
    const { ctl } = stage;
    const answers = [
      await ctl("start", ...BY_HAND),
      await ctl("stop", "nova:*"),
      await ctl("restart", "neutron:neutron-l3", "keystone"),
    ];
    await allRunning(stage, [...BY_HAND, "neutron:neutron-l3", "keystone"]);
    return answers.map(({ out, err, exit }) => [sortedLines(out), err, exit]);
  },
});

refused("a user that the machine lacks", "odoo");
refused("a variable that is not in the environment", "node-env");
refused("a lone percent sign outside the command", "percent");
refused("a percent sign and a brace in a command", "percent-brace");
refused("an address in environment= without quotes", "mailer");
refused("two words in environment= without quotes", "env-words");
