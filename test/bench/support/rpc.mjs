/** As little XML-RPC as measuring takes: one socket, one call at a time, answers as text. */
import { connect } from "node:net";

export class Rpc {
  #path;
  #keep;
  #socket = null;
  #waiting = null;
  #chunks = [];
  #size = 0;
  #wanted = -1;
  #begin = 0;

  constructor(path, { keep = true } = {}) {
    this.#path = path;
    this.#keep = keep;
  }

  /** The size of the answer to a call that is known to be good: measuring should cost little on this side. */
  async weigh(method) {
    return (await this.post(encode(method, []))).length;
  }

  /** The answer's body. Rejects for a fault, and for whatever is no answer. */
  async call(method, ...params) {
    const body = (await this.post(encode(method, params))).toString("utf8");
    if (body.includes("<fault>")) throw new Error(`${method}: ${/<string>([^<]*)/.exec(body)?.[1]}`);
    return body;
  }

  post(request) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket ??= this.#open();
      this.#socket.write(request);
    });
  }

  #open() {
    const socket = connect(this.#path);
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("error", (error) => this.#settle("reject", error));
    socket.on("close", () => {
      this.#socket = null;
      this.#settle("reject", new Error("closed without an answer"));
    });
    return socket;
  }

  #take(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#wanted < 0) {
      const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
      const end = all.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = /content-length: *(\d+)/i.exec(all.toString("latin1", 0, end))?.[1];
      this.#begin = end + 4;
      this.#wanted = end + 4 + Number(length);
    }
    if (this.#size < this.#wanted) return;
    const whole = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#size);
    const body = whole.subarray(this.#begin);
    this.#chunks = [];
    this.#size = 0;
    this.#wanted = -1;
    if (!this.#keep) {
      this.#socket.removeAllListeners("close");
      this.#socket.destroy();
      this.#socket = null;
    }
    this.#settle("resolve", body);
  }

  #settle(how, value) {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.[how](value);
  }

  close() {
    this.#socket?.removeAllListeners("close");
    this.#socket?.destroy();
    this.#socket = null;
  }
}

export function encode(method, params = []) {
  const list = params.map((value) => `<param><value>${encodeValue(value)}</value></param>`).join("");
  const body = `<?xml version='1.0'?>\n<methodCall><methodName>${method}</methodName><params>${list}</params></methodCall>`;
  return `POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function encodeValue(value) {
  if (typeof value === "boolean") return `<boolean>${value ? 1 : 0}</boolean>`;
  if (typeof value === "number") return `<int>${value}</int>`;
  return `<string>${value}</string>`;
}
