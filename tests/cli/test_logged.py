#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What file and session write to an audit log, where one is named."""

import json
import os
import subprocess

from cli import PROGRAM, Folder, case, finish, read, run, says
from people import Person, must


def records(log):
    result = must(run("audit", "show", log, "--json"))
    return [(r["op"], r["ok"]) for r in json.loads(result.stdout)]


def details(log):
    return json.loads(must(run("audit", "show", log, "--json")).stdout)


def verifies(log, person, folder):
    result = run("audit", "verify", log, "--first-key",
                 os.path.join(log, "first.key"), home=person.home)
    return result.returncode == 0


def files(folder, alice, bob):
    log = folder / "log"
    data = folder.write("notes", b"n" * 1000)
    sealed, out = folder / "notes.csn", folder / "out"
    must(alice.run("file", "seal", data, "--to", "bob", "--out", sealed,
                   "--audit", log))
    must(bob.run("file", "open", sealed, "--out", out,
                 env={"CAISSON_AUDIT": log}))
    bad = folder.write("bad", read(sealed)[:-1] + b"x")
    result = bob.run("file", "open", bad, "--out", folder / "never",
                     "--audit", log)
    found = details(log)
    case("a_log_has_what_was_sealed_opened_and_refused",
         [(r["op"], r["ok"]) for r in found] == [
             ("encrypt", True), ("decrypt", True), ("decrypt", False)] and
         result.returncode == 1, found)
    case("a_log_says_what_who_and_how_much", [r["bytes"] for r in found[:2]]
         == [1000, 1000] and data in found[0]["detail"] and
         "as alice, to 1" in found[0]["detail"] and
         found[1]["detail"].endswith("as bob, sealed by alice"), found)
    case("a_log_of_the_program_verifies", verifies(log, alice, folder))
    must(alice.run("id", "trust", alice.document, "--label", "me",
                   "--purposes", "audit"))
    must(alice.run("id", "trust", bob.document, "--label", "b",
                   "--purposes", "audit", "--trust", folder / "store"))
    must(alice.run("id", "trust", alice.document, "--label", "a",
                   "--purposes", "audit", "--trust", folder / "store"))
    result = run("audit", "verify", log, "--trust", folder / "store",
                 "--json")
    checks = {c["name"]: c["status"]
              for c in json.loads(result.stdout)["checks"]}
    case("a_log_of_the_program_is_signed_by_who_acted",
         result.returncode == 0 and checks["checkpoints"] == "passed",
         result)


def without_a_log(folder, alice, bob):
    """What cannot be recorded is not done."""
    sealed, out = folder / "notes.csn", folder / "unlogged"
    file = folder.write("file", b"")
    for name, words in (("kv_open", ("file", "open", sealed, "--out", out)),
                        ("kv_seal", ("file", "seal", file, "--to", "alice",
                                     "--out", out))):
        result = bob.run(*words, "--audit", file)
        case("nothing_is_done_without_the_log_" + name,
             result.returncode in (2, 3) and b"nothing was done" in
             result.stderr and not os.path.exists(out), result)
    broken = folder / "broken"
    must(bob.run("file", "open", sealed, "--out", folder / "o1", "--audit",
                 broken))
    names = [n for n in os.listdir(broken) if n.endswith(".jsonl")]
    for n in names:
        os.truncate(os.path.join(broken, n), 5)
    result = bob.run("file", "open", sealed, "--out", out, "--audit", broken)
    case("a_log_that_was_cut_is_not_written_on",
         result.returncode != 0 and not os.path.exists(out), result)


def sessions(folder, alice, bob):
    log = folder / "session-log"
    at = folder.path + "/"
    env = {"CAISSON_AUDIT": log}
    must(alice.run("session", "offer", "--server", "bob", "--state",
                   at + "o.state", "--out", at + "offer", env=env))
    result = bob.run("session", "accept", folder.write("junk", b"junk"),
                     "--state", at + "x", "--out", at + "y", env=env)
    must(bob.run("session", "accept", at + "offer", "--state",
                 at + "p.state", "--out", at + "reply", env=env))
    must(alice.run("session", "finish", at + "reply", "--state",
                   at + "o.state", "--session", at + "a.session", "--out",
                   at + "confirm", env=env))
    must(bob.run("session", "confirm", at + "confirm", "--state",
                 at + "p.state", "--session", at + "b.session", env=env))
    must(alice.run("file", "seal", at + "junk", "--session", at + "a.session",
                   "--out", at + "s", env=env))
    must(bob.run("file", "open", at + "s", "--session", at + "b.session",
                 "--out", at + "t", env=env))
    found = details(log)
    case("a_log_has_sessions_that_were_opened_and_refused",
         result.returncode == 1 and [(r["op"], r["ok"])
                                     for r in found] == [
             ("session-open", False), ("session-open", True),
             ("session-open", True), ("encrypt", True),
             ("decrypt", True)], found)
    case("a_log_says_whose_session_it_was",
         {r.get("tenant") for r in found[1:]} == {"alice"} and
         len({r.get("session") for r in found[1:]}) == 1, found)


def side_by_side(folder, alice):
    """Commands at once wait for each other's record."""
    log = folder / "busy"
    running = [subprocess.Popen(
        [PROGRAM, "file", "seal", alice.document, "--to", "alice", "--out",
         folder / ("busy-%d" % i), "--audit", log],
        env=dict(os.environ, CAISSON_HOME=alice.home),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for i in range(6)]
    codes = [(p.wait(), p.stderr.read()) for p in running]
    case("commands_at_once_leave_a_record_each", records(log) ==
         [("encrypt", True)] * 6 and not any(c for c, _ in codes) and
         verifies(log, alice, folder), codes)


with Folder() as where:
    pair = Person(where, "alice"), Person(where, "bob")
    pair[0].knows(pair[1], "recipient,server")
    pair[1].knows(pair[0], "sealer,tenant")
    files(where, *pair)
    without_a_log(where, *pair)
    sessions(where, *pair)
    side_by_side(where, pair[0])
finish()
