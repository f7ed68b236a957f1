/** The HTTP server: paths, statuses, credentials, streams of logs, the web page. */
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { fixture } from "../support/fixture.js";
import { request } from "../support/http.js";
import { call } from "../support/xmlrpc.js";
import { scenario } from "./scenario.js";
import { withoutHolder } from "./scrub.js";

const area = "http";
const stay = `command=${fixture("ready")}`;

scenario("which path answers what", {
  area,
  conf: `[program:p]\n${stay}`,
  async play({ http, printed }) {
    await printed("p", "ready");
    const seen = [];
    for (const [method, path] of [
      ["GET", "/RPC2"],
      ["POST", "/nosuch"],
      ["GET", "/nosuch"],
      ["GET", "/ok.html"],
      ["GET", "/logtail/nosuch"],
      ["GET", "/logtail/p/nochannel"],
      ["POST", "/logtail/p"],
      ["GET", "/stylesheets/supervisor.css"],
      ["HEAD", "/stylesheets/supervisor.css"],
      ["GET", "/../../etc/passwd"],
      ["GET", "/%2e%2e/%2e%2e/etc/passwd"],
    ] as const) {
      const { status, headers } = await http(method, path, method === "POST" ? { body: "" } : {});
      seen.push([method, path, status, headers["content-type"]]);
    }
    return seen;
  },
});

scenario("/ok.html says OK", {
  area,
  async play({ http }) {
    const { status, body } = await http("GET", "/ok.html");
    return [status, body.toString()];
  },
});

scenario("without credentials everything is 401", {
  area,
  server: "username=user\npassword=pass:word",
  auth: "user:pass:word",
  async play({ target, dir, rpc }) {
    const bare = { socketPath: `${dir}/s.sock` };
    const seen = [];
    for (const [auth, path] of [
      [undefined, "/"],
      [undefined, "/RPC2"],
      [undefined, "/ok.html"],
      ["user:wrong", "/ok.html"],
      ["wrong:pass:word", "/ok.html"],
      ["user:pass:word", "/ok.html"],
      ["user:", "/ok.html"],
    ] as const) {
      const { status, headers } = await request(
        { ...bare, ...(auth === undefined ? {} : { auth }) },
        "GET",
        path,
      );
      seen.push([auth, path, status, headers["www-authenticate"]]);
    }
    const scheme = await request(bare, "GET", "/ok.html", { headers: { Authorization: "Bearer abc" } });
    return [seen, scheme.status, target.auth, await rpc("supervisor.getState")];
  },
});

scenario("a password kept as its SHA-1", {
  area,
  server: `username=user\npassword={SHA}${createHash("sha1").update("secret").digest("hex")}`,
  auth: "user:secret",
  async play({ dir, rpc }) {
    const wrong = await request({ socketPath: `${dir}/s.sock`, auth: "user:other" }, "GET", "/ok.html");
    return [await rpc("supervisor.getState"), wrong.status];
  },
});

scenario("a TCP server answers like the unix one", {
  area,
  boot: false,
  async play({ edit, launch, rpc, run }) {
    const port = await freePort();
    edit(
      `[inet_http_server]\nport=127.0.0.1:${port}\nusername=u\npassword=p\n[program:p]\n${stay}\nautostart=false`,
    );
    await launch();
    const refused = await request({ port }, "GET", "/ok.html");
    const second = await run(["-n", "-c", "supervisord.conf", "-j", "other.pid", "-l", "other.log"]);
    return [
      refused.status,
      await call({ port, auth: "u:p" }, "supervisor.getState"),
      await rpc("supervisor.getState"),
      second.exit,
      withoutHolder(second.err).replaceAll(String(port), "PORT"),
    ];
  },
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("Cannot find a free port");
  return address.port;
}

scenario("logtail streams what is there and what comes", {
  area,
  conf: `[program:p]\ncommand=${fixture("say-when-told")} later\n[group:g]\nprograms=p`,
  async play({ http, printed, rpc, state }) {
    await state("g:p", "RUNNING");
    await printed("g:p", "ready");
    const stream = http("GET", "/logtail/g:p/stdout", {
      enough: (body) => {
        if (body.includes("ready") && !body.includes("later"))
          void rpc("supervisor.signalProcess", "g:p", "USR1");
        return body.includes("later");
      },
    });
    const { status, headers, body } = await stream;
    const quoted = await http("GET", "/logtail/g%3Ap", { enough: (seen) => seen.includes("later") });
    return [
      status,
      headers["content-type"],
      headers["x-accel-buffering"],
      headers["transfer-encoding"],
      body.toString().split("\n").slice(0, 2),
      quoted.status,
    ];
  },
});

scenario("a stream begins with the last 1024 bytes", {
  area,
  conf: `[program:p]\ncommand=${fixture("print-lines")} 200 number`,
  async play({ http, printed }) {
    await printed("p", "done");
    const { body } = await http("GET", "/logtail/p", { enough: (seen) => seen.includes("done") });
    return body.toString();
  },
});

scenario("mainlogtail streams the main log", {
  area,
  conf: `[program:p]\n${stay}`,
  async play({ http, state }) {
    await state("p", "RUNNING");
    const { status, headers, body } = await http("GET", "/mainlogtail", {
      enough: (seen) => seen.includes("entered RUNNING"),
    });
    return [status, headers["content-type"], body.toString().split("\n").slice(-3)];
  },
});

scenario("actions of the web page by plain GET", {
  area,
  conf: `[program:p]\n${stay}\nautostart=false`,
  async play({ http, info }) {
    const seen = [];
    for (const query of [
      "processname=p&action=start",
      "processname=p&action=start",
      "processname=p&action=clearlog",
      "processname=p&action=restart",
      "processname=p&action=stop",
      "processname=p&action=stop",
      "processname=nosuch&action=start",
    ]) {
      const { status, headers } = await http("GET", `/index.html?${query}`, { headers: { Host: "example" } });
      seen.push([query, status, headers.location]);
    }
    return [seen, await info("p")];
  },
});

scenario("the status page shows states and names", {
  area,
  conf: `[program:p]\n${stay}\n[program:q]\n${stay}\nautostart=false`,
  async play({ http, state }) {
    await state("p", "RUNNING");
    const { status, headers, body } = await http("GET", "/");
    const page = body.toString();
    return [
      status,
      headers["content-type"],
      headers["cache-control"],
      page.match(/class="status\w+"/g)?.filter((text) => !text.includes("msg")),
      page
        .match(/index\.html\?(?:processname=\w+&(?:amp;)?)?action=\w+/g)
        ?.map((text) => text.replace("&amp;", "&")),
      page.includes("tail.html?processname=p"),
      page.includes("<title>Supervisor Status</title>"),
    ];
  },
});

scenario("the tail page shows the end of the log", {
  area,
  conf: `[program:p]\ncommand=${fixture("print-words")} "<b>&"`,
  async play({ http, printed }) {
    await printed("p", "ready");
    const pre = async (path: string): Promise<unknown> => {
      const { status, body } = await http("GET", path);
      return [status, /<pre[^>]*>([\s\S]*?)<\/pre>/.exec(body.toString())?.[1]?.trim()];
    };
    return [
      await pre("/tail.html?processname=p&limit=4000"),
      await pre("/tail.html?processname=nosuch"),
      await pre("/tail.html"),
    ];
  },
});
