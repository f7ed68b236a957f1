/** A configuration to start from: usable as it is, everything else there to be uncommented. */

const SAMPLE = `; Sample supervisor config file, for supervisord-ts and Supervisor alike.
;
; How it is read:
;  - A comment starts with ";" or "#". Behind a value it needs a blank before it, and then it counts even between
;    quotes: command=sh -c "a ; b" ends after "a".
;  - A line indented deeper than its key goes on with that key's value.
;  - %(here)s is the directory of the file, %(ENV_HOME)s is HOME of supervisord's environment. A percent sign of
;    its own is written %%, in a *_logfile %%%%.
;  - No shell is involved: neither ~ nor $HOME nor * means anything in a command.
;
; The paths in /tmp make this file work anywhere. Move them before you depend on it: many systems clean up /tmp, and
; without its socket supervisorctl can't reach supervisord.

[unix_http_server]
file=/tmp/supervisor.sock      ; where supervisorctl finds supervisord
;chmod=0700                    ; mode of the socket file
;chown=nobody:nogroup          ; owner of the socket file
;username=user                 ; both or neither; without them there is no authentication
;password=123                  ; clear text, or {SHA} and the SHA-1 in hexadecimal

; Whoever reaches this port can run any program as supervisord's user, and nothing on it is encrypted. Bind it to
; localhost, or to a network you trust, and set a password.
;[inet_http_server]
;port=127.0.0.1:9001           ; address:port; *:port is every interface
;username=user
;password=123
;allowed_hosts=a.example       ; not known to Supervisor: names of this machine, for browsers, without a password

[supervisord]
logfile=/tmp/supervisord.log   ; activity log; default supervisord.log where it was started
logfile_maxbytes=50MB          ; rotate at this size; 0 is never
logfile_backups=10             ; rotated logs to keep
loglevel=info                  ; critical, error, warn, info, debug, trace or blather
pidfile=/tmp/supervisord.pid   ; default supervisord.pid where it was started
nodaemon=false                 ; true stays in the foreground
silent=false                   ; true keeps the log off stdout in the foreground
minfds=1024                    ; file descriptors needed to start
minprocs=200                   ; processes needed to start
;umask=022                     ; of supervisord when it is a daemon
;user=supervisord              ; drop privileges to this user
;identifier=supervisor         ; appears in events and in names of AUTO logs
;directory=/tmp                ; change to it when it becomes a daemon
;nocleanup=true                ; keep the AUTO logs of an earlier run
;childlogdir=/tmp              ; where AUTO logs go; default the directory for temporary files
;environment=KEY="value"       ; for every program
;strip_ansi=false              ; drop ANSI escapes from logs of programs
; The next five are not known to Supervisor, which ignores them.
;keep_stopped=true             ; what you stopped stays stopped over reload and update
;adopt=true                    ; take over the programs that a supervisord which died has left running
;statefile=%(here)s/supervisord.pid.state ; remembers running programs; default the pidfile with .state where that is safe
;watch_config=false            ; update by itself when this file or an included one has changed and can be read
;logformat=text                ; activity log as text, or one JSON object a line

; Without this section supervisorctl has nothing to talk to.
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

; supervisorctl only reads this file, not the included ones. Say here what the server section above says.
[supervisorctl]
serverurl=unix:///tmp/supervisor.sock
;serverurl=http://127.0.0.1:9001
;username=chris
;password=123
;prompt=mysupervisor           ; default supervisor
;history_file=~/.sc_history    ; keep what was typed at the prompt

; A program, with everything it may say and what is assumed when it doesn't. Only the command is needed.
;[program:theprogramname]
;command=/bin/cat              ; the program and its arguments; it must stay in the foreground
;process_name=%(program_name)s ; with numprocs it has to contain %(process_num)s
;numprocs=1                    ; how many of it
;numprocs_start=0              ; number of the first
;directory=/tmp                ; where it runs
;umask=022
;priority=999                  ; lower starts first and stops last
;autostart=true                ; start with supervisord
;startsecs=1                   ; it counts as running once it has been up this long
;startretries=3                ; failed starts before it is FATAL
;autorestart=unexpected        ; after it was running: true, false, or unexpected exit statuses only
;exitcodes=0                   ; the expected ones
;stopsignal=QUIT               ; default TERM
;stopwaitsecs=10               ; then comes SIGKILL
;stopasgroup=false             ; stop its whole process group
;killasgroup=false             ; SIGKILL to its whole process group
;user=chrism                   ; run as this user; supervisord must be root
;redirect_stderr=true          ; stderr goes where stdout goes
;stdout_logfile=/a/path        ; AUTO, NONE, or a file
;stdout_logfile_maxbytes=1MB   ; default 50MB
;stdout_logfile_backups=10
;stdout_capture_maxbytes=1MB   ; for events between capture tags; default 0, off
;stdout_events_enabled=false   ; an event for each piece of output
;stdout_syslog=false
;stderr_logfile=/a/path        ; all of these for stderr too
;stderr_logfile_maxbytes=1MB
;stderr_logfile_backups=10
;stderr_capture_maxbytes=1MB
;stderr_events_enabled=false
;stderr_syslog=false
;environment=A="1",B="2"       ; quote values that are more than plain words
;serverurl=AUTO                ; for programs that call back

; Processes with one listening socket between them, as their stdin. All that a program may say, and:
;[fcgi-program:thefcgiprogram]
;command=/usr/bin/php-cgi
;socket=tcp://localhost:9000   ; or unix:///path
;socket_backlog=1024           ; 1 to 65535; default what the system allows
;socket_owner=chrism           ; unix sockets only; default the program's user
;socket_mode=0700              ; unix sockets only

; A pool of processes that are told of events. All that a program may say except redirect_stderr, and:
;[eventlistener:theeventlistenername]
;command=/bin/eventlistener
;events=PROCESS_STATE          ; or several, with commas
;buffer_size=10                ; events that wait when all are busy

; Programs that are started and stopped together, as thegroupname:*. They no longer form groups of
; their own.
;[group:thegroupname]
;programs=progname1,progname2
;priority=999

; More files, relative to this one. What they say wins over what is said here.
;[include]
;files = relative/directory/*.ini
`;

/** The text that `echo_supervisord_conf` prints. */
export function sampleConf(): string {
  return SAMPLE;
}
