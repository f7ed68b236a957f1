import type { ProcessConfig } from "../../src/core/config.js";

/** A program with every default of the configuration, for tests that care about one or two keys. */
export function processConfig(changes: Partial<ProcessConfig> = {}): ProcessConfig {
  return {
    name: "cat",
    user: null,
    command: "/bin/cat",
    directory: null,
    umask: null,
    priority: 999,
    autostart: true,
    autorestart: "unexpected",
    startsecs: 1,
    startretries: 3,
    stdout_logfile: null,
    stdout_logfile_maxbytes: 50 * 1024 * 1024,
    stdout_logfile_backups: 10,
    stdout_capture_maxbytes: 0,
    stdout_events_enabled: false,
    stdout_syslog: false,
    stderr_logfile: null,
    stderr_logfile_maxbytes: 50 * 1024 * 1024,
    stderr_logfile_backups: 10,
    stderr_capture_maxbytes: 0,
    stderr_events_enabled: false,
    stderr_syslog: false,
    stopsignal: 15,
    stopwaitsecs: 10,
    stopasgroup: false,
    killasgroup: false,
    exitcodes: [0],
    redirect_stderr: false,
    environment: {},
    serverurl: null,
    fcgi: null,
    ...changes,
  };
}
