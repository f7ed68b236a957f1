import { afterEach } from "vitest";
import { type LogFile, type LogFileOptions, openLogFile } from "../../src/logs/file.js";

export interface ToldLog {
  readonly log: LogFile;
  /** What it said of itself: `- ` is trouble, `+ ` the end of it. */
  readonly said: string[];
  /** Moves the log's clock. */
  readonly wait: (ms: number) => void;
}

/** Opens log files whose words are kept and whose clock stands still; closed after the test. */
export function useToldLogs(): (path: string, options?: Partial<LogFileOptions>) => ToldLog {
  const open: LogFile[] = [];
  afterEach(() => {
    for (const log of open.splice(0)) log.close();
  });
  return (path, options = {}) => {
    const said: string[] = [];
    let clock = 0;
    const log = openLogFile(path, {
      maxbytes: 0,
      backups: 0,
      onTrouble: (text) => said.push(`- ${text}`),
      onRecovered: (text) => said.push(`+ ${text}`),
      now: () => clock,
      ...options,
    });
    open.push(log);
    const wait = (ms: number): void => {
      clock += ms;
    };
    return { log, said, wait };
  };
}
