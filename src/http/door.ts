/** Questions that each request has to answer before anything is done for it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerConfig } from "../core/config.js";
import type { Daemon } from "../rpc/daemon.js";
import { authorize } from "./auth.js";
import { hasForeignOrigin, isCrossSite, isHostOf, looksLikeBrowser } from "./browser.js";
import { machineNames } from "./machine-names.js";
import { escapeText } from "./page/html.js";
import { sendError } from "./reply.js";
import { tally } from "./tally.js";

export interface Door {
  /** Whether the request may go on; if not, it has its answer. */
  admits(request: IncomingMessage, response: ServerResponse): boolean;
  /** Whether a page of another site made a browser send it, which is counted then. */
  isForeign(request: IncomingMessage): boolean;
  /** Counts one that was found elsewhere. */
  onForeign(request: IncomingMessage): void;
}

export function createDoor(config: ServerConfig, daemon: Daemon): Door {
  let names: ReadonlySet<string> | null = null;

  /** Read when first needed: most servers never meet a browser that uses a name. */
  const knownNames = (): ReadonlySet<string> => {
    names ??= new Set([...machineNames(), ...ownNames(config)]);
    return names;
  };

  const onStrangeHost = tally((count, host: string) =>
    daemon.log(
      "warn",
      `refused a browser that asked for host ${quote(host)}, which is in no allowed_hosts of [${config.section}] (${count} refused so far)`,
    ),
  );
  const onForeign = tally((count, { method, url = "", headers }: IncomingMessage) =>
    daemon.log(
      "warn",
      `refused ${method} ${quote(url)}, which a page of another site made a browser send (origin ${quote(headers.origin ?? "unknown")}; ${count} refused so far)`,
    ),
  );

  function isStrangeHost({ headers }: IncomingMessage): boolean {
    // A page by a foreign name has no credentials. A unix socket has no name; a proxy before it may have many.
    if (config.kind !== "inet" || config.username !== null || headers.host === undefined) return false;
    return looksLikeBrowser(headers) && !isHostOf(headers.host, knownNames());
  }

  return {
    admits(request, response) {
      if (isStrangeHost(request)) {
        const host = request.headers.host ?? "";
        onStrangeHost(host);
        sendError(response, 403, { Connection: "close" }, explain(config.section, host));
        return false;
      }
      const verdict = authorize(config, request.headers.authorization);
      if (verdict === "unreadable") sendError(response, 500);
      else if (verdict === "unauthorized")
        sendError(response, 401, { "WWW-Authenticate": 'Basic realm="default"', Connection: "close" });
      return verdict === "welcome";
    },
    isForeign(request) {
      if (!isCrossSite(request.headers) && !hasForeignOrigin(request.headers)) return false;
      onForeign(request);
      return true;
    },
    onForeign,
  };
}

function ownNames(config: ServerConfig): readonly string[] {
  if (config.kind !== "inet") return [];
  // An empty host is every interface, and a list may end in a comma.
  return [config.host, ...config.allowed_hosts]
    .map((name) => name.toLowerCase())
    .filter((name) => name !== "");
}

function explain(section: string, host: string): string {
  return `${escapeText(host)} is no known name of this machine. Add it to allowed_hosts in [${escapeText(section)}] to let browsers use it, or set a username and a password there.`;
}

/** Text of a client, safe and short enough for a log. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}
