"""Runs a command on a pseudo terminal of its own, as a shell with job control would.

terminal.py ROWS COLUMNS COMMAND...: lines of JSON come on stdin ({"send": text}, {"size": [rows, columns]},
{"modes": 1}, {"continue": 1}) and go out on stdout ({"pid": n}, {"out": base64}, {"modes": {...}},
{"stopped": {...}}, {"ended": {"exit": n or "SIGNAL", "modes": {...}}}). The command is a job in the foreground, not
the leader of the session, so that what it leaves the terminal like can be seen after its end.
"""
import base64, fcntl, json, os, select, signal, struct, sys, termios

rows, columns, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]


def say(**message):
    os.write(1, (json.dumps(message) + "\n").encode())


def modes():
    local = termios.tcgetattr(slave)[3]
    return {"echo": bool(local & termios.ECHO), "canonical": bool(local & termios.ICANON),
            "signals": bool(local & termios.ISIG)}


def resize(rows, columns):
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def foreground(group):
    os.tcsetpgrp(slave, group)


os.setsid()
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
resize(rows, columns)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
child_in, wake = os.pipe()
pid = os.fork()
if pid == 0:
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.read(child_in, 1)
    for fd in 0, 1, 2:
        os.dup2(slave, fd)
    os.closerange(3, 64)
    os.execvp(command[0], command)
os.setpgid(pid, pid)
foreground(pid)
os.write(wake, b".")
say(pid=pid)

news, tell = os.pipe()
os.set_blocking(tell, False)
signal.signal(signal.SIGCHLD, lambda *_: None)
signal.set_wakeup_fd(tell)
heard = b""
while True:
    readable, _, _ = select.select([0, master, news], [], [])
    if master in readable:
        say(out=base64.b64encode(os.read(master, 65536)).decode())
    if news in readable:
        os.read(news, 512)
        seen, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
        if seen and os.WIFSTOPPED(status):
            state = modes()
            foreground(os.getpgrp())
            say(stopped=state)
        elif seen:
            while select.select([master], [], [], 0)[0]:
                say(out=base64.b64encode(os.read(master, 65536)).decode())
            code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else signal.Signals(os.WTERMSIG(status)).name
            say(ended={"exit": code, "modes": modes()})
            sys.exit(0)
    if 0 in readable:
        more = os.read(0, 65536)
        if not more:
            os.killpg(pid, signal.SIGKILL)
            sys.exit(0)
        *lines, heard = (heard + more).split(b"\n")
        for line in lines:
            wish = json.loads(line)
            if "send" in wish:
                os.write(master, wish["send"].encode())
            elif "size" in wish:
                resize(*wish["size"])
            elif "modes" in wish:
                say(modes=modes())
            elif "continue" in wish:
                foreground(pid)
                os.killpg(pid, signal.SIGCONT)
