/**
 * The plain page that always works. Scripts may go on asking for actions by GET, as they do of the reference; a
 * browser can be led to such an address by any other page, so what a browser asks for counts only when it carries
 * this server's token, which only our own pages hold.
 */

import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { hostAndPort } from "../../core/address.js";
import type { Daemon } from "../../rpc/daemon.js";
import { readBody } from "../body.js";
import { hasForeignOrigin, isCrossSite } from "../browser.js";
import { SERVER, send, sendError, sendLongReply } from "../reply.js";
import { act, type OnWait } from "./actions.js";
import { document, escapeText, quoteUrl } from "./html.js";
import { STATIC_FILES } from "./static.js";
import { actionUrl, button, statusPage } from "./status.js";
import { tailPage } from "./tail.js";

export interface Page {
  /** False when the path is none of the page's. */
  handle(path: string, request: IncomingMessage, response: ServerResponse, onWait: OnWait): boolean;
}

/** A map, since the methods of URLSearchParams go through all there is for each key. */
type Form = ReadonlyMap<string, string>;

const FORM_LIMIT_BYTES = 64 * 1024;

const HTML = "text/html;charset=utf-8";

const HEADERS = {
  Pragma: "no-cache",
  "Cache-Control": "no-cache",
  Expires: "Thu, 01 Jan 1970 00:00:00 GMT",
  "X-Frame-Options": "DENY",
  "Content-Security-Policy":
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'",
};

/** `onForeign` hears of each action that a page of another site made a browser ask for. */
export function createPage(daemon: Daemon, onForeign: (request: IncomingMessage) => void): Page {
  const token = randomBytes(32).toString("hex");
  const since = new Date();

  async function status(
    request: IncomingMessage,
    response: ServerResponse,
    form: Form,
    onWait: OnWait,
  ): Promise<void> {
    // Every part of it asks the daemon for something, and that gives no more answers.
    if (daemon.mood !== "RUNNING") return sendError(response, 500);
    const action = form.get("action");
    if (action === undefined) return sendPage(response, statusPage(daemon, form.get("message") ?? "", token));
    const name = form.get("processname") ?? null;
    if (action !== "refresh") {
      const { headers, method } = request;
      const own = sameToken(form.get("token") ?? "", token);
      const foreign = isCrossSite(headers) || (!own && hasForeignOrigin(headers));
      if (foreign) onForeign(request);
      if (foreign || (!own && isBrowser(request))) {
        if (method === "POST") return sendError(response, 403);
        return sendPage(response, confirmPage(action, name, token), foreign ? 403 : 200);
      }
    }
    const message = await act(daemon, action, name, onWait);
    daemon.remember();
    if (message === null) return sendError(response, 500);
    redirect(request, response, message);
  }

  async function tail(response: ServerResponse, form: Form): Promise<void> {
    const [name = null, limit, end] = ["processname", "limit", "end"].map((key) => form.get(key));
    await sendLongReply(response, HTML, tailPage(daemon, { name, limit, end }), HEADERS);
  }

  async function answer(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    form: Form,
    onWait: OnWait,
  ): Promise<void> {
    if (path === "/ok.html") return send(response, 200, "text/plain", "OK");
    return path === "/tail.html" ? tail(response, form) : status(request, response, form, onWait);
  }

  return {
    handle(path, request, response, onWait) {
      const { method } = request;
      const file = STATIC_FILES.get(path);
      if (file !== undefined && (method === "GET" || method === "HEAD")) {
        sendStatic(request, response, file.type, file.body, since);
        return true;
      }
      if (!PATHS.has(path) || (method !== "GET" && method !== "POST")) return false;
      readForm(request, response, (form) => {
        answer(path, request, response, form, onWait).catch((error: unknown) => {
          daemon.log("error", `web page failed: ${error instanceof Error ? error.stack : String(error)}`);
          sendError(response, 500);
        });
      });
      return true;
    },
  };
}

const PATHS: ReadonlySet<string> = new Set(["/", "/index.html", "/tail.html", "/ok.html"]);

/**
 * Browsers always send one of these; curl and its like send none unless told to. For an image on a page elsewhere,
 * fetched over plain HTTP from a host that is not loopback, a browser says no more than its languages and its name.
 */
function isBrowser({ headers }: IncomingMessage): boolean {
  const signs = ["sec-fetch-site", "sec-fetch-mode", "origin", "referer", "accept-language"] as const;
  if (signs.some((name) => headers[name] !== undefined)) return true;
  return (headers.accept ?? "").includes("text/html") || (headers["user-agent"] ?? "").startsWith("Mozilla/");
}

function sameToken(sent: string, token: string): boolean {
  const bytes = Buffer.from(sent);
  return bytes.length === token.length && timingSafeEqual(bytes, Buffer.from(token));
}

function confirmPage(action: string, name: string | null, token: string): string {
  const url =
    name === null
      ? `index.html?action=${encodeURIComponent(action)}`
      : actionUrl(encodeURIComponent(name), encodeURIComponent(action));
  const what = name === null ? action : `${action} ${name}`;
  return document(
    "Supervisor Status",
    `<h1>Really ${escapeText(what)}?</h1>\n<p>A link from elsewhere asked for this.</p>\n<div class="actions">${button(url, what, token)} <a href="index.html">Back</a></div>`,
  );
}

/** Query first, then the body of a POST over it; of a key given twice the first counts. What is empty is not there. */
function readForm(request: IncomingMessage, response: ServerResponse, use: (form: Form) => void): void {
  const query = given((request.url ?? "").split("?").slice(1).join("?"));
  if (request.method !== "POST") return use(query);
  readBody(request, response, FORM_LIMIT_BYTES, (bytes) => {
    use(new Map([...query, ...given(bytes.toString("utf8"))]));
  });
}

function given(text: string): Form {
  const form = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(text))
    if (value !== "" && !form.has(key)) form.set(key, value);
  return form;
}

function redirect(request: IncomingMessage, response: ServerResponse, message: string): void {
  const quoted = quoteUrl(message);
  if (isBrowser(request)) {
    // Relative, so that it also works behind a proxy with a path of its own.
    return send(response, 303, "text/html", "", { ...HEADERS, Location: `index.html?message=${quoted}` });
  }
  const { localAddress = "localhost", localPort = 80 } = request.socket;
  const host = (request.headers.host ?? hostAndPort(localAddress, localPort)).replace(/:80$/, "");
  send(response, 301, "text/html", "", { ...HEADERS, Location: `http://${host}/?message=${quoted}` });
}

function sendPage(response: ServerResponse, page: string, status = 200): void {
  send(response, status, HTML, page, HEADERS);
}

function sendStatic(
  request: IncomingMessage,
  response: ServerResponse,
  type: string,
  body: string | Buffer,
  since: Date,
): void {
  const modified = { "Last-Modified": since.toUTCString() };
  const known = Date.parse(request.headers["if-modified-since"] ?? "");
  if (known >= Math.floor(since.getTime() / 1000) * 1000) {
    response.writeHead(304, { Server: SERVER, ...modified });
    response.end();
    return;
  }
  response.writeHead(200, {
    Server: SERVER,
    "Content-Type": type,
    "Content-Length": Buffer.byteLength(body),
    ...modified,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
