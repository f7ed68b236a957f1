/** A result handler: what a listener answers need not be `OK`. */

class RejectEvent extends Error {
  name = "RejectEvent";
}

/** @type {import("supervisord-ts").ResultHandler} */
export function acceptOrRetry(event, result) {
  const answer = result.toString();
  if (answer === "RETRY") throw new RejectEvent(`${event.type} ${event.serial}`);
  if (answer !== "DONE") throw new TypeError(`an answer that ${event.listener.name} never gives: ${answer}`);
}
