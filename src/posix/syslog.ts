/** syslog(3), at user.info as the reference sends. */
import * as libc from "./libc.js";

const LOG_PID = 1;
const LOG_USER = 8;
const LOG_INFO = 6;
/** libc keeps the pointer, so the bytes must stay. */
let kept: Buffer | null = null;

/** Names the sender of what follows. */
export function openSyslog(ident: string): void {
  kept = Buffer.from(`${ident}\0`);
  libc.openlog(kept, LOG_PID, LOG_USER);
}

/** Sends one line. */
export function syslog(text: string): void {
  if (kept === null) openSyslog("supervisord");
  libc.syslog(LOG_USER | LOG_INFO, "%s", "str", text);
}
