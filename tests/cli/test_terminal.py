#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the program does at a terminal: passphrases, progress, colours."""

import os
import pty
import select
import subprocess
import termios
import time

from cli import PROGRAM, Folder, case, finish, run, says
from people import must

SECRET = "correct horse battery staple"


class Terminal:
    """The program with a terminal of its own; streams may go elsewhere."""

    def __init__(self, args, home, **streams):
        self.master, slave = pty.openpty()
        attributes = termios.tcgetattr(slave)
        attributes[3] |= termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        for name in ("stdin", "stdout", "stderr"):
            streams.setdefault(name, slave)
        env = dict(os.environ, CAISSON_HOME=home, TERM="xterm")
        for name in ("CAISSON_PASSPHRASE", "NO_COLOR"):
            env.pop(name, None)

        def take_terminal():
            os.setsid()
            # The first terminal that a session leader opens is its own.
            os.close(os.open(os.ttyname(slave), os.O_RDWR))

        self.program = subprocess.Popen([PROGRAM] + list(args), env=env,
                                        preexec_fn=take_terminal, **streams)
        os.close(slave)
        self.text = b""

    def until(self, words, seconds=30):
        """Read until the words came, or the program closed the terminal."""
        end = time.monotonic() + seconds
        while words not in self.text and time.monotonic() < end:
            ready, _, _ = select.select([self.master], [], [], 0.2)
            if not ready:
                continue
            try:
                piece = os.read(self.master, 65536)
            except OSError:
                break
            if not piece:
                break
            self.text += piece
        return words in self.text

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        self.until(b"\0never\0", 5)
        self.program.wait(timeout=60)
        os.close(self.master)
        return self.program.returncode


def passphrases(folder):
    home = folder / "home"
    secret = folder.write("secret", SECRET.encode() + b"\n")
    must(run("id", "new", "locked", "--passphrase-file", secret, home=home))
    seal = ("session", "offer", "--server", "nobody", "--state",
            folder / "o", "--out", folder / "m")
    # With the identity open, the next thing missing is the server.
    good = "nobody"
    result = run(*seal, home=home, stdin=b"")
    case("passphrase_missing_without_a_terminal",
         says(result, 2, "--passphrase-file"), result)
    result = run(*seal, "--passphrase-file", secret, home=home)
    case("passphrase_from_a_file", says(result, 2, good), result)
    result = run(*seal, home=home, env={"CAISSON_PASSPHRASE": SECRET})
    case("passphrase_from_the_environment", says(result, 2, good), result)
    with open(secret, "rb") as f:
        result = run(*seal, "--passphrase-fd", str(f.fileno()), home=home,
                     pass_fds=(f.fileno(),))
    case("passphrase_from_a_descriptor", says(result, 2, good), result)
    for name, data, code, word in (
            ("wrong", b"incorrect horse\n", 2, "PASSPHRASE"),
            ("empty", b"\n", 2, "empty"), ("long", b"x" * 2000, 2, "longer"),
            ("with_nul", b"a\0b\n", 2, "NUL")):
        result = run(*seal, "--passphrase-file", folder.write("bad", data),
                     home=home)
        case("passphrase_" + name, says(result, code, word) and
             b"horse" not in result.stderr + result.stdout, result)
    result = run(*seal, "--passphrase-file", folder / "none", home=home)
    case("passphrase_file_missing", says(result, 3, "No such file"), result)

    terminal = Terminal(seal, home)
    asked = terminal.until(b"Passphrase of locked: ")
    terminal.type(SECRET + "\n")
    code = terminal.end()
    case("passphrase_at_the_terminal", asked and code == 2 and
         good.encode() in terminal.text, terminal.text)
    case("passphrase_is_not_echoed", SECRET.encode() not in terminal.text,
         terminal.text)

    terminal = Terminal(("id", "new", "twice", "--encrypt"), home)
    terminal.until(b"Passphrase of")
    terminal.type(SECRET + "\n")
    terminal.until(b"The same again")
    terminal.type("something else\n")
    code = terminal.end()
    case("passphrases_that_differ", code == 2 and b"differ" in terminal.text
         and "twice" not in os.listdir(home + "/identities"), terminal.text)


def progress(folder):
    home = folder / "home2"
    must(run("id", "new", "me", home=home))
    must(run("id", "export", "me", "--out", folder / "me", home=home))
    must(run("id", "trust", folder / "me", "--purposes", "recipient,sealer",
             home=home))
    args = ("file", "seal", "--to", "me", "--out", folder / "sealed")
    reader, writer = os.pipe()
    terminal = Terminal(args, home, stdin=reader)
    os.close(reader)
    for _ in range(6):
        os.write(writer, bytes(1 << 20))
        time.sleep(0.12)
    os.close(writer)
    code = terminal.end()
    case("progress_on_a_terminal", code == 0 and
         b"sealing" in terminal.text and b"MB/s" in terminal.text,
         terminal.text)
    result = run(*args, "--force", home=home, stdin=bytes(1 << 20))
    case("no_progress_in_a_pipe", result.returncode == 0 and
         result.stderr == b"", result)
    terminal = Terminal(("file", "seal", "--to", "me"), home,
                        stdin=subprocess.DEVNULL)
    code = terminal.end()
    case("no_sealed_bytes_for_a_terminal", code == 2 and
         b"--out" in terminal.text, terminal.text)


def colours(folder):
    terminal = Terminal(("tour",), folder / "home3")
    code = terminal.end()
    case("tour_in_colours_on_a_terminal", code == 0 and
         b"\033[32m" in terminal.text, terminal.text[-2000:])


with Folder() as work:
    passphrases(work)
    progress(work)
    colours(work)
finish()
