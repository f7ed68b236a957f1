/** The words behind a process' state in `status`. */
import { makeNamespec } from "./namespec.js";
import { livePid, type Process } from "./process.js";

/** Seconds that local time is ahead of UTC at a moment given in seconds since the epoch. */
export type UtcOffset = (epoch: number) => number;

/** `now` in seconds since the epoch; `lost` is what the child is no longer connected by. */
export function describeProcess(
  group: string,
  name: string,
  process: Process,
  now: number,
  utcOffset: UtcOffset,
  lost: readonly string[] = [],
): string {
  switch (process.state.name) {
    case "RUNNING": {
      const up = `pid ${livePid(process)}, uptime ${formatUptime(Math.trunc(now) - Math.trunc(process.laststart))}`;
      return lost.length === 0 ? up : `${up}, ${lost.join(", ")} lost since adoption: restart it`;
    }
    case "FATAL":
    case "BACKOFF":
      return process.spawnerr || `unknown error (try "tail ${makeNamespec(group, name)}")`;
    case "STOPPED":
    case "EXITED":
      return process.laststart === 0 ? "Not started" : formatStopTime(process.laststop, utcOffset);
    default:
      return "";
  }
}

/** `0:00:01`, `1 day, 0:00:05`; a clock set back counts as no time. */
export function formatUptime(seconds: number): string {
  const total = Math.max(0, Math.floor(seconds));
  const days = Math.floor(total / 86_400);
  const time = `${Math.floor(total / 3600) % 24}:${pad(Math.floor(total / 60) % 60)}:${pad(total % 60)}`;
  if (days === 0) return time;
  return `${days} ${days === 1 ? "day" : "days"}, ${time}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Nov 20 11:58 PM`, in local time. */
export function formatStopTime(epoch: number, utcOffset: UtcOffset): string {
  const date = new Date((epoch + utcOffset(epoch)) * 1000);
  const hours = date.getUTCHours();
  const clock = `${pad(hours % 12 === 0 ? 12 : hours % 12)}:${pad(date.getUTCMinutes())} ${hours < 12 ? "AM" : "PM"}`;
  return `${MONTHS[date.getUTCMonth()]} ${pad(date.getUTCDate())} ${clock}`;
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}
