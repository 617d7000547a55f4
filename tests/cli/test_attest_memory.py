#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caisson attest regions, snapshot, report, verify, policy, challenge."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

from cli import PROGRAM, Folder, case, finish, read, run, says, skip
from workload import (LEAF, SIZE, Scene, Workload, checks, readable,
                      tree_root)


def looking(work):
    table = run("attest", "regions", work.url)
    case("regions_are_listed", table.returncode == 0 and
         b"0x%x" % work.address in table.stdout and
         b"%d" % SIZE in table.stdout and b"RW" in table.stdout, table)
    listed = run("attest", "regions", work.url, "--json")
    region = json.loads(listed.stdout)["regions"][0]
    case("regions_as_json", int(region["address"], 16) == work.address and
         region["size"] == SIZE and region["protection"] == "RW", listed)
    both = run("attest", "snapshot", work.url, "--measure", "both",
               "--json", "--threads", "0")
    got = json.loads(both.stdout)["regions"][0]
    case("a_snapshot_is_what_python_hashes",
         got["flat"] == hashlib.sha3_256(work.bytes).hexdigest() and
         got["tree"] == tree_root(bytes(work.bytes)).hex(), both)
    small = run("attest", "snapshot", work.url, "--leaf", "4096")
    case("a_snapshot_of_other_leaves", small.returncode == 0 and
         small.stdout.split()[:2] == [b"tree", tree_root(
             bytes(work.bytes), 4096).hex().encode()], small)
    quiet = run("attest", "snapshot", work.url, "--quiet")
    case("quiet_says_nothing", quiet.returncode == 0 and
         quiet.stdout == b"" and quiet.stderr == b"", quiet)


def looking_wrong(work):
    gone = Workload(LEAF)
    gone.end()
    case("urls_that_make_no_sense_are_2", all((
        says(run("attest", "regions", "buffer:"), 2, "buffer:", "process:"),
        says(run("attest", "regions", "ebpf:1"), 2, "ebpf", "process"),
        b"buffer" not in run("attest", "regions", "ebpf:1").stderr,
        says(run("attest", "regions", "1234"), 2, "process:1234"),
        says(run("attest", "regions", "process:99999999?note=1"), 2,
             "past 4194304"),
        says(run("attest", "snapshot", work.url, "--measure", "most"), 2,
             "--measure"),
        says(run("attest", "snapshot", work.url, "--leaf", "5000"), 2),
        says(run("attest", "regions"), 2, "argument"))))
    case("a_process_that_is_gone_is_3",
         says(run("attest", "snapshot", gone.url), 3))


def reporting(s, work):
    plain = s.report(work, "plain")
    case("a_report_verifies", all((
        (r := s.verify(plain, "--workload", "llm", "--json")).returncode == 0,
        checks(r)["signature"] == "passed", checks(r)["nonce"] == "skipped",
        json.loads(r.stdout)["report"]["regions"][0]["size"] == SIZE)), r)
    said = s.verify(plain, "--workload", "llm")
    case("what_was_not_checked_is_said", b"not checked: nonce, policy" in
         said.stderr and b"--require nonce" in said.stderr and b"ok  signature" in said.stdout, said)
    case("what_is_required_and_not_checked_fails", says(
        s.verify(plain, "--workload", "llm", "--require", "nonce"), 1,
        "require nonce", "CSN_E_POLICY"))
    case("another_workloads_report_is_refused", says(
        s.verify(plain, "--workload", "other"), 1, "workload",
        "CSN_E_POLICY"))
    case("a_strangers_report_is_refused", says(
        s.verify(s.report(work, "strange", who=s.stranger), "--workload",
                 "llm"), 1, "CSN_E_SIGNER", "caisson id trust"))
    raw = read(plain)
    changed = bytearray(raw)
    changed[len(raw) // 2] ^= 1
    case("a_report_that_was_changed_is_refused", s.verify(
        s.folder.write("changed", bytes(changed)), "--workload",
        "llm").returncode == 1)
    case("a_report_that_was_cut_is_refused", says(
        s.verify(s.folder.write("cut", raw[:-1]), "--workload", "llm"), 1,
        "form"))
    case("a_file_that_is_no_report_is_called_so", says(
        s.verify(s.folder.write("none.json", b'{"version": 1}'),
                 "--workload", "llm"), 1, "this is no report ("))
    odd = s.verify(s.folder.write("cut", raw[:-1]), "--workload", "llm",
                   "--json")
    case("a_report_that_is_none_says_so_in_json", odd.returncode == 1 and
         json.loads(odd.stdout)["valid"] is False and
         json.loads(odd.stdout)["report"] is None, odd)
    later = "%d" % (time.time() + 7200)
    case("an_expired_report_is_refused", says(
        s.verify(plain, "--workload", "llm", "--at", later), 1, "expiry",
        "CSN_E_EXPIRED"))
    case("an_archived_report_verifies_as_of_its_time", s.verify(
        plain, "--workload", "llm", "--at",
        "%d" % (time.time() + 1)).returncode == 0)
    case("verify_usage", all((
        says(s.verify(plain), 2, "--workload", "--policy"),
        says(s.verify(plain, "--workload", "llm", "--require", "luck"), 2,
             "luck"),
        says(s.verify(plain, "--workload", "llm", "--nonce", "12"), 2,
             "--nonce"),
        says(s.verify(plain, "--policy", s.folder.write("bad", b"{}")), 2,
             "version"),
        says(s.verify(plain, "--policy", s / "none"), 3, "none"),
        says(s.verify(plain, "--workload", "llm", "--endorsements",
                      s / "none"), 3, "none"),
        says(s.verify(s / "none", "--workload", "llm"), 3, "none"))))
    case("report_usage", all((
        says(s.attester.run("attest", "report", work.url), 2, "--workload"),
        says(s.attester.run("attest", "report", work.url, "--workload",
                            "llm", "--json"), 2, "--out"),
        says(s.attester.run("attest", "report", work.url, "--workload",
                            "llm", "--out", plain), 2, "--force"),
        says(s.attester.run("attest", "report", work.url, "--workload",
                            "llm", "--nonce", "0011", "--out", s / "x"), 2,
             "--nonce"))))
    shown = s.attester.run("attest", "report", work.url, "--workload", "llm",
                           "--measure", "both", "--json", "--out", s / "j")
    case("a_report_is_described_as_json", shown.returncode == 0 and
         json.loads(shown.stdout)["regions"][0]["flat"] ==
         hashlib.sha3_256(work.bytes).hexdigest(), shown)


def documents(s, work):
    out = s / "signer"
    s.report(work, "documented", "--document", out)
    shown = s.verifier.run("id", "trust", out, "--purposes", "report",
                           "--trust", s / "other.json")
    case("a_signers_document_goes_into_a_trust_store",
         shown.returncode == 0 and s.verify(
             s / "documented", "--workload", "llm", "--trust",
             s / "other.json").returncode == 0, shown)
    if os.path.exists("/dev/sev-guest"):
        skip("the_firmwares_key_needs_its_device", "there is one here")
    else:
        case("the_firmwares_key_needs_its_device", says(
            s.attester.run("attest", "report", work.url, "--workload", "llm",
                           "--identity", "snp:", "--out", s / "x"), 3,
            "/dev/sev-guest"))


def keystores(s, work):
    """An attester whose key rests in a keystore."""
    home = s.attester.home
    args = ("attest", "report", work.url, "--workload", "llm", "--force",
            "--identity", "keystore:file:%s#node" % (s / "keys"))
    right = {"CAISSON_PASSPHRASE": "a passphrase of some length"}
    wrong = {"CAISSON_PASSPHRASE": "another passphrase of some length"}
    case("a_keystores_key_is_not_made_unasked", says(
        run(*args, "--out", s / "kept", home=home, env=right), 2,
        "--new-key") and not os.path.exists(s / "keys"))
    made = run(*args, "--new-key", "--out", s / "kept", "--document",
               s / "kept.doc", home=home, env=right)
    trusted = s.verifier.run("id", "trust", s / "kept.doc", "--purposes",
                             "report", "--trust", s / "kept.json")
    again = run(*args, "--out", s / "kept2", home=home, env=right)
    checked = [s.verify(s / name, "--workload", "llm", "--trust",
                        s / "kept.json") for name in ("kept", "kept2")]
    case("a_report_is_signed_with_a_keystores_key",
         made.returncode == trusted.returncode == again.returncode == 0 and
         [c.returncode for c in checked] == [0, 0], made, trusted, again,
         *checked)
    case("its_secret_is_its_owners_alone", os.stat(os.path.join(
        home, "attest", "node.key")).st_mode & 0o777 == 0o600)
    case("a_keystore_needs_its_passphrase", says(
        run(*args, "--out", s / "x", home=home, env=wrong), 2,
        "CSN_E_PASSPHRASE"))
    case("keystore_usage", all((
        says(run(*args[:-1], "keystore:file:/x", "--out", s / "x",
                 home=home, env=right), 2, "keystore:URL#NAME"),
        says(run(*args[:-1], "keystore:file:/x#../y", "--out", s / "x",
                 home=home, env=right), 2),
        says(run(*args[:-2], "--new-key", "--out", s / "x", home=home), 2,
             "--new-key"))))


def drifting(s, work):
    good = s.report(work, "good", "--leaves")
    policy = s.policy(good)
    case("a_policy_of_a_report_is_fulfilled", all((
        (r := s.verify(good, "--policy", policy)).returncode == 0,
        b"ok  0x" in r.stdout or b"ok  " in r.stdout)), r)
    case("a_strangers_report_makes_no_policy", says(
        s.verifier.run("attest", "policy", s.report(
            work, "strange", who=s.stranger)), 1, "CSN_E_SIGNER"))
    case("leaves_need_a_file", says(
        s.verifier.run("attest", "policy", good, "--leaves"), 2, "--out"))
    work.flip(3 * LEAF + 5)
    bad = s.report(work, "bad", "--leaves")
    case("a_flipped_bit_is_named_by_its_bytes", says(
        s.verify(bad, "--policy", policy), 1, "CSN_E_DRIFT",
        "0x30000-0x3ffff"))
    lenient = s.verify(bad, "--policy", policy, "--lenient", "--json")
    case("lenient_reports_drift_and_passes", lenient.returncode == 0 and
         any("0x30000-0x3ffff" in c.get("detail", "") for c in
             json.loads(lenient.stdout)["checks"]), lenient)
    work.flip(1)
    work.flip(LEAF * 4 + 1)
    two = json.loads(s.verify(s.report(work, "two", "--leaves"), "--policy",
                              policy, "--json").stdout)
    region = two["report"]["regions"][0]["id"]
    case("drift_is_listed_in_json", two["drift"] == [
        {"region": region, "offset": 0, "length": LEAF},
        {"region": region, "offset": 3 * LEAF, "length": 2 * LEAF}] and
         json.loads(s.verify(good, "--policy", policy, "--json").stdout)[
             "drift"] == [], two["drift"])
    work.flip(1)
    work.flip(LEAF * 4 + 1)
    case("lenience_is_not_for_strangers", says(
        s.verify(s.report(work, "strange", who=s.stranger), "--policy",
                 policy, "--lenient"), 1, "CSN_E_SIGNER"))
    work.flip(3 * LEAF + 5)
    case("put_right_again_it_verifies", s.verify(
        s.report(work, "again", "--leaves"), "--policy",
        policy).returncode == 0)
    os.makedirs(s / "sub", exist_ok=True)


def challenge(s, name, *more):
    path = s / name
    made = s.verifier.run("attest", "challenge", path, "--force", *more)
    return path, made


def challenging(s, work):
    path, made = challenge(s, "ask")
    nonce = json.loads(read(path))["nonce"]
    case("a_challenge_is_made_and_kept", made.returncode == 0 and
         made.stdout.decode().strip() == nonce and len(nonce) == 64, made)
    report = s.report(work, "answer", "--challenge", path)
    first = s.verify(report, "--workload", "llm", "--challenge", path,
                     "--require", "nonce")
    case("the_answer_to_a_challenge_verifies", first.returncode == 0 and
         b"ok  nonce" in first.stdout, first)
    case("a_challenge_is_answered_once", says(
        s.verify(report, "--workload", "llm", "--challenge", path), 1,
        "answered before", "CSN_E_REPLAY"))
    other, _ = challenge(s, "other")
    case("the_answer_to_another_challenge_is_refused", says(
        s.verify(report, "--workload", "llm", "--challenge", other), 1,
        "nonce", "CSN_E_REPLAY"))
    case("and_does_not_use_it_up", s.verify(
        s.report(work, "b", "--challenge", other), "--workload", "llm",
        "--challenge", other).returncode == 0)
    case("nor_does_a_stranger", all((
        (third := challenge(s, "third")[0]) is not None,
        s.verify(s.report(work, "c", "--challenge", third, who=s.stranger),
                 "--workload", "llm", "--challenge", third).returncode == 1,
        json.loads(read(third))["used"] is False)))
    brief, _ = challenge(s, "brief", "--lifetime", "1ms")
    case("a_challenge_has_an_end", says(
        s.verify(s.report(work, "d", "--challenge", brief), "--workload",
                 "llm", "--challenge", brief), 1, "ended",
        "CSN_E_EXPIRED"))
    ticket = json.loads(read(other))
    ticket.update(issued_ms=ticket["issued_ms"] + 3600000,
                  expires_ms=ticket["expires_ms"] + 3600000, used=False)
    future = s.folder.write("future", json.dumps(ticket).encode())
    case("a_clock_set_back_extends_no_challenge", says(
        s.verify(s / "b", "--workload", "llm", "--challenge", future), 1,
        "future", "CSN_E_EXPIRED"))
    given = s.verify(s.report(work, "e", "--nonce", "ab" * 16),
                     "--workload", "llm", "--nonce", "ab" * 16)
    case("a_nonce_may_be_given", given.returncode == 0 and
         b"ok  nonce" in given.stdout, given)
    os.mkfifo(s / "fifo")
    os.symlink(path, s / "link")
    case("what_is_no_regular_file_is_no_challenge", all((
        says(s.verify(report, "--workload", "llm", "--challenge",
                      s / "fifo"), 3, "regular file"),
        says(s.verify(report, "--workload", "llm", "--challenge",
                      s / "link"), 3, "link"))))
    case("a_challenge_to_another_scheme_is_2", all((
        says(s.verifier.run("attest", "challenge", "ftp://x"), 2, "ftp://x",
             "unix:"), not os.path.exists("ftp:"))))
    case("challenge_usage", all((
        says(s.verifier.run("attest", "challenge", path), 2, "--force"),
        says(s.verifier.run("attest", "challenge", path, "--policy", "x"), 2,
             "--policy"),
        says(s.verify(report, "--workload", "llm", "--challenge",
                      s.folder.write("bad", b"{}")), 2, "challenge"),
        says(s.verify(report, "--workload", "llm", "--challenge", path,
                      "--nonce", "ab" * 16), 2, "--challenge"),
        says(s.verify(report, "--workload", "llm", "--challenge",
                      s / "none"), 3, "none"))))


def racing(s, work):
    """Many verifications of one answer at once: one of them passes."""
    path, _ = challenge(s, "race")
    report = s.report(work, "raced", "--challenge", path)
    env = dict(os.environ, CAISSON_HOME=s.verifier.home)
    all_at_once = [subprocess.Popen(
        [PROGRAM, "attest", "verify", report, "--workload", "llm",
         "--challenge", path, "--quiet"], env=env,
        stderr=subprocess.DEVNULL) for _ in range(8)]
    codes = sorted(p.wait() for p in all_at_once)
    case("of_many_at_once_one_uses_a_challenge", codes == [0] + [1] * 7,
         codes)


def tampered_policy(s, work):
    """What a report says of itself counts for nothing."""
    policy = s.policy(s.report(work, "ref", "--leaves"), "p2.json")
    value = json.loads(read(policy))
    value["regions"].append({"id": "missing", "tree": "00" * 32})
    more = s.folder.write("p3.json", json.dumps(value).encode())
    case("a_region_that_is_missing_fails", says(
        s.verify(s / "ref", "--policy", more), 1, "missing", "CSN_E_DRIFT"))


def interrupting(s):
    """Signals, however many, end a look and let the workload go on."""
    with Workload(384 << 20) as work:
        for verb, more in (
                ("snapshot", ("--measure", "both")),
                ("report", ("--measure", "both", "--workload", "llm",
                            "--out", s / "never")),
                ("watch", ("--measure", "both"))):
            program = subprocess.Popen(
                [PROGRAM, "attest", verb, work.url + "&freeze=sigstop",
                 *more], env=dict(os.environ,
                                  CAISSON_HOME=s.attester.home),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            end = time.monotonic() + 20
            while not work.stopped() and time.monotonic() < end:
                time.sleep(0.001)
            held = work.stopped()
            for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
                program.send_signal(number)
                time.sleep(0.005)
            out, err = program.communicate(timeout=30)
            case("a_%s_is_stopped_by_signals" % verb, held and
                 program.returncode in
                 ((0,) if verb == "watch" else (128 + 2, 128 + 15))
                 and (verb == "watch" or b"stopped by a signal" in err) and
                 out == b"" and not os.path.exists(s / "never"),
                 program.returncode, out, err)
            time.sleep(0.05)
            case("and_the_workload_of_a_%s_goes_on" % verb,
                 not work.stopped())


LARGE = """
import ctypes, mmap, time
m = mmap.mmap(-1, 1 << 38, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS |
              0x4000, prot=mmap.PROT_READ | mmap.PROT_WRITE)
print(ctypes.addressof(ctypes.c_char.from_buffer(m)), flush=True)
time.sleep(600)
"""


def large():
    """How long a look takes is said before it begins."""
    work = subprocess.Popen([sys.executable, "-c", LARGE],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line = work.stdout.readline()
    if not line:
        skip("what_takes_long_says_so_beforehand", "this machine maps no "
             "256 GiB: %s" % work.stderr.read().decode()[-60:].strip())
    else:
        program = subprocess.Popen(
            [PROGRAM, "attest", "snapshot", "process:%d?address=0x%x-0x%x" %
             (work.pid, int(line), int(line) + (1 << 38)), "--leaf",
             "16777216"], stderr=subprocess.PIPE)
        said = program.stderr.readline()
        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=60)
        case("what_takes_long_says_so_beforehand", b"275 GB to read" in
             said and b"at least" in said, said)
    work.kill()
    work.communicate()


def stuck(folder):
    """A program that cannot let go is ended by a signal that comes again."""
    path = folder / "qmp"
    layout = ('FlatView #0\r\n AS "memory", root: s\r\n Root memory region: '
              's\r\n  0000000000000000-0000000000ffffff (prio 0, ram): r'
              '\r\n\r\n')
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    program = subprocess.Popen(
        [PROGRAM, "attest", "snapshot", "qemu:" + path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peer = listener.accept()[0].makefile("rwb", buffering=0)
    peer.write(b'{"QMP": {}}\n')
    for line in peer:
        asked = json.loads(line)
        if asked["execute"] == "pmemsave":
            program.send_signal(signal.SIGTERM)
        if asked["execute"] in ("pmemsave", "query-status"):
            value = {"running": True}
        else:
            value = layout if "human" in asked["execute"] else {}
        if asked["execute"] == "cont":
            break       # It is never answered.
        if asked["execute"] != "pmemsave":
            peer.write(json.dumps({"return": value, "id": asked["id"]})
                       .encode() + b"\n")
    time.sleep(3.1)
    alive = program.poll() is None
    program.send_signal(signal.SIGTERM)
    err = program.communicate(timeout=20)[1]
    listener.close()
    case("a_second_signal_ends_what_cannot_let_go", alive and
         program.returncode == -15 and b"second signal" in err,
         program.returncode, err)


with Folder() as _, Workload() as WORK:
    why = readable(WORK)
    if why is not None:
        skip("attest_memory", "another process's memory cannot be read: " +
             why)
    else:
        looking(WORK)
        looking_wrong(WORK)
        with Scene() as SCENE:
            reporting(SCENE, WORK)
            documents(SCENE, WORK)
            keystores(SCENE, WORK)
            drifting(SCENE, WORK)
            challenging(SCENE, WORK)
            racing(SCENE, WORK)
            interrupting(SCENE)
            stuck(SCENE)
            large()
            tampered_policy(SCENE, WORK)
finish()
