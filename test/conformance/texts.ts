/**
 * Texts that scripts and people look for, each with the scenario that shows it, `file: name`. When that scenario is
 * played the text must be in what the reference gave (scenario.ts sees to that), so no row can be there for show.
 */
export const TEXTS: Readonly<Record<string, string>> = {
  // config: finding the file
  "No config file found at default paths (": "keys: no conf at any of the default places",
  "could not find config file ": "config-errors: refuses a file that is not there",
  "could not read config file ":
    "keys: a file that is not UTF-8, a directory as a file, a file that cannot be parsed by the client",
  "Supervisord is running as root and it is searching": "keys: no conf at any of the default places",
  ".ini file does not include supervisord section": "config-errors: refuses a file without [supervisord]",
  ".ini file does not include supervisorctl section":
    "command-line: supervisorctl with a conf that has no section for it",
  // config: command lines
  "option -Z not recognized": "command-line: supervisord -Z",
  "option --foo not recognized": "command-line: supervisord --foo",
  "option -c requires argument": "command-line: supervisord -c",
  "option --nodaemon must not have an argument": "command-line: supervisord --nodaemon=1",
  "option --log not a unique prefix": "command-line: supervisord --log x",
  "conflicting command line option '-c'": "command-line: supervisord -c a -c b",
  "positional arguments are not supported: ['foo']": "command-line: supervisord foo",
  "invalid value for -y '5XB': ": "command-line: supervisord -y 5XB",
  "invalid value for -s 'foo': value 'foo' is not a URL": "command-line: supervisorctl -s foo status",
  "option --version not recognized": "command-line: supervisorctl --version",
  "For help, use SUPERVISORD -h": "config-errors: refuses a chmod that is not octal",
  "For help, use SUPERVISORCTL -h": "command-line: supervisorctl -Z",
  // config: the dialect
  "File contains no section headers.": "config-errors: refuses a file without section headers",
  "Source contains parsing errors: ": "config-errors: refuses a line that is no setting",
  "\t[line ": "config-errors: refuses a line that is no setting",
  "'utf-8' codec can't decode byte ":
    "keys: a file that is not UTF-8, a directory as a file, a file that cannot be parsed by the client",
  ".ini file has [include] section, but no files setting": "config-errors: refuses an include without files",
  'No file matches via include "': "config: included files: order, overriding, here, log lines",
  'Included extra file "': "config: included files: order, overriding, here, log lines",
  // config: expansions
  "contains names ('nosuch') which cannot be expanded. Available names: ":
    "config-errors: refuses an expansion that is not known",
  "is badly formatted: incomplete format": "config-errors: refuses a percent in the identifier",
  "is badly formatted: unsupported format character 'Y' (0x59) at index ":
    "config-errors: refuses a bad format in the identifier",
  // config: values
  "invalid literal for int() with base 10: 'abc'":
    "config-errors: refuses a TCP server with a host and no port",
  "invalid literal for int() with base 10: '5xb'": "config-errors: refuses a log size with an unknown suffix",
  "not a valid boolean value: 'maybe'": "config-errors: refuses autostart that is no boolean",
  "9 can not be converted to an octal type": "config-errors: refuses an umask that is not octal",
  "bad logging level name 'loud'": "config-errors: refuses a log level that is none",
  "/nonexistent is not an existing directory": "config-errors: refuses a directory that is not there",
  "The directory named as part of the path /nonexistent/x.log does not exist":
    "config-errors: refuses a log file in no directory",
  "Invalid user name nosuchuser": "config-errors: refuses a daemon's user that does not exist",
  "Invalid user name ": "config-errors: refuses a daemon's user that does not exist",
  "Invalid user id 99999": "config-errors: refuses a uid that does not exist",
  "Invalid sockchown value nosuchuser": "config-errors: refuses a chown that cannot be",
  "Invalid socket_owner value nosuchuser": "config-errors: refuses an fcgi owner that does not exist",
  "not a valid list of exit codes: ": "config-errors: refuses exit codes that are no numbers",
  "invalid 'autorestart' value 'maybe'": "config-errors: refuses autorestart that is no word of it",
  "value 'FOO' is not a valid signal name": "config-errors: refuses an unknown signal name",
  "value '99' is not a valid signal number": "config-errors: refuses an unknown signal number",
  "not a valid port number: 'abc' ": "config-errors: refuses a TCP server with a port that is none",
  "not a valid port number: '' ": "config-errors: refuses a TCP server with an empty port",
  "70000 is above upper bound (65535)":
    "keys: an ambiguous member, a group of nothing, words the shell would know",
  "invalid literal for int() with base 10: 'abc' ": "config-errors: refuses startsecs that is no number",
  "Invalid name: 'a b' because of character: ' '": "config-errors: refuses a name with a blank",
  " in section 'program:x' (file: 'DIR/supervisord.conf')": "config-errors: refuses an empty user",
  " in section 'program:x' (file: 'DIR/more.conf')":
    "config-errors: refuses an error in an included file, which it names",
  // config: [supervisord]
  "could not write pidfile DIR/supervisord.pid":
    "daemon: a pidfile that cannot be written is only a CRIT line",
  "set current directory: '/usr'":
    "daemon: in the background: parent exits 0, its own session, fds on /dev/null",
  "Increased RLIMIT_NOFILE limit to 2048": "daemon: minfds raises the limit, tells, and children get it",
  "Increased RLIMIT_NPROC limit to 3000": "nonroot: minprocs raises the limit and tells",
  "The minimum number of file descriptors required to run this process is ":
    "config-errors: refuses more descriptors than the system can give",
  "The minimum number of available processes required to run this program is ":
    "nonroot: limits that cannot be raised end the start",
  "Supervisor is running as root.  Privileges were not dropped because no user is specified in the config file.":
    "keys: keys beyond Supervisor's own do no harm to it",
  "Set uid to user 0 succeeded": "keys: every key of [supervisord] at once",
  "Can't drop privilege as nonroot user":
    "nonroot: user= that is somebody else is refused to a daemon that is not root",
  // config: servers
  "section [unix_http_server:b] has no file value": "config-errors: refuses a unix server without a file",
  "Invalid chmod value 9": "config-errors: refuses a chmod that is not octal",
  'Not permitted to chown DIR/s.sock to uid/gid (1, 1); adjust "sockchown" value':
    "nonroot: a socket that cannot be given to another owner",
  "section [inet_http_server] has no port value": "config-errors: refuses a TCP server without a port",
  "contains incomplete authentication: If a username or a password is specified, both the username and password must be specified":
    "config-errors: refuses a user name without a password",
  "Server 'unix_http_server' running without any HTTP authentication checking":
    "keys: keys beyond Supervisor's own do no harm to it",
  "Another program is already listening on a port that one of our HTTP servers is configured to use.  Shut this program down first before starting supervisord.":
    "daemon: a listening socket of someone else at the configured path is respected",
  "Cannot open an HTTP server: socket.error reported errno.ENOENT (2)":
    "config-errors: refuses a unix socket in no directory",
  "Cannot open an HTTP server: socket.error reported -2":
    "config-errors: refuses a host that cannot be resolved",
  "Unlinking stale socket DIR/s.sock": "daemon: a stale socket is replaced",
  // config: programs, groups, listeners, fcgi, plugins
  "program section program:x does not specify a command": "config-errors: refuses no command",
  "%(process_num) must be present within process_name when numprocs > 1":
    "config-errors: refuses numprocs without process_num",
  "Cannot set stopasgroup=true and killasgroup=false":
    "config-errors: refuses killasgroup against stopasgroup",
  "section sets redirect_stderr=true but this is not allowed because it will interfere with the eventlistener protocol":
    "config-errors: refuses an event listener with redirect_stderr",
  "stdout_logfile=syslog but this is deprecated and will be removed.  Use stdout_syslog=true to enable syslog instead.":
    "config: warnings of the parser in the main log",
  "AUTO logging used for stdout_logfile without rollover, set maxbytes > 0 to avoid filling up filesystem unintentionally":
    "config: warnings of the parser in the main log",
  "redirect_stderr=true but stderr_logfile has also been set to a filename, the filename has been ignored":
    "config: warnings of the parser in the main log",
  "[group:g] names unknown program or fcgi-program nosuch":
    "config-errors: refuses a group with an unknown program",
  "[group:g] name x is ambiguous (exists as program and fcgi-program)":
    "keys: an ambiguous member, a group of nothing, words the shell would know",
  '[fcgi-program:x] section requires a "socket" line':
    "config-errors: refuses an fcgi program without a socket",
  "('Bad socket format %s', 'foo') in [fcgi-program:x] socket":
    "config-errors: refuses an fcgi socket of no known kind",
  "('Unix socket path %s is not an absolute path', 'foo') in [fcgi-program:x] socket":
    "config-errors: refuses an fcgi socket with a relative path",
  "0 is below lower bound (1) in [fcgi-program:x] socket": "config-errors: refuses an fcgi port of zero",
  "Invalid socket_backlog value 0": "config-errors: refuses an fcgi backlog of zero",
  "Invalid socket_mode value 9": "config-errors: refuses an fcgi mode that is not octal",
  "socket_owner and socket_mode params should only be used with a Unix domain socket in [fcgi-program:x] socket":
    "config-errors: refuses an fcgi owner on a TCP socket",
  '[eventlistener:e] section requires an "events" line':
    "config-errors: refuses an event listener without events",
  "Unknown event type FOO in [eventlistener:e] events":
    "config-errors: refuses an event listener with an unknown event",
  "[eventlistener:e] section sets invalid buffer_size (0)":
    "config-errors: refuses an event listener with no buffer",
  "supervisor.dispatchers:nosuch cannot be resolved within [eventlistener:e]":
    "keys: a python handler or factory that is not there",
  "section [rpcinterface:foo] does not specify a supervisor.rpcinterface_factory":
    "config-errors: refuses an rpcinterface without a factory",
  "supervisor.rpcinterface:nosuch cannot be resolved within [rpcinterface:x]":
    "keys: a python handler or factory that is not there",
  "Could not make y rpc interface": "keys: a python handler or factory that is not there",
  "section [ctlplugin:x] does not specify a supervisor.ctl_factory":
    "ctl-talk: the client's conf: credentials, prompt, history, %(here)s, and no includes",
  "Unknown protocol for serverurl gopher://x":
    "ctl-talk: a serverurl of an unknown kind fails when it is used",
  // config: environment
  "Unexpected end of key/value pairs in value 'A='":
    "config-errors: refuses a global environment with an open end",
  "No closing quotation": "config-errors: refuses an environment with an open quote",
  // process: spawn errors
  "can't parse command '/bin/echo \"unclosed': No closing quotation":
    "supervision: a command with an unclosed quote is a spawn error, and a fault when asked for",
  "command is empty": "supervision: an empty command is a spawn error, and a fault when asked for",
  "can't find command 'nosuch-command'":
    "supervision: a command that is not there is a spawn error, and a fault when asked for",
  "can't find command '/nonexistent/program'":
    "supervision: a path that is not there is a spawn error, and a fault when asked for",
  "command at '/etc' is a directory":
    "supervision: a command that is a directory is a spawn error, and a fault when asked for",
  "command at '/etc/passwd' is not executable":
    "supervision: a command that is not executable is a spawn error, and a fault when asked for",
  "no permission to run command 'DIR/private'": "nonroot: a command that the daemon may not execute",
  "too many open files to spawn 'pNN'": "nonroot: too many open files is a spawn error, and the daemon lives",
  "unknown error making dispatchers for 'bad': EISDIR":
    "supervision: a log file that is a directory is a spawn error",
  "Too many processes in process table to spawn 'p'": "nonroot: too many processes is a spawn error",
  "supervisor: couldn't setuid to 1: Can't drop privilege as nonroot user":
    "nonroot: a program never runs as the wrong user: it does not run at all",
  "supervisor: couldn't chdir to /nonexistent/place: ENOENT":
    "supervision: a directory that is not there is told in the child's stderr log",
  "supervisor: couldn't exec DIR/bare.sh: ENOEXEC":
    "supervision: a script without an interpreter line cannot be executed",
  "supervisor: child process was not spawned":
    "supervision: a script without an interpreter line cannot be executed",
  "Exited too quickly (process log may have details)":
    "supervision: a process in BACKOFF can be stopped at once",
  "Bad exit code 7":
    "supervision: with startsecs=0 an unexpected immediate exit is EXITED with its exitstatus",
  // process: what became of it
  "spawned: 'p' with pid PID": "logs: the main log can be read and cleared over RPC",
  "success: p entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)":
    "daemon: the main log from start to end",
  "gave up: boom entered FATAL state, too many start retries too quickly":
    "supervision: startretries=0 is one attempt",
  "exited: fine (exit status 3; expected)": "supervision: an expected exit is not restarted",
  "exited: gone (exit status 9; not expected)": "supervision: autorestart=false lets an unexpected exit be",
  "exited: dies (terminated by SIGSEGV":
    "supervision: a death by SIGSEGV is told by its name and exitstatus -1",
  "stopped: p (terminated by SIGTERM)": "daemon: SIGINT shuts down with status 0",
  "killing 'deaf' (PID) with SIGKILL": "supervision: what ignores TERM is killed after stopwaitsecs",
  "waiting for slow to stop": "regressions: a stop that takes its time, and a start meanwhile, are told",
  "process 'slow' already running":
    "regressions: a stop that takes its time, and a start meanwhile, are told",
  "killing p (pid PID) with signal SIGTERM":
    "logs: at level debug the child's output is mirrored in the main log",
  "unknown problem killing p":
    "nonroot: a stop that cannot be signalled fails, and update leaves the group alone",
  "unknown problem sending sig p": "nonroot: a process that cannot be signalled is UNKNOWN",
  "Not started": "logs: AUTO logs lie in childlogdir under the name of process, channel and identifier",
  // process: the daemon
  "supervisord started with pid PID": "daemon: the main log from start to end",
  "RPC interface 'supervisor' initialized":
    "daemon: every server section without credentials has its CRIT line",
  "daemonizing the supervisord process":
    "daemon: in the background: parent exits 0, its own session, fds on /dev/null",
  "received SIGTERM indicating exit request":
    "daemon: shutdown with a process in BACKOFF does not wait for its retry",
  "received SIGINT indicating exit request": "daemon: SIGINT shuts down with status 0",
  "received SIGQUIT indicating exit request": "daemon: SIGQUIT shuts down with status 0",
  "received SIGHUP indicating restart request": "daemon: HUP reloads: same pid, everything restarted",
  "ignored SIGHUP indicating restart request (shutdown in progress)":
    "daemon: HUP during shutdown is ignored",
  "received SIGUSR2 indicating log reopen request":
    "logs: USR2 reopens the logs where logrotate has moved them",
  "supervisord logreopen": "logs: USR2 reopens the logs where logrotate has moved them",
  "received SIGCHLD indicating a child quit":
    "logs: at level debug the child's output is mirrored in the main log",
  "waiting for p to die": "daemon: SIGINT shuts down with status 0",
  "Creating socket unix://DIR/f.sock": "config: an fcgi program gets its socket as stdin",
  "Closing socket unix://DIR/f.sock": "config: an fcgi program gets its socket as stdin",
  "XML-RPC method called: supervisor.getPID()": "logs: at level trace RPC calls are told with their faults",
  "XML-RPC method supervisor.getPID() returned successfully":
    "logs: at level trace RPC calls are told with their faults",
  "XML-RPC method supervisor.getProcessInfo() returned fault: [10] BAD_NAME: nosuch":
    "logs: at level trace RPC calls are told with their faults",
  "XML-RPC request data ": "wire: errors of the caller are told in the main log",
  "'p' stdout output:": "logs: at level debug the child's output is mirrored in the main log",
  // events
  "ears: ACKNOWLEDGED -> READY": "listeners: answers in pieces, and READY in one write with the result",
  "event 0 sent to listener ears": "listeners: answers in pieces, and READY in one write with the result",
  "ears: event was processed": "listeners: answers in pieces, and READY in one write with the result",
  "ears: event was rejected": "listeners: a buffer that overflows while an event comes back drops its oldest",
  "ears: bad result line: 'RESULT x'":
    "listeners: a result line without a number makes a listener UNKNOWN and its event go back",
  "ears: has entered the UNKNOWN state and will no longer receive events, this usually indicates the process violated the eventlistener protocol":
    "listeners: a listener that talks while it has nothing to say is UNKNOWN",
  "rebuffering event 0 for pool ears (buf size=0, max=10)":
    "listeners: a result line without a number makes a listener UNKNOWN and its event go back",
  "pool late event buffer overflowed, discarding event ": "events: a full buffer drops its oldest event",
  'Undecodable: b"a\\xffb\'\\n"': "listeners: output that is not UTF-8 is told in Python's notation",
  // event types
  "brings PROCESS_STATE_STARTING": "listeners: what a subscription to each event type brings",
  "brings PROCESS_STATE_BACKOFF": "listeners: what a subscription to each event type brings",
  "brings PROCESS_STATE_RUNNING": "listeners: what a subscription to each event type brings",
  "brings PROCESS_STATE_STOPPING": "listeners: what a subscription to each event type brings",
  "brings PROCESS_STATE_STOPPED": "listeners: what a subscription to each event type brings",
  "brings PROCESS_STATE_EXITED": "listeners: what a subscription to each event type brings",
  "brings PROCESS_STATE_FATAL": "listeners: what a subscription to each event type brings",
  "brings PROCESS_STATE_UNKNOWN": "nonroot: a process that cannot be signalled is UNKNOWN",
  "brings PROCESS_LOG_STDOUT": "listeners: what a subscription to each event type brings",
  "brings PROCESS_LOG_STDERR": "listeners: what a subscription to each event type brings",
  "brings PROCESS_COMMUNICATION_STDOUT": "listeners: what a subscription to each event type brings",
  "brings PROCESS_COMMUNICATION_STDERR": "listeners: what a subscription to each event type brings",
  "brings REMOTE_COMMUNICATION": "listeners: what a subscription to each event type brings",
  "brings SUPERVISOR_STATE_CHANGE_RUNNING": "listeners: what a subscription to each event type brings",
  "brings SUPERVISOR_STATE_CHANGE_STOPPING": "listeners: what a subscription to each event type brings",
  "brings TICK_5": "listeners: ticks come when their slice of time begins, the one of a minute too",
  "brings TICK_60": "listeners: ticks come when their slice of time begins, the one of a minute too",
  "brings PROCESS_GROUP_ADDED": "listeners: what a subscription to each event type brings",
  "brings PROCESS_GROUP_REMOVED": "listeners: what a subscription to each event type brings",
  // faults
  "1 UNKNOWN_METHOD": "rpc: the method name supervisor.nosuch is refused",
  "2 INCORRECT_PARAMETERS": "rpc: wrong numbers of arguments are faults",
  "INCORRECT_PARAMETERS: No methodName": "rpc: multicall gives bare values and faults in order",
  "INCORRECT_PARAMETERS: Recursive system.multicall forbidden":
    "rpc: multicall gives bare values and faults in order",
  "3 BAD_ARGUMENTS": "logs: the main log can be read and cleared over RPC",
  "4 SIGNATURE_UNSUPPORTED": "rpc: system.methodHelp names parameters and results alike",
  "6 SHUTDOWN_STATE": "rpc: while shutting down every method but a few answers SHUTDOWN_STATE",
  "10 BAD_NAME: nosuch": "rpc: unknown names are BAD_NAME with the name as sent",
  "11 BAD_SIGNAL: NOSUCH": "rpc: what is not running cannot be stopped, signalled or written to",
  "20 NO_FILE: can't find command 'nosuch-command'":
    "supervision: a command that is not there is a spawn error, and a fault when asked for",
  "20 NO_FILE": "rpc: stdin that the child has closed",
  "21 NOT_EXECUTABLE: command is empty":
    "supervision: an empty command is a spawn error, and a fault when asked for",
  "30 FAILED: p is in an unknown process state": "nonroot: a process that cannot be signalled is UNKNOWN",
  "30 FAILED": "ctl-talk: logs that cannot be read",
  "40 ABNORMAL_TERMINATION: slow": "supervision: starting while STOPPING is an abnormal termination",
  "50 SPAWN_ERROR: bad": "supervision: a log file that is a directory is a spawn error",
  "60 ALREADY_STARTED: boom": "supervision: a process in BACKOFF is already started",
  "70 NOT_RUNNING: p": "rpc: what is not running cannot be stopped, signalled or written to",
  "90 ALREADY_ADDED: new": "rpc: reloadConfig tells what was added, changed and removed",
  "91 STILL_RUNNING: p": "rpc: a group that runs cannot be removed",
  "92 CANT_REREAD: ": "rpc: a broken conf is CANT_REREAD and changes nothing",
  // supervisorctl: connections
  "http://127.0.0.1:1 refused connection":
    "ctl: no daemon: missing socket, refused connection, exit statuses",
  "unix://DIR/s.sock no such file": "ctl: no daemon: missing socket, refused connection, exit statuses",
  "Sorry, this version of supervisorctl expects to talk to a server with API version 3.0, but the remote version is 2.0.":
    "ctl-talk: a server of another API version, and one that answers 500",
  "Sorry, supervisord responded but did not recognize the supervisor namespace commands that supervisorctl uses to control it.":
    "daemon: without the rpcinterface section there are no supervisor methods",
  "Server requires authentication":
    "ctl: credentials: none, wrong and right, from the conf and from the command line",
  "error: <class 'FileNotFoundError'>, [Errno 2] No such file or directory: file: ":
    "ctl-talk: errors that only have Python's words",
  "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>: file: ":
    "ctl: commands while the daemon shuts down",
  "error: <class 'xmlrpc.client.Fault'>, <Fault 1: 'UNKNOWN_METHOD'>: file: ":
    "daemon: without the rpcinterface section there are no supervisor methods",
  "error: <class 'xmlrpc.client.Fault'>, <Fault 92: \"CANT_REREAD: ":
    "ctl: a broken conf at reread and at update",
  "error: <class 'ConnectionRefusedError'>, [Errno 111] Connection refused: file: ":
    "ctl-talk: errors that only have Python's words",
  "error: <class 'ValueError'>, Unknown result code 30 for p":
    "nonroot: a stop that cannot be signalled fails, and update leaves the group alone",
  "error: <class 'xmlrpc.client.ProtocolError'>, <ProtocolError for ":
    "ctl-talk: a server of another API version, and one that answers 500",
  // supervisorctl: processes
  "a: started": "ctl: start all and stop all",
  "a: ERROR (already started)": "ctl: start in all its forms",
  "nosuch: ERROR (no such process)": "ctl: clear",
  "lost: ERROR (no such file)": "ctl: start all and stop all",
  "dir: ERROR (file is not executable)": "ctl: start of what cannot be started",
  "badlog: ERROR (spawn error)": "ctl: start of what cannot be started",
  "boom: ERROR (spawn error)": "ctl: start of what cannot be started",
  "slow: ERROR (abnormal termination)": "ctl-talk: start and restart while a stop is under way",
  "nosuch: ERROR (no such group)": "ctl: stop in all its forms",
  "Error: start requires a process name": "ctl: start in all its forms",
  "a: stopped": "ctl: start all and stop all",
  "a: ERROR (not running)": "ctl: stop in all its forms",
  "Error: stop requires a process name": "ctl: stop in all its forms",
  "Error: restart requires a process name": "ctl: restart of what runs and of what does not",
  "a: signalled": "ctl: signal in all its forms",
  "a: ERROR (bad signal name)": "ctl: signal in all its forms",
  "down: ERROR (not running)": "ctl: signal in all its forms",
  "Error: signal requires a signal name and a process name": "ctl: signal in all its forms",
  "No such process nosuch": "ctl: pid",
  "a: cleared": "ctl: clear",
  "p: ERROR (failed)": "ctl-talk: logs that cannot be read",
  "Error: clear requires a process name": "ctl: clear",
  "FAILED: unknown problem killing p":
    "nonroot: a stop that cannot be signalled fails, and update leaves the group alone",
  // supervisorctl: logs and the foreground
  "Error: too few arguments": "ctl: tail, its defaults and its complaints",
  "Error: too many arguments": "ctl: maintail",
  "Error: tail requires process name": "ctl: tail, its defaults and its complaints",
  "Error: bad argument -x": "ctl: maintail",
  "Error: bad argument 5": "ctl: maintail",
  "Error: bad channel 'nochannel'": "ctl: tail, its defaults and its complaints",
  "none: ERROR (no log file)": "ctl: tail, its defaults and its complaints",
  "p: ERROR (unknown error reading log)": "ctl-talk: logs that cannot be read",
  "nosuch: ERROR (no such process name)": "ctl: tail, its defaults and its complaints",
  "==> Press Ctrl-C to exit <==": "ctl: tail -f of what is not there",
  "Cannot read, status code 404": "ctl: tail -f of what is not there",
  "supervisord: ERROR (no log file)": "ctl-talk: maintail of a daemon that writes to syslog",
  "supervisord: ERROR (unknown error reading log)": "ctl-talk: logs that cannot be read",
  "ERROR: no process name supplied": "ctl: fg's complaints",
  "ERROR: too many process names supplied": "ctl: fg's complaints",
  "ERROR: bad process name supplied": "ctl: fg's complaints",
  "ERROR: process not running": "ctl: fg's complaints",
  "Exiting foreground": "ctl-talk: fg sends what is typed, and leaves at the end of input",
  // supervisorctl: the daemon
  "edited: changed": "ctl: avail, reread and update",
  "gone: disappeared": "ctl: avail, reread and update",
  "new: available": "ctl: avail, reread and update",
  "No config updates to processes": "ctl: avail, reread and update",
  "ERROR: CANT_REREAD: ": "ctl: a broken conf at reread and at update",
  "gone: stopped": "ctl: avail, reread and update",
  "gone: removed process group": "ctl: avail, reread and update",
  "edited: updated process group": "ctl: avail, reread and update",
  "new: added process group": "ctl: avail, reread and update",
  "ERROR: no such group: nosuch": "ctl: avail, reread and update",
  "ERROR: already shutting down": "ctl: commands while the daemon shuts down",
  "ERROR: supervisor shutting down": "ctl: commands while the daemon shuts down",
  "ERROR: shutting down": "ctl: commands while the daemon shuts down",
  "ERROR: process group already active": "ctl: add and remove",
  "ERROR: no such process/group: nosuch": "ctl: add and remove",
  "ERROR: process/group still running: b": "ctl: add and remove",
  "Restarted supervisord": "ctl: shutdown and reload say so at once",
  "Shut down": "ctl: shutdown and reload say so at once",
  "Error: shutdown accepts no arguments": "ctl: version, help and unknown words",
  "Error: reload accepts no arguments": "regressions: arguments for commands that take none",
  "Error: avail accepts no arguments": "ctl: version, help and unknown words",
  "Error: reread accepts no arguments": "ctl: version, help and unknown words",
  "Error: version accepts no arguments": "ctl: the prompt is that of the conf",
  "Really restart the remote supervisord process y/N? ":
    "ctl-talk: the shell asks before shutdown and reload",
  "Really shut the remote supervisord process down y/N? ":
    "ctl-talk: -i with an action asks, does it, and opens no shell",
  "ERROR: http://127.0.0.1:1 refused connection (already shut down?)":
    "ctl: no daemon: missing socket, refused connection, exit statuses",
  "ERROR: unix://DIR/s.sock no such file (already shut down?)":
    "ctl: no daemon: missing socket, refused connection, exit statuses",
  "ERROR: url must be http:// or unix://": "ctl: open another daemon from the shell",
  "*** Unknown syntax: nosuch": "ctl: version, help and unknown words",
  "*** No help on nosuch": "ctl: version, help and unknown words",
  "default commands (type help <topic>):": "ctl-talk: help, its columns and its words",
  // web
  "Page%20refreshed%20at%20": "web: refresh, restart all, stop all",
  "All%20stopped%20at%20": "web: refresh, restart all, stop all",
  "All%20restarted%20at%20": "web: refresh, restart all, stop all",
  "Process%20p%20started": "web: a form that is posted, repeated keys, another path",
  "Process%20p%20stopped": "web: a form that is posted, repeated keys, another path",
  "Process%20p%20restarted": "http: actions of the web page by plain GET",
  "Log%20for%20p%20cleared": "http: actions of the web page by plain GET",
  "ERROR%3A%20Process%20lost%3A%20no%20such%20file": "web: what an action answers when it cannot be done",
  "ERROR%3A%20Process%20dir%3A%20file%20not%20executable":
    "web: what an action answers when it cannot be done",
  "ERROR%3A%20Process%20up%3A%20already%20started": "web: what an action answers when it cannot be done",
  "ERROR%3A%20Process%20boom%3A%20spawn%20error": "web: what an action answers when it cannot be done",
  "ERROR%3A%20Process%20slow%3A%20abnormal%20termination":
    "web: what an action answers when it cannot be done",
  "unexpected%20rpc%20fault%20%5B70%5D%20NOT_RUNNING%3A%20down":
    "web: what an action answers when it cannot be done",
  "No%20such%20process%20named%20m": "web: what an action answers when it cannot be done",
  "No process name found": "web: the tail page: its limits and its complaints",
  "No file for none": "web: the tail page: its limits and its complaints",
  "ERROR: unexpected rpc fault [10] BAD_NAME: nosuch": "http: the tail page shows the end of the log",
};

/** The texts that this scenario must show. */
export function textsOf(scenario: string): readonly string[] {
  return Object.entries(TEXTS)
    .filter(([, name]) => name === scenario)
    .map(([text]) => text);
}
