#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where outputs go: descriptors, links, long names, pipes that do not wait."""

import fcntl
import os
import subprocess
import threading

from cli import PROGRAM, Folder, case, finish, read, run, says

HEAD = ["id", "export", "alice"]


def descriptors(folder, home, document):
    """/dev/stdout and its like are what is open, not files to replace."""
    os.symlink("/proc/self/fd/1", folder / "so")
    os.symlink("so", folder / "so2")
    bad = []
    for name in ("/dev/fd/1", "/proc/self/fd/1", folder / "so",
                 folder / "so2"):
        for force in ([], ["--force"]):
            with open(folder / "got", "w+b") as f:
                f.write(b"before ")
                f.flush()
                result = run(*HEAD, "--out", name, *force, home=home,
                             stdout=f)
            if result.returncode != 0 or not read(
                    folder / "got").startswith(b"before " + document):
                bad += [name, result, read(folder / "got")[:80]]
    case("an_open_descriptor_is_written_where_it_stands", not bad, *bad)
    case("links_to_descriptors_stay", os.path.islink(folder / "so") and
         os.path.islink(folder / "so2"))
    result = run(*HEAD, "--out", "/dev/fd/0", home=home)
    case("a_descriptor_for_reading_is_refused", says(result, 3, "cannot"),
         result)


def links(folder, home, document):
    folder.write("target", b"old")
    os.symlink("target", folder / "link")
    result = run(*HEAD, "--out", folder / "link", home=home)
    case("a_link_to_a_file_is_there_already",
         says(result, 2, "there already") and
         read(folder / "target") == b"old", result)
    result = run(*HEAD, "--out", folder / "link", "--force", home=home)
    case("a_links_target_is_replaced", result.returncode == 0 and
         os.path.islink(folder / "link") and
         read(folder / "target") == document, result)
    os.symlink("nowhere", folder / "dangling")
    result = run(*HEAD, "--out", folder / "dangling", "--force", home=home)
    case("a_links_missing_target_is_made", result.returncode == 0 and
         read(folder / "nowhere") == document, result)
    os.symlink("round", folder / "round")
    result = run(*HEAD, "--out", folder / "round", "--force", home=home)
    case("links_in_a_circle_are_refused", says(result, 3, "cannot write"),
         result)


def long_names(folder, home, document):
    before = len(folder.names())
    for n in (248, 249, 254, 255):
        for force in ([], ["--force"], ["--force"]):
            result = run(*HEAD, "--out", folder / ("n" * n), *force,
                         home=home)
            if not force:
                ok = result.returncode == 0
            else:
                ok = ok and result.returncode == 0
        case("a_name_of_%d_bytes_works" % n, ok and
             read(folder / ("n" * n)) == document, result)
    case("nothing_else_is_left", len(folder.names()) == before + 4,
         folder.names())


def pipes(folder, home):
    """A pipe that does not wait is waited for."""
    data = os.urandom(1 << 20)
    path = folder.write("data", data)
    run("id", "trust", folder / "doc", "--label", "me", "--purposes",
        "recipient,sealer", home=home)
    for which in ("stdout", "stdin"):
        read_end, write_end = os.pipe()
        end = write_end if which == "stdout" else read_end
        fcntl.fcntl(end, fcntl.F_SETFL, os.O_NONBLOCK)
        sealed = []
        args = [PROGRAM, "file", "seal", "--to", "me"]
        env = dict(os.environ, CAISSON_HOME=home)
        if which == "stdout":
            with subprocess.Popen(args + [path], stdout=write_end, env=env,
                                  stderr=subprocess.PIPE) as program:
                os.close(write_end)
                while True:
                    got = os.read(read_end, 65536)
                    if not got:
                        break
                    sealed.append(got)
                text = program.stderr.read()
                program.wait(timeout=60)
        else:
            with subprocess.Popen(args + ["--out", folder / "piped"],
                                  stdin=read_end, env=env,
                                  stderr=subprocess.PIPE) as program:
                os.close(read_end)

                def feed():
                    with os.fdopen(write_end, "wb") as f:
                        f.write(data)
                thread = threading.Thread(target=feed)
                thread.start()
                text = program.stderr.read()
                program.wait(timeout=60)
                thread.join()
            sealed = [read(folder / "piped")] if not program.returncode \
                else []
        if which == "stdout":
            os.close(read_end)
        result = run("file", "open", "--out", folder / ("opened-" + which),
                     stdin=b"".join(sealed), home=home)
        case("a_%s_that_does_not_wait_is_waited_for" % which,
             program.returncode == 0 and result.returncode == 0 and
             read(folder / ("opened-" + which)) == data, text, result)


def prints(home):
    """So is one that lines are printed to, and it is left as it was."""
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETFL, os.O_NONBLOCK)
    os.write(write_end, b"x" * 65536)           # full
    with subprocess.Popen([PROGRAM, "--help"], stdout=write_end,
                          stderr=subprocess.PIPE) as program:
        # Until it sleeps in its write, or has given up.
        while program.poll() is None and read(
                "/proc/%d/stat" % program.pid).split()[2] != b"S":
            pass
        got = os.read(read_end, 65536)
        while len(got) < 65536:
            got += os.read(read_end, 65536 - len(got))
        program.wait(timeout=60)
        got = os.read(read_end, 65536) if program.returncode == 0 else b""
        flags = fcntl.fcntl(write_end, fcntl.F_GETFL)
        os.close(write_end)
        text = program.stderr.read()
    os.close(read_end)
    case("what_is_printed_waits_too", program.returncode == 0 and
         b"usage: caisson" in got, text, got)
    case("the_pipe_is_left_as_it_was", flags & os.O_NONBLOCK)


with Folder() as work:
    at_home = work / "home"
    os.mkdir(at_home, 0o700)
    run("id", "new", "alice", home=at_home)
    alice = run(*HEAD, home=at_home)
    case("exported", alice.returncode == 0 and len(alice.stdout) > 100, alice)
    work.write("doc", alice.stdout)
    descriptors(work, at_home, alice.stdout)
    links(work, at_home, alice.stdout)
    long_names(work, at_home, alice.stdout)
    pipes(work, at_home)
    prints(at_home)
finish()
