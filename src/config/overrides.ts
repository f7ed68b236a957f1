/** What the command lines may say over the file. */
import type { LogLevel } from "../core/config.js";

export interface SupervisordOverrides {
  readonly nodaemon?: boolean;
  readonly silent?: boolean;
  readonly nocleanup?: boolean;
  readonly strip_ansi?: boolean;
  readonly user?: string;
  readonly umask?: number;
  readonly directory?: string;
  readonly logfile?: string;
  readonly logfile_maxbytes?: number;
  readonly logfile_backups?: number;
  readonly loglevel?: LogLevel;
  readonly pidfile?: string;
  readonly identifier?: string;
  readonly childlogdir?: string;
  readonly minfds?: number;
  readonly minprocs?: number;
}

export interface CtlOverrides {
  readonly serverurl?: string;
  readonly username?: string;
  readonly password?: string;
  readonly history_file?: string;
}
