/** HTTP and XML-RPC byte by byte: connections, headers, values of every type, what no client should send. */
import { connect } from "node:net";
import { fixture } from "../support/fixture.js";
import { request } from "../support/http.js";
import { until } from "../support/until.js";
import { scenario } from "./scenario.js";
import type { Stage } from "./stage.js";

const area = "http";
const stay = `command=${fixture("ready")}`;

interface Raw {
  readonly text: string;
  /** Whether the other end closed. */
  readonly closed: boolean;
}

/** Sends these bytes as they are and reads until `enough`, or until the other end closes. */
async function raw({ dir }: Stage, bytes: string, enough: (text: string) => boolean): Promise<Raw> {
  const socket = connect(`${dir}/s.sock`);
  let text = "";
  let closed = false;
  socket.setEncoding("latin1").on("data", (more: string) => {
    text += more;
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    closed = true;
  });
  socket.write(bytes);
  try {
    await until(() => closed || enough(text), `an answer to ${bytes}, after ${text}`, { ceilingMs: 10_000 });
    return { text, closed };
  } finally {
    socket.destroy();
  }
}

const whole = (text: string): boolean => {
  const [head = "", body] = text.split("\r\n\r\n", 2);
  return body !== undefined && body.length >= Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
};
const statusLine = ({ text }: Raw): string | undefined => text.split("\r\n")[0];
const headersOf = ({ text }: Raw): readonly string[] =>
  (text.split("\r\n\r\n")[0] ?? "")
    .split("\r\n")
    .slice(1)
    .filter((line) => !/^(date|last-modified)/i.test(line))
    .sort();

scenario("connections that stay open and connections that close", {
  area,
  differs: {
    reason: "the status line says HTTP/1.1 to HTTP/1.0 clients too, as Node's does",
    ours: (transcript: object) =>
      JSON.parse(JSON.stringify(transcript).replaceAll("HTTP/1.0 200", "HTTP/1.1 200")),
  },
  async play(stage) {
    const get = (version: string, more = ""): string => `GET /ok.html ${version}\r\nHost: x\r\n${more}\r\n`;
    const twice = await raw(
      stage,
      get("HTTP/1.1") + get("HTTP/1.1"),
      (text) => text.split("200 OK").length === 3,
    );
    const seen = [];
    for (const [version, more] of [
      ["HTTP/1.1", "Connection: close\r\n"],
      ["HTTP/1.0", ""],
      ["HTTP/1.0", "Connection: keep-alive\r\n"],
      ["HTTP/1.1", "connection: CLOSE\r\n"],
    ] as const) {
      const answer = await raw(stage, get(version, more), whole);
      seen.push([version, more, statusLine(answer), headersOf(answer)]);
    }
    return [twice.text.split("200 OK").length, seen];
  },
});

scenario("what is no request closes the connection or is refused, and the daemon goes on", {
  area,
  async play(stage) {
    const garbage = await raw(stage, "nonsense\r\n\r\n", () => false).catch(() => ({
      text: "",
      closed: false,
    }));
    const half = connect(`${stage.dir}/s.sock`);
    half.on("error", () => undefined);
    half.write("POST /RPC2 HTTP/1.1\r\nContent-Length: 1000\r\n\r\n<?xml");
    half.end();
    half.destroy();
    const methods = [];
    for (const [method, path] of [
      ["PUT", "/RPC2"],
      ["DELETE", "/"],
      ["PUT", "/logtail/p"],
      ["POST", "/stylesheets/supervisor.css"],
      ["POST", "/mainlogtail"],
      ["OPTIONS", "/ok.html"],
    ] as const) {
      const { status, body, headers } = await stage.http(method, path, { body: "" });
      methods.push([method, path, status, headers["content-type"], body.toString().replace(/\s+/g, " ")]);
    }
    return [garbage, methods, await stage.rpc("supervisor.getState")];
  },
});

scenario("text behind the last call, lengths that are none, unknown verbs", {
  area,
  differs: {
    reason: "a length that is no number is the client's mistake, 400; the reference fails with 500",
    ours: (transcript: object) => JSON.parse(JSON.stringify(transcript).replace('"500"', '"400"')),
  },
  async play(stage) {
    const body = "<methodCall><methodName>supervisor.getAPIVersion</methodName></methodCall>";
    const post = (version: string, more: string, length: number | string): string =>
      `POST /RPC2 HTTP/${version}\r\nHost: x\r\n${more}Content-Length: ${length}\r\n\r\n${body}`;
    const seen = [];
    for (const bytes of [
      `${post("1.1", "Connection: close\r\n", body.length)}\r\nand more`,
      `${post("1.0", "", body.length)}and more`,
      post("1.1", "", 10),
      post("1.1", "", -5),
      post("1.1", "", "abc"),
      "FROB /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
      "get /ok.html HTTP/1.1\r\nHost: x\r\n\r\n",
      "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /ok.html HTTP/1.1\r\n\r\n",
      "GARBAGE\r\n\r\n",
      "GET\r\n\r\n",
      "GET / FTP/9\r\n\r\n",
      "GET / two HTTP/1.1\r\n\r\n",
    ]) {
      const { text } = await raw(stage, bytes, whole);
      seen.push([bytes.split("\r\n\r\n")[0], text.split(" ")[1] ?? null]);
    }
    return seen;
  },
});

scenario("files beside the pages", {
  area,
  async play(stage) {
    const seen = [];
    for (const name of [
      "stylesheets/supervisor.css",
      "images/icon.png",
      "images/supervisor.gif",
      "images/rule.gif",
      "images/state0.gif",
      "images/state3.gif",
      "images/nosuch.gif",
    ]) {
      const ask = (more: string): Promise<Raw> =>
        raw(stage, `GET /${name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}\r\n`, (text) =>
          text.includes("\r\n\r\n"),
        );
      const first = await ask("");
      const since = /^last-modified: (.*)$/im.exec(first.text)?.[1]?.trim();
      const again = since === undefined ? null : await ask(`If-Modified-Since: ${since}\r\n`);
      seen.push([
        name,
        statusLine(first),
        /^content-type: .*$/im.exec(first.text)?.[0],
        again === null ? null : statusLine(again),
      ]);
    }
    return seen;
  },
});

scenario("RPC by any path that begins with /RPC2", {
  area,
  async play({ target }) {
    const body = "<methodCall><methodName>supervisor.getAPIVersion</methodName></methodCall>";
    const seen = [];
    for (const path of ["/RPC2", "/RPC2/", "/RPC2foo", "/RPC2?x=y", "/%52PC2", "/rpc2"]) {
      const { status } = await request(target, "POST", path, { body });
      seen.push([path, status]);
    }
    return seen;
  },
});

scenario("credentials that are no credentials", {
  area,
  server: "username=user\npassword=pass:word",
  auth: "user:pass:word",
  async play({ dir }) {
    const target = { socketPath: `${dir}/s.sock` };
    const basic = (text: string): string => Buffer.from(text).toString("base64");
    const seen = [];
    for (const value of [
      `Basic ${basic("user:pass:word")}`,
      `basic ${basic("user:pass:word")}`,
      `Basic ${basic("nocolon")}`,
      "Basic !!!!",
      "Basic",
      `Digest ${basic("user:pass:word")}`,
    ]) {
      const { status } = await request(target, "GET", "/ok.html", { headers: { Authorization: value } });
      seen.push([value, status]);
    }
    return seen;
  },
});

scenario("streams without a name, of groups, and of what has no log", {
  area,
  conf: `[program:p]\n${stay}\n[program:none]\n${stay}\nstdout_logfile=NONE\n[program:m]\n${stay}\n[group:g]\nprograms=m`,
  async play({ http, printed, state }) {
    await printed("p", "ready");
    await state("none", "RUNNING");
    const seen = [];
    for (const path of [
      "/logtail",
      "/logtail/",
      "/logtail/none",
      "/logtail/m",
      "/logtail/g:*",
      "/logtail/g:m/stdout",
      "/logtail/g:m/",
      "/logtail/p/stdout/more",
    ]) {
      const { status, headers } = await http("GET", path, { enough: (body) => body.includes("ready") });
      seen.push([path, status, headers["content-type"]]);
    }
    return seen;
  },
});

scenario("arguments of every type", {
  area,
  conf: `[program:p]\n${stay}\n[program:1]\n${stay}\nautostart=false`,
  async play({ target, printed }) {
    await printed("p", "ready");
    const ask = async (method: string, ...values: readonly string[]): Promise<unknown> => {
      const params = values.map((value) => `<param><value>${value}</value></param>`).join("");
      const body = `<?xml version='1.0'?><methodCall><methodName>${method}</methodName><params>${params}</params></methodCall>`;
      const answer = await request(target, "POST", "/RPC2", { body });
      const text = answer.body.toString().replace(/\s+/g, "");
      return [
        method,
        values,
        answer.status,
        answer.status === 200
          ? /<(?:param|fault)>.*<\/(?:param|fault)>/
              .exec(text)?.[0]
              ?.replace(/<int>\d{3,}<\/int>/g, "<int>N</int>")
          : "",
      ];
    };
    const base64 = Buffer.from("p").toString("base64");
    return [
      await ask("supervisor.readProcessStdoutLog", "p", "<string>0</string>", "<string>5</string>"),
      await ask("supervisor.readProcessStdoutLog", "p", "<string>a</string>", "<string>5</string>"),
      await ask("supervisor.readProcessStdoutLog", "p", "<double>1.0</double>", "<i4>2</i4>"),
      await ask("supervisor.readProcessStdoutLog", "p", "<boolean>0</boolean>", "<i4>2</i4>"),
      await ask(
        "supervisor.readProcessStdoutLog",
        `<base64>${base64}</base64>`,
        "<i8>0</i8>",
        "<int>3</int>",
      ),
      await ask("supervisor.startProcess", "p", "<boolean>true</boolean>"),
      await ask("supervisor.startProcess", "<int>1</int>"),
      await ask("supervisor.stopProcess", "<array><data></data></array>"),
      await ask("supervisor.getProcessInfo", "<nil/>"),
      await ask("supervisor.sendProcessStdin", "p", "<int>5</int>"),
      await ask("supervisor.sendRemoteCommEvent", "<int>5</int>", "<double>1.5</double>"),
      await ask("supervisor.signalProcess", "p", "<int>0</int>"),
      await ask("system.multicall", "<string>x</string>"),
      await ask(
        "system.multicall",
        "<array><data><value><struct><member><name>methodName</name><value>supervisor.getAPIVersion</value></member></struct></value><value><struct><member><name>methodName</name><value><string>supervisor.getVersion</string></value></member><member><name>params</name><value><array><data></data></array></value></member></struct></value></data></array>",
      ),
    ];
  },
});

scenario("errors of the caller are told in the main log", {
  area,
  async play({ target, log, logged }) {
    for (const body of [
      "not xml",
      "<?xml version='1.0'?><methodCall><params/></methodCall>",
      "<?xml version='1.0'?><methodCall><methodName>supervisor.readLog</methodName><params><param><value>a</value></param><param><value>b</value></param></params></methodCall>",
    ])
      await request(target, "POST", "/RPC2", { body });
    await logged("no method name");
    return log(/ERRO/)
      .map((line) => line.slice(0, 60))
      .filter((line) => line.includes("XML-RPC request"));
  },
});
