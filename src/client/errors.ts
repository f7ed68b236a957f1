/** An answer whose status is not 200. */
export class HttpStatusError extends Error {
  override readonly name = "HttpStatusError";
  readonly status: number;
  readonly reason: string;
  readonly url: string;
  constructor(url: string, status: number, reason: string) {
    super(`${url}: ${status} ${reason}`);
    this.url = url;
    this.status = status;
    this.reason = reason;
  }
}

/** A serverurl that is neither http:// nor unix://. */
export class UnknownProtocolError extends Error {
  override readonly name = "UnknownProtocolError";
}
