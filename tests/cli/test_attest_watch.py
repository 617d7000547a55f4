#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caisson attest watch: lines, JSON, a live table, reports delivered."""

import json
import os
import pty
import re
import select
import signal
import subprocess

from cli import PROGRAM, case, finish, read, run, says, skip
from http_peer import Peer
from workload import LEAF, Scene, Workload, no_http, readable


def lines(work):
    plain = run("attest", "watch", work.url, "--rounds", 3, "--interval",
                "50ms")
    case("a_line_a_round", plain.returncode == 0 and
         len(plain.stdout.splitlines()) == 3 and
         b"round 3" in plain.stdout and b"\x1b" not in plain.stdout, plain)
    case("watch_quietly", (q := run(
        "attest", "watch", work.url, "--rounds", 1, "--quiet")).stdout ==
         b"" and q.returncode == 0, q)


def changes(work):
    program = subprocess.Popen(
        [PROGRAM, "attest", "watch", work.url, "--interval", "50ms",
         "--json"], stdout=subprocess.PIPE)
    first = json.loads(program.stdout.readline())
    work.flip(LEAF)
    rounds = [first]
    while not rounds[-1]["changed"] and len(rounds) < 200:
        rounds.append(json.loads(program.stdout.readline()))
    region = json.loads(run("attest", "regions", work.url,
                            "--json").stdout)["regions"][0]["id"]
    case("a_change_is_named_in_the_next_round", first["changed"] == [] and
         first["full"] is True and rounds[-1]["changed"] == [region] and
         rounds[-1]["error"] is None, rounds[-1])
    program.send_signal(signal.SIGINT)
    program.stdout.read()
    case("sigint_ends_a_watch_well", program.wait(20) == 0)


def late():
    """Looks that come too late for their beats say so."""
    with Workload(48 << 20) as slow:
        said = run("attest", "watch", slow.url, "--rounds", 2, "--interval",
                   "1ms", "--jitter", 50)
        case("missed_beats_are_said", said.returncode == 0 and
             re.search(rb"round 2  .*  [1-9]\d* missed", said.stdout), said)
        told = run("attest", "watch", slow.url, "--rounds", 2, "--interval",
                   "1ms", "--json")
        case("missed_beats_are_said_in_json", told.returncode == 0 and
             json.loads(told.stdout.splitlines()[1])["missed"] > 0, told)


def live(work):
    """On a terminal the table is drawn again over the one before."""
    master, slave = pty.openpty()
    program = subprocess.Popen(
        [PROGRAM, "attest", "watch", work.url, "--interval", "100ms",
         "--rounds", "12"], stdout=slave, stdin=slave,
        env=dict(os.environ, TERM="xterm"))
    os.close(slave)
    text, flipped = b"", False
    while True:
        if select.select([master], [], [], 10)[0] == []:
            break
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
        if not flipped and b"LAST CHANGE" in text:
            work.flip(5)
            flipped = True
    code = program.wait(20)
    os.close(master)
    case("a_live_table_on_a_terminal", code == 0 and
         b"LAST CHANGE" in text and re.search(rb"\x1b\[\d+A", text) and
         b"0 s ago" in text and b"round 12" in text, text[-2000:])


def failing(s):
    with Workload(LEAF) as work:
        program = subprocess.Popen(
            [PROGRAM, "attest", "watch", work.url, "--interval", "20ms",
             "--failures", "1000"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        program.stdout.readline()
        work.end()
        out, err = program.communicate(timeout=20)
        case("a_process_that_goes_ends_a_watch", program.returncode == 3 and
             out.count(b"failed") <= 2 and
             b"watched no more, the process is gone" in err, out, err)
    case("watch_usage", all((
        says(run("attest", "watch", "buffer:"), 2),
        says(run("attest", "watch", "process:1", "--output", "file:x"), 2,
             "--workload"),
        says(run("attest", "watch", "process:1", "--workload", "x"), 2,
             "--output"),
        says(run("attest", "watch", "process:1", "--interval", "0"), 2,
             "--interval"),
        says(run("attest", "watch", "process:1", "--interval", "0s"), 2,
             "--interval", "1ms"),
        says(run("attest", "watch", "process:1", "--jitter", "101"), 2,
             "--jitter"),
        says(run("attest", "watch", "process:1", "--workload", "x",
                 "--output", "ftp:/x"), 2, "ftp:/x", "file:"))))


def deliver(s, work, url, *more, rounds=1):
    return s.attester.run("attest", "watch", work.url, "--workload", "llm",
                          "--rounds", rounds, "--interval", "20ms",
                          "--output", url, *more)


def delivering(s, work):
    path = s / "newest"
    filed = deliver(s, work, "file:" + path, rounds=2)
    case("each_round_is_delivered_to_a_file", filed.returncode == 0 and
         s.verify(path, "--workload", "llm").returncode == 0, filed)
    if no_http() is not None:
        skip("each_round_is_posted", no_http())
        return
    with Peer([(204, b"")]) as peer:
        posted = deliver(s, work, peer.url + "/reports?node=7", rounds=2)
        where, headers, body = peer.requests[0]
        case("each_round_is_posted", posted.returncode == 0 and
             len(peer.requests) == 2 and where == "/reports?node=7" and
             headers["Content-Type"] == "application/caisson-report+cwt",
             posted, peer.requests[0][:2])
        report = s.folder.write("posted", body)
        case("what_was_posted_verifies", s.verify(
            report, "--workload", "llm").returncode == 0)
    with Peer([(503, b""), (429, b""), (200, b"thanks")]) as peer:
        tried = deliver(s, work, peer.url)
        case("a_server_that_is_busy_is_asked_again", tried.returncode == 0
             and len(peer.requests) == 3 and
             len({r[2] for r in peer.requests}) == 1, tried)
    with Peer([(503, b"")]) as peer:
        failed = deliver(s, work, peer.url + "/x#tries=2", "--failures", 1)
        case("but_not_for_ever", failed.returncode == 3 and
             b"503" in failed.stderr and len(peer.requests) == 2, failed)
    with Peer([(404, b'{"message":"no such tenant"}')]) as peer:
        failed = deliver(s, work, peer.url, "--failures", 1)
        case("a_server_that_refuses_is_not", failed.returncode == 3 and
             b"no such tenant" in failed.stderr and
             len(peer.requests) == 1, failed)
    dead = deliver(s, work, peer.url + "#tries=1", "--failures", 1)
    case("a_server_that_is_gone_is_3", says(dead, 3) or
         dead.returncode == 3, dead)
    token = s.folder.write("token", b"open-sesame\n")
    os.chmod(token, 0o600)
    with Peer([(200, b"")]) as peer:
        sent = deliver(s, work, "%s#token-file=%s" % (peer.url, token))
        case("a_token_goes_along", sent.returncode == 0 and
             peer.requests[0][1].get("Authorization") ==
             "Bearer open-sesame", sent, peer.requests)
    os.chmod(token, 0o644)
    case("a_token_that_others_may_read_is_refused",
         b"chmod" in deliver(s, work, "http://127.0.0.1:1#token-file=" +
                             token, "--failures", 1).stderr)


with Workload() as WORK:
    why = readable(WORK)
    if why is not None:
        skip("attest_watch", "another process's memory cannot be read: " +
             why)
    else:
        lines(WORK)
        changes(WORK)
        late()
        live(WORK)
        with Scene() as SCENE:
            failing(SCENE)
            delivering(SCENE, WORK)
finish()
