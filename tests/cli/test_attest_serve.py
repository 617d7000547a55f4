#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caisson attest serve, and challenges that are put to it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time

from cli import PROGRAM, case, finish, read, run, says, skip
from http_peer import Peer
from workload import (LEAF, Scene, Workload, checks, no_http, openssl,
                      readable)

NONCE = b'{"nonce":"%s"}' % (b"5a" * 32)
SANITIZED = os.environ.get("CAISSON_SANITIZE") == "1"


class Server:
    """caisson attest serve as somebody, until it is left."""

    def __init__(self, person, work, *more, listen="127.0.0.1:0"):
        env = dict(os.environ, CAISSON_HOME=person.home)
        self.log = open(os.path.join(person.home, "log"), "w+b")
        self.process = subprocess.Popen(
            [PROGRAM, "attest", "serve", work.url, "--workload", "llm",
             "--leaves", "--listen", listen, *map(str, more)], env=env,
            stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline().decode()
        if line.startswith("{"):
            line = " at %s as " % json.loads(line)["listening"]
        self.url = line.split(" at ")[-1].split(" as ")[0].strip()
        if self.url.startswith("http"):
            self.port = int(self.url.rpartition(":")[2])

    def ask(self, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        c.request(method, path, body)
        r = c.getresponse()
        answer = (r.status, dict(r.getheaders()), r.read())
        c.close()
        return answer

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        self.process.stdout.close()
        self.log.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def crowd(server):
    """Many at once: each gets the answer to its own nonce."""
    good = []

    def one(i):
        nonce = bytes([i]) * 32
        status, _, body = server.ask("POST", "/v1/challenge",
                                     b'{"nonce":"%s"}' %
                                     nonce.hex().encode())
        good.append(status == 200 and nonce in body)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    case("many_are_answered_at_once", good == [True] * 12, good)


def asking(s, work):
    with Server(s.attester, work, "--rate", 1000) as server:
        first = s.verifier.run("attest", "challenge", server.url,
                               "--workload", "llm", "--out", s / "good")
        case("a_challenge_over_http_verifies", first.returncode == 0 and
             b"ok  nonce" in first.stdout, first)
        policy = s.policy(s / "good")
        full = s.verifier.run("attest", "challenge", server.url, "--policy",
                              policy, "--require", "nonce,policy", "--json")
        case("a_challenge_over_http_with_a_policy", full.returncode == 0 and
             checks(full)["nonce"] == "passed" and
             json.loads(full.stdout)["valid"] is True, full)
        work.flip(LEAF + 1)
        case("drift_is_found_over_http", says(
            s.verifier.run("attest", "challenge", server.url, "--policy",
                           policy), 1, "CSN_E_DRIFT", "0x10000-0x1ffff"))
        work.flip(LEAF + 1)
        status, headers, body = server.ask("GET", "/v1/health")
        value = json.loads(body)
        case("health_is_told", status == 200 and value["status"] == "ok" and
             value["answered"] == 3 and value["workload"] == "llm" and
             value["signer"].startswith("did:pqaid:"), body)
        status, headers, body = server.ask("POST", "/v1/challenge", NONCE)
        case("an_answer_is_a_report", status == 200 and
             headers["Content-Type"] == "application/caisson-report+cwt" and
             headers["Cache-Control"] == "no-store" and
             bytes.fromhex("5a" * 32) in body, headers)
        wrong = [server.ask("POST", "/v1/challenge", b)[0] for b in (
            b"", b"{}", b"[]", b'{"nonce":"5a"}', b'{"nonce":1}',
            b'{"nonce":"%s"}' % (b"5a" * 65),
            b'{"nonce":"%s","more":1}' % (b"5a" * 32),
            b'{"nonce":"%s","nonce":"%s"}' % (b"5a" * 32, b"5b" * 32))]
        case("what_is_no_challenge_is_400", wrong == [400] * 8, wrong)
        case("what_is_too_long_is_413",
             server.ask("POST", "/v1/challenge", b"x" * 5000)[0] == 413)
        case("other_paths_and_methods",
             server.ask("GET", "/v1/challenge")[0] == 405 and
             server.ask("POST", "/v1/health", b"")[0] == 405 and
             server.ask("GET", "/etc/passwd")[0] == 404)
        crowd(server)
        case("an_address_that_is_taken_is_3", says(s.attester.run(
            "attest", "serve", work.url, "--workload", "llm", "--listen",
            "127.0.0.1:%d" % server.port), 3, "listen"))
        code = server.end()
    case("sigterm_ends_it_well", code == 0, code)
    case("nobody_answers_any_more", says(s.verifier.run(
        "attest", "challenge", server.url, "--workload", "llm"), 3,
        server.url))


def limits(s, work):
    with Server(s.attester, work, "--rate", 2) as server:
        got = [server.ask("POST", "/v1/challenge", NONCE) for _ in range(6)]
        late = [h for status, h, _ in got if status == 429]
        case("challenges_are_limited_in_number",
             [status for status, _, _ in got[:2]] == [200, 200] and
             len(late) >= 3 and late[0]["Retry-After"] == "1",
             [g[0] for g in got])
        case("health_is_not", server.ask("GET", "/v1/health")[0] == 200)
        refused = s.verifier.run("attest", "challenge", server.url,
                                 "--workload", "llm")
        case("who_asks_too_often_is_told", says(refused, 3, "429"), refused)
        time.sleep(1.2)
        case("and_may_ask_again", server.ask(
            "POST", "/v1/challenge", NONCE)[0] == 200)
    with Server(s.attester, work, "--connections", 2,
                "--per-address", 2, "--timeout", "1s") as server:
        idle = [socket.create_connection(("127.0.0.1", server.port))
                for _ in range(2)]
        start = time.monotonic()
        # A byte now and then does not keep them.
        for i in range(60):
            time.sleep(0.1)
            try:
                for c in idle:
                    c.sendall(b"G"[:1])
            except OSError:
                break
        gone = time.monotonic() - start
        case("slow_clients_are_left", gone < 5, gone)
        case("and_make_room_for_others",
             server.ask("GET", "/v1/health")[0] in (200, 503))
        for c in idle:
            c.close()


def held_still(s):
    """However many ask, the workload gets its time."""
    # A sanitizer hashes a tenth as fast, or less.
    with Workload((4 if SANITIZED else 64) << 20) as work:
        work.url += "&freeze=sigstop"
        with Server(s.attester, work, "--rate", 1000, "--duty",
                    25) as server:
            end = time.monotonic() + 3
            got = []

            def hammer():
                while time.monotonic() < end:
                    got.append(server.ask("POST", "/v1/challenge", NONCE))

            threads = [threading.Thread(target=hammer) for _ in range(8)]
            for t in threads:
                t.start()
            stopped = looks = 0
            while time.monotonic() < end:
                stopped += work.stopped()
                looks += 1
                time.sleep(0.002)
            for t in threads:
                t.join()
        case("who_asks_keeps_no_workload_stopped", looks > 100 and
             0 < stopped < 0.45 * looks, stopped, looks)
        case("and_all_are_answered", len(got) >= 8 and
             {status for status, _, _ in got} == {200},
             [g[0] for g in got])
        with Server(s.attester, work, "--duty", 1, "--timeout",
                    "500ms") as server:
            first = server.ask("POST", "/v1/challenge", NONCE)
            late = server.ask("POST", "/v1/challenge", NONCE)
        case("who_cannot_be_answered_in_time_is_told_when",
             first[0] == 200 and late[0] == 503 and
             int(late[1]["Retry-After"]) >= 1 and
             json.loads(late[2])["error"] == "CSN_E_BUSY", late)


def first(s):
    """It can be asked how it is before it has measured at all."""
    with Workload((32 if SANITIZED else 256) << 20) as work:
        with Server(s.attester, work, "--measure", "both") as server:
            early = server.ask("GET", "/v1/health")
            word = json.loads(early[2])
            # Whoever asks within its first millisecond is told 0.
            while word["status"] == "measuring" and word["measuring_ms"] == 0:
                early = server.ask("GET", "/v1/health")
                word = json.loads(early[2])
            case("it_listens_before_it_has_measured_and_says_so",
                 early[0] == 503 and word["status"] == "measuring" and
                 word["measuring_ms"] > 0, early)
            end = time.monotonic() + 120
            while server.ask("GET", "/v1/health")[0] != 200 and \
                    time.monotonic() < end:
                time.sleep(0.05)
            late = json.loads(server.ask("GET", "/v1/health")[2])
            case("and_then_that_all_is_well", late["status"] == "ok" and
                 late["measuring_ms"] == 0, late)
            work.end()
            code = server.process.wait(20)
            server.log.seek(0)
            said = server.log.read()
            case("it_ends_when_its_process_has", code == 3 and
                 b"has ended" in said, code, said)


def silent(s, work):
    """Connections that say nothing keep others of another address in."""
    with Server(s.attester, work, "--connections", 4) as server:
        idle = [socket.create_connection(
            ("127.0.0.1", server.port), source_address=("127.0.0.2", 0))
                for _ in range(8)]
        case("one_address_shuts_nobody_else_out",
             server.ask("GET", "/v1/health")[0] in (200, 503))
        for c in idle:
            c.close()


def logged(s, work):
    """What a client sends is made plain before it is logged."""
    odd = (b"G\x1b[31m\xff /\x1b]0;x HTTP/1.1\r\nHost: x\r\n"
           b"Connection: close\r\n\r\n")
    for more in ((), ("--json",)):
        with Server(s.attester, work, *more) as server:
            c = socket.create_connection(("127.0.0.1", server.port))
            c.sendall(odd)
            while c.recv(4096):
                pass
            c.close()
            server.process.send_signal(signal.SIGTERM)
            lines = (server.process.stdout.read() if more else b"") + read(
                os.path.join(s.attester.home, "log"))
        case("a_strange_method_is_logged_plainly" + "_as_json" * len(more),
             b"\x1b" not in lines and b"G?[31m?" in lines, lines)


def places(s, work):
    path = s / "attest.sock"
    with Server(s.attester, work, listen="unix:" + path) as server:
        asked = s.verifier.run("attest", "challenge", "unix:" + path,
                               "--workload", "llm", "--require", "nonce")
        case("a_challenge_over_a_unix_socket_verifies",
             asked.returncode == 0 and b"ok  nonce" in asked.stdout, asked)
        c = socket.socket(socket.AF_UNIX)
        c.connect(path)
        c.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n"
                  b"Connection: close\r\n\r\n")
        answer = b""
        while piece := c.recv(4096):
            answer += piece
        c.close()
        case("it_listens_at_a_unix_socket", b" 200 " in answer and
             os.stat(path).st_mode & 0o777 == 0o600, answer)
        server.end()
    case("whose_path_goes_with_it", not os.path.exists(path))
    case("nobody_answers_at_a_socket_that_is_gone", says(s.verifier.run(
        "attest", "challenge", "unix:" + path, "--workload", "llm"), 3,
        path))
    case("serve_usage", all((
        says(s.attester.run("attest", "serve", work.url, "--workload", "llm",
                            "--listen", "here"), 2, "--listen"),
        says(s.attester.run("attest", "serve", work.url, "--workload", "llm",
                            "--listen", "127.0.0.1:99999"), 2),
        says(s.attester.run("attest", "serve", work.url), 2, "--workload"),
        says(s.attester.run("attest", "serve", work.url, "--workload", "llm",
                            "--tls-cert", "x"), 2, "--tls-key"))))


def secure(s, work):
    made = subprocess.run(
        [openssl(), "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=node", "-addext",
         "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", s / "key",
         "-out", s / "cert"], capture_output=True, check=False,
        env=dict(os.environ, OPENSSL_CONF="/dev/null"))
    if made.returncode != 0:
        skip("https", "no certificate could be made: " +
             made.stderr.decode()[-200:])
        return
    with Server(s.attester, work, "--tls-cert", s / "cert", "--tls-key",
                s / "key") as server:
        case("its_url_is_https", server.url.startswith("https://"),
             server.url)
        trusted = s.verifier.run("attest", "challenge", "%s#ca=%s" % (
            server.url, s / "cert"), "--workload", "llm")
        case("a_challenge_over_https_verifies", trusted.returncode == 0,
             trusted)
        case("a_certificate_of_nobody_is_refused", says(s.verifier.run(
            "attest", "challenge", server.url, "--workload", "llm"), 3,
            server.url.split("/")[2]))


def liars(s, work):
    """What a server may send instead of its report."""
    old = read(s.report(work, "old", "--nonce", "11" * 32))
    ask = ("attest", "challenge")
    llm = ("--workload", "llm")
    with Peer([(200, old)]) as peer:
        case("a_replayed_report_over_http_is_refused", says(
            s.verifier.run(*ask, peer.url, *llm), 1, "nonce",
            "CSN_E_REPLAY"))
        path, headers, body = peer.requests[0]
        case("the_question_is_as_documented", path == "/v1/challenge" and
             headers["Content-Type"] == "application/json" and
             len(json.loads(body)["nonce"]) == 64, peer.requests)

    def strange(body):
        return 200, read(s.report(work, "strange", "--nonce",
                                  json.loads(body)["nonce"],
                                  who=s.stranger))

    with Peer([strange]) as peer:
        case("a_strangers_answer_is_refused", says(
            s.verifier.run(*ask, peer.url, *llm), 1, "CSN_E_SIGNER"))
    with Peer([(200, b"not a report")]) as peer:
        case("an_answer_that_is_no_report_is_refused", says(
            s.verifier.run(*ask, peer.url, *llm), 1, "form"))

    def late(body):
        # Measuring a model takes longer than a server may drip.
        time.sleep(6)
        return 200, read(s.report(work, "late", "--nonce",
                                  json.loads(body)["nonce"]))

    with Peer([late]) as peer:
        result = s.verifier.run(*ask, peer.url, *llm)
        case("an_attester_may_measure_in_silence", result.returncode == 0 and
             b"has been measuring for 3 s" in result.stderr and
             b"up to 600 s (--timeout)" in result.stderr, result)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = "http://127.0.0.1:%d" % silent.getsockname()[1]
        case("how_long_an_answer_was_waited_for_is_said", all((
            says(s.verifier.run(*ask, mute, *llm, "--timeout", "300ms"), 3,
                 "no answer within 300 ms"),
            says(s.verifier.run(*ask, mute + "#timeout=200", *llm), 3,
                 "no answer within 200 ms"))))
        program = subprocess.Popen(
            [PROGRAM, *ask, mute, *llm],
            env=dict(os.environ, CAISSON_HOME=s.verifier.home),
            stderr=subprocess.PIPE)
        # Kept: a connection that is dropped is an answer, too.
        kept = [silent.accept() for _ in range(3)]
        program.send_signal(signal.SIGTERM)
        err = program.communicate(timeout=20)[1]
        case("who_waits_for_an_answer_hears_a_signal",
             program.returncode == 128 + 15 and b"called off" in err,
             program.returncode, err)
        for connection, _ in kept:
            connection.close()
    with Peer([(500, b'{"message":"my \x1b[31mdog ate it"}')]) as peer:
        result = s.verifier.run(*ask, peer.url, *llm)
        case("an_error_of_the_server_is_3", says(result, 3, "500") and
             b"\x1b" not in result.stderr, result)
    case("asking_usage", all((
        says(s.verifier.run(*ask, "http://127.0.0.1:1"), 2, "--workload"),
        says(s.verifier.run(*ask, "http://127.0.0.1:1#luck=1", *llm), 2,
             "luck"),
        says(s.verifier.run(*ask, s / "ticket", "--timeout", "1m"), 2,
             "--timeout"),
        says(s.verifier.run(*ask, "http://127.0.0.1:1", *llm,
                            "--lifetime", "1m"), 2, "--lifetime"))))


def without():
    """Programs that were built without an HTTP server say so."""
    said = run("attest", "serve", "process:1", "--workload", "x")
    if b"built without" in said.stderr:
        skip("attest_serve", "this program was built without libmicrohttpd")
        return True
    if no_http() is not None:
        skip("attest_serve", no_http())
        return True
    return False


if not without():
    with Workload() as WORK:
        why = readable(WORK)
        if why is not None:
            skip("attest_serve", "another process's memory cannot be read: "
                 + why)
        else:
            with Scene() as SCENE:
                asking(SCENE, WORK)
                limits(SCENE, WORK)
                held_still(SCENE)
                first(SCENE)
                silent(SCENE, WORK)
                logged(SCENE, WORK)
                places(SCENE, WORK)
                secure(SCENE, WORK)
                liars(SCENE, WORK)
finish()
