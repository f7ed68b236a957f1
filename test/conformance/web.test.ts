/** The web pages: every action and its words, the table in every state, the tail page, files, forms. */
import { fixture } from "../support/fixture.js";
import { scenario } from "./scenario.js";
import type { Stage } from "./stage.js";

const area = "http";
const stay = `command=${fixture("ready")}`;

/** Status and where it leads, without the time of day. */
async function act({ http }: Stage, query: string, method = "GET", body?: string): Promise<unknown> {
  const { status, headers } = await http(method, `/index.html${query}`, {
    headers: {
      Host: "example",
      ...(body === undefined ? {} : { "Content-Type": "application/x-www-form-urlencoded" }),
    },
    ...(body === undefined ? {} : { body }),
  });
  const location = headers.location?.replace(/(at(?:%20|\+))\w{3}.*/, "$1TIME");
  return [query, status, location];
}

scenario("refresh, restart all, stop all", {
  area,
  conf: `[program:p]\n${stay}\n[program:q]\n${stay}\nautostart=false\n[eventlistener:ears]\ncommand=${fixture("listen-events")} %(dir)s/ears\nevents=TICK_3600`,
  async play(stage) {
    await stage.state("p", "RUNNING");
    await stage.state("ears", "RUNNING");
    const states = async (): Promise<unknown> =>
      ((await stage.rpc("supervisor.getAllProcessInfo")) as { name: string; statename: string }[]).map(
        ({ name, statename }) => [name, statename],
      );
    const refresh = await act(stage, "?action=refresh");
    const stopall = await act(stage, "?action=stopall");
    const stopped = await states();
    const restartall = await act(stage, "?action=restartall");
    for (const name of ["p", "q", "ears"]) await stage.state(name, "RUNNING");
    return [refresh, stopall, stopped, restartall];
  },
});

scenario("what an action answers when it cannot be done", {
  area,
  conf: `[program:up]\n${stay}\n[program:down]\n${stay}\nautostart=false
[program:lost]\ncommand=nosuch-command\nautostart=false\n[program:dir]\ncommand=/etc\nautostart=false
[program:boom]\ncommand=/bin/false\nautostart=false\nstartretries=0\nstartsecs=4
[program:slow]\ncommand=${fixture("ignore-sigterm")}\nstopwaitsecs=1000
[program:m]\n${stay}\n[group:g]\nprograms=m`,
  async play(stage) {
    const { state, printed, rpc } = stage;
    for (const name of ["up", "slow", "g:m"]) await state(name, "RUNNING");
    await printed("slow", "ready");
    await rpc("supervisor.stopProcess", "slow", false);
    const seen = [];
    for (const query of [
      "?processname=up&action=start",
      "?processname=lost&action=start",
      "?processname=dir&action=start",
      "?processname=boom&action=start",
      "?processname=slow&action=start",
      "?processname=down&action=stop",
      "?processname=lost&action=restart",
      "?processname=g%3Am&action=stop",
      "?processname=g%3Am&action=clearlog",
      "?processname=m&action=start",
      "?processname=g%3A*&action=start",
      "?processname=up&action=nosuch",
      "?action=nosuch",
      "?processname=up",
    ]) {
      seen.push(await act(stage, query));
    }
    return seen;
  },
});

scenario("a form that is posted, repeated keys, another path", {
  area,
  conf: `[program:p]\n${stay}\nautostart=false\n[program:q]\n${stay}\nautostart=false`,
  async play(stage) {
    const { http, info } = stage;
    const posted = await act(stage, "", "POST", "processname=p&action=start");
    const over = await act(stage, "?processname=q&action=start", "POST", "processname=p&action=stop");
    const first = await act(stage, "?processname=q&processname=p&action=start");
    const { status, headers } = await http("GET", "/?processname=q&action=stop", {
      headers: { Host: "example:80" },
    });
    return [
      posted,
      over,
      first,
      status,
      headers.location,
      (await info("p"))["statename"],
      (await info("q"))["statename"],
    ];
  },
});

scenario("the page in every state, with groups, and a message that is escaped", {
  area,
  conf: `[program:up]\n${stay}\n[program:down]\n${stay}\nautostart=false\n[program:begins]\n${stay}\nstartsecs=1000
[program:lost]\ncommand=nosuch-command\nstartretries=0
[program:slow]\ncommand=${fixture("ignore-sigterm")}\nstopwaitsecs=1000
[program:again]\ncommand=nosuch-command\nstartretries=1000
[program:m]\n${stay}\n[group:g]\nprograms=m`,
  async play({ http, state, during, printed, rpc, logged }) {
    for (const name of ["up", "slow", "g:m"]) await state(name, "RUNNING");
    await state("begins", "STARTING");
    await state("lost", "FATAL");
    await printed("slow", "ready");
    await rpc("supervisor.stopProcess", "slow", false);
    await logged("can't find command", 4);
    const look = () => http("GET", "/?message=%3Cb%3Ehello%26");
    const { status, headers, body } = await during("again", "BACKOFF", look);
    const page = body.toString();
    const rows = page.split(/<tr[^>]*>/).slice(2);
    return [
      status,
      [headers["content-type"], headers["pragma"], headers["cache-control"], headers["expires"]],
      rows.map((row) => [
        /class="(status\w+)"/.exec(row)?.[1],
        /<td class="name">?/.test(row) || row.includes("tail.html"),
        row
          .match(/(?:index|tail)\.html\?[^"]*/g)
          ?.map((link) => link.replaceAll("&amp;", "&").replace(/&?token=\w+/, "")),
        row.match(/logtail\/[^"]*/g),
      ]),
      (page.match(/class="shade"/g) ?? []).length,
      page.includes("&lt;b&gt;hello&amp;"),
      page.includes("<b>hello"),
    ];
  },
});

scenario("a page without programs, and one of two hundred", {
  area,
  conf: "[program:none]\ncommand=/bin/cat\nnumprocs=0",
  async play({ http, edit, ctl }) {
    const none = (await http("GET", "/")).body.toString();
    edit(
      `[program:many]\ncommand=/bin/cat\nautostart=false\nnumprocs=200\nprocess_name=%(program_name)s_%(process_num)03d`,
    );
    await ctl("update");
    const { status, headers, body } = await http("GET", "/");
    return [
      none.includes("No programs to manage"),
      none.includes("<tbody>"),
      status,
      body.length > 64 * 1024,
      Number(headers["content-length"]) === body.length,
      (body.toString().match(/class="statusnominal"/g) ?? []).length,
    ];
  },
});

scenario("the tail page: its limits and its complaints", {
  area,
  conf: `[program:p]\ncommand=${fixture("print-lines")} 400 line\n[program:none]\n${stay}\nstdout_logfile=NONE`,
  async play({ http, printed, state }) {
    await printed("p", "done");
    await state("none", "RUNNING");
    const seen = [];
    for (const query of [
      "?processname=p",
      "?processname=p&limit=1500",
      "?processname=p&limit=10",
      "?processname=p&limit=99999",
      "?processname=p&limit=x",
      "?processname=none",
      "?processname=",
      "?processname=p%3A*",
    ]) {
      const { status, body } = await http("GET", `/tail.html${query}`);
      const page = body.toString();
      const text = /<pre[^>]*>([\s\S]*?)<\/pre>/.exec(page)?.[1]?.trim() ?? "";
      seen.push([
        query,
        status,
        text.length > 200 ? [text.length, text.slice(0, 20)] : text,
        // Refresh comes first; ours has a link for more behind it.
        page.match(/tail\.html\?[^"]*/)?.map((link) => link.replaceAll("&amp;", "&")),
        query === "?processname=" || /<title>([^<]*)/.exec(page)?.[1]?.trim(),
      ]);
    }
    return seen;
  },
});

scenario("the page while the daemon shuts down", {
  area,
  conf: `[program:slow]\ncommand=${fixture("ignore-sigterm")}\nstopwaitsecs=1000`,
  async play({ http, state, printed, rpc }) {
    await state("slow", "RUNNING");
    await printed("slow", "ready");
    await rpc("supervisor.shutdown");
    return [
      (await http("GET", "/")).status,
      (await http("GET", "/ok.html")).status,
      (await http("GET", "/stylesheets/supervisor.css")).status,
      (await http("GET", "/tail.html?processname=slow")).status,
    ];
  },
});
