#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files and pipes, sealed and opened, and what does not open."""

import hashlib
import json
import os
import resource
import signal
import subprocess
import time

from cli import PROGRAM, Folder, case, finish, read, run, says, skip
from people import Person, handshake, must

MIB = 1 << 20
SIZES = (0, 1, 4095, MIB, MIB + 1, 10 * MIB)


def plain(size):
    """Bytes that differ from segment to segment."""
    block = bytes(range(256)) * 16
    out = bytearray()
    while len(out) < size:
        out += len(out).to_bytes(8, "little") + block[8:]
    return bytes(out[:size])


def round_trips(folder, how, seal, unseal):
    for size in SIZES:
        data = plain(size)
        source = folder.write("in", data)
        must(seal("file", "seal", source, "--out", folder / "x.csn",
                  "--force"))
        must(unseal("file", "open", folder / "x.csn", "--out", folder / "out",
                    "--force"))
        case("%s_file_%d" % (how, size), read(folder / "out") == data and
             (size < 64 or data[:64] not in read(folder / "x.csn")))
        sealed = must(seal("file", "seal", stdin=data)).stdout
        result = unseal("file", "open", "--pipe", stdin=sealed)
        case("%s_pipe_%d" % (how, size), result.returncode == 0 and
             result.stdout == data, result.stderr)
    case(how + "_output_is_private",
         os.stat(folder / "out").st_mode & 0o777 == 0o600)


def tamperings(sealed, step):
    """Yield (name, bytes) of inputs that must not open."""
    for at in sorted({0, 5, 20, 40, 90, 127, 128, 140, len(sealed) // 2,
                      len(sealed) - 1}):
        bad = bytearray(sealed)
        bad[at] ^= 0x10
        yield "bit_%d" % at, bytes(bad)
    for cut in (0, 1, 127, 128, len(sealed) - 1, len(sealed) - 16,
                len(sealed) - 17):
        yield "cut_%d" % cut, sealed[:cut]
    yield "appended", sealed + b"\0"
    yield "appended_segment", sealed + sealed[-step:]
    if step and len(sealed) > 128 + 3 * step:
        head, a, b, rest = (sealed[:128], sealed[128:128 + step],
                            sealed[128 + step:128 + 2 * step],
                            sealed[128 + 2 * step:])
        yield "segments_swapped", head + b + a + rest
        yield "segment_missing", head + b + rest
        yield "segment_twice", head + a + a + b + rest
        yield "cut_at_a_segment", head + a + b


def refusals(folder, how, sealed, step, unseal):
    out = folder / "never"
    for name, bad in tamperings(sealed, step):
        result = unseal("file", "open", folder.write("bad", bad), "--out", out)
        case("%s_refused_%s" % (how, name), says(result, 1, "does not open")
             and not any(n.startswith("never") for n in folder.names()),
             result)
    # Nothing passes that was not verified: a prefix at most.
    data = plain(3 * MIB + 5)
    result = unseal("file", "open", "--pipe", stdin=sealed[:-1])
    case(how + "_cut_pipe_gives_a_verified_prefix_and_1",
         result.returncode == 1 and data.startswith(result.stdout) and
         len(result.stdout) < len(data), result.stderr)


def under_a_session(folder, alice, server, bob):
    mine, theirs = handshake(folder, alice, server)

    def seal(*args, **more):
        return alice.run(*args, "--session", mine, **more)

    def unseal(*args, **more):
        return server.run(*args, "--session", theirs, **more)

    round_trips(folder, "session", seal, unseal)
    data = plain(3 * MIB + 5)
    sealed = must(seal("file", "seal", stdin=data)).stdout
    refusals(folder, "session", sealed, MIB + 16, unseal)

    result = must(unseal("file", "seal", stdin=b"from the server"))
    result = seal("file", "open", "--pipe", stdin=result.stdout)
    case("session_the_other_way", result.stdout == b"from the server",
         result)

    named = must(seal("file", "seal", "--name", "chapter 1",
                      stdin=b"once upon a time")).stdout
    result = unseal("file", "open", "--pipe", "--name", "chapter 1",
                    stdin=named)
    case("session_name", result.stdout == b"once upon a time", result)
    result = unseal("file", "open", "--pipe", "--name", "chapter 2",
                    stdin=named)
    case("session_refused_other_name", says(result, 1, "does not open") and
         result.stdout == b"", result)

    other, _ = handshake(folder, bob, server, "bob-")
    result = bob.run("file", "open", "--pipe", "--session", other,
                     stdin=sealed)
    case("session_refused_other_tenant", says(result, 1, "CSN_E_TENANT"),
         result)
    result = server.run("file", "open", "--pipe", "--session",
                        folder / "bob-server.session", stdin=sealed)
    case("session_refused_other_session", result.returncode == 1 and
         result.stdout == b"", result)
    return sealed, seal


def to_people(folder, alice, server, bob):
    def seal(*args, **more):
        return alice.run(*args, "--to", "bob", "--to", "server", **more)

    round_trips(folder, "people", seal, bob.run)
    data = plain(3 * MIB + 5)
    sealed = must(seal("file", "seal", "--type", "text/plain",
                       stdin=data)).stdout
    refusals(folder, "people", sealed, 0, bob.run)
    result = server.run("file", "open", "--pipe", stdin=sealed)
    case("people_each_recipient_opens", result.stdout == data, result.stderr)
    result = alice.run("file", "open", "--pipe", stdin=sealed)
    case("people_refused_who_is_no_recipient", result.returncode == 1 and
         result.stdout == b"", result)
    path = folder.write("typed", sealed)
    result = bob.run("file", "open", path, "--out", folder / "typed.out",
                     "--json")
    facts = json.loads(result.stdout)
    case("people_json", facts["signer"].startswith("did:") and
         facts["content_type"] == "text/plain", result)
    case("people_json_names_the_sealer", facts["signer_label"] == "alice" and
         facts["bytes_written"] == len(data) and
         abs(facts["sealed_ms"] / 1000 - time.time()) < 3600, result)
    result = bob.run("file", "open", path, "--out", folder / "typed.2")
    case("open_says_plaintext_bytes_and_the_sealers_label",
         b"opened: 3.15 MB" in result.stdout and
         b"sealed by alice (did:key:" in result.stdout and
         len(result.stdout.splitlines()) == 2, result)
    own = must(bob.run("file", "seal", "--to", "bob", stdin=b"mine")).stdout \
        if bob.knows(bob, "recipient") is None else b""
    result = bob.run("file", "open", "--pipe", stdin=own)
    case("what_one_seals_to_oneself_opens", result.stdout == b"mine", result)
    result = bob.run("file", "open", "--pipe", "--at", "2001-01-01", path)
    case("judged_at_a_time_before_it_was_sealed", says(
        result, 1, "CSN_E_EXPIRED", "after the time"), result)
    result = bob.run("file", "open", "--pipe", "--max-age", "1d", path)
    case("young_enough_for_the_reader", result.stdout == data, result.stderr)
    result = bob.run("id", "trust", "--withdraw", "alice")
    case("withdraw_a_key", result.returncode == 0, result)
    shown = bob.run("id", "trust")
    case("a_withdrawn_key_is_listed_so", b"withdrawn on" in shown.stdout,
         shown)
    result = bob.run("file", "open", "--pipe", path)
    case("a_withdrawn_key_opens_nothing", says(
        result, 1, "CSN_E_SIGNER", "withdrawn") and result.stdout == b"",
        result)
    result = bob.run("id", "trust", "--update", alice.document)
    case("an_update_does_not_take_a_withdrawal_back",
         result.returncode == 0 and b"withdrawn on" in bob.run(
             "id", "trust").stdout, result)
    must(bob.run("id", "trust", "--remove", "alice"))
    bob.knows(alice, "sealer")
    must(alice.run("id", "renew", "alice"))
    must(alice.run("id", "export", "alice", "--out", alice.document,
                   "--force"))
    result = bob.run("id", "trust", "--update", alice.document)
    case("a_renewed_document_in_place", result.returncode == 0 and bob.run(
        "file", "open", "--pipe", path).stdout == data, result)
    result = server.run("id", "trust", "--update",
                        Person(folder, "unknown").document)
    case("an_update_of_somebody_unknown", says(
        result, 2, "is not in the trust store"), result)
    stranger = Person(folder, "stranger")
    stranger.knows(bob, "recipient")
    forged = must(stranger.run("file", "seal", "--to", "bob",
                               stdin=b"trust me")).stdout
    result = bob.run("file", "open", "--pipe", stdin=forged)
    case("people_refused_unknown_sealer", says(result, 1, "CSN_E_SIGNER") and
         result.stdout == b"", result)
    result = alice.run("file", "seal", "--to", "nobody", stdin=b"x")
    case("people_unknown_recipient", says(result, 2, "nobody"), result)
    return sealed


def sharing(folder, alice, server, bob):
    """Recipients come and go, and all of a file is verified."""
    alice.knows(alice, "recipient")
    data = plain(3 * MIB + 5)
    path, more = folder.write("shared", b""), folder / "shared.2"
    must(alice.run("file", "seal", "--to", "alice", "--to", "bob", "--hash",
                   "sha256", "--out", path, "--force", stdin=data))
    must(alice.run("file", "share", path, "--to", "server", "--without",
                   "bob", "--out", more))
    result = server.run("file", "open", more, "--pipe")
    case("a_file_is_shared_with_another", result.stdout == data,
         result.stderr)
    result = bob.run("file", "open", more, "--pipe")
    case("and_with_one_no_more", result.returncode == 1 and
         result.stdout == b"", result)
    case("its_body_stays", read(path)[-3 * MIB:] == read(more)[-3 * MIB:])
    result = bob.run("file", "share", path, "--without", "bob", "--out",
                     folder / "n")
    case("its_sealer_alone_shares", says(result, 1, "CSN_E_SIGNER"), result)
    result = alice.run("file", "share", path, "--without", "server", "--out",
                       folder / "n")
    case("who_is_no_recipient_cannot_go", says(result, 1, "CSN_E_NOT_FOUND")
         and "n" not in folder.names(), result)
    result = alice.run("file", "share", path, "--out", folder / "n")
    case("sharing_wants_somebody", says(result, 2, "--to"), result)
    result = server.run("file", "verify", more, "--json")
    facts = json.loads(result.stdout)["sealed"]
    case("all_of_a_file_is_verified", result.returncode == 0 and
         facts["content_hash"] == hashlib.sha256(data).hexdigest() and
         facts["signed_over"] == "leaves" and facts["bytes"] == len(data) and
         facts["sealed_bytes"] == os.path.getsize(more), result)
    result = server.run("file", "verify", more)
    case("and_said", says(result, 0) and b"verified: 3.15 MB" in
         result.stdout and hashlib.sha256(data).hexdigest().encode() in
         result.stdout, result)
    bad = bytearray(read(more))
    bad[len(bad) // 2] ^= 1
    result = server.run("file", "verify", folder.write("bad", bytes(bad)))
    case("a_changed_file_is_not", says(result, 1, "CSN_E_SIGNATURE"), result)
    result = server.run("file", "open", folder / "bad", "--pipe")
    case("nothing_of_a_segment_that_was_not_signed_comes_out",
         result.returncode == 1 and len(result.stdout) <= 2 * MIB and
         data.startswith(result.stdout), result.stderr)
    result = alice.run("file", "seal", "--to", "bob", "--hash", "md5",
                       stdin=b"x")
    case("a_hash_that_there_is_not", says(result, 2, "--hash is"), result)


def in_little_memory(folder, alice):
    """1 GiB of holes, through as much memory as a small file takes."""
    path, out = folder.write("holes", b""), folder / "holes.csn"
    os.truncate(path, 1 << 30)
    result = alice.run("file", "seal", path, "--to", "alice", "--hash",
                       "none", "--out", "/dev/null", "--quiet")
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    case("a_gibibyte_takes_little_memory", result.returncode == 0 and
         most < 100000, result, most)
    os.truncate(path, 64 * MIB)
    must(alice.run("file", "seal", path, "--to", "alice", "--out", out))
    must(alice.run("file", "open", out, "--out", folder / "holes.out"))
    case("holes_come_back", read(folder / "holes.out") == bytes(64 * MIB))


def inspecting(stream, sealed, folder):
    for name, data, word in (("stream", stream, "stream"),
                             ("sealed_file", sealed, "text/plain")):
        result = run("file", "inspect", folder.write("look", data), "--json")
        facts = json.loads(result.stdout)
        case("inspect_json_" + name, result.returncode == 0 and
             facts["verified"] is False and word in result.stdout.decode(),
             result)
        result = run("file", "inspect", stdin=data)
        case("inspect_words_" + name, b"Not verified" in result.stdout,
             result)
    result = run("file", "inspect", stdin=b"just some text\n" * 99)
    case("inspect_refuses_other_bytes", says(result, 1, "nothing"), result)
    result = run("file", "inspect", stdin=b"")
    case("inspect_refuses_nothing", says(result, 1, "nothing"), result)


# ESC [, U+009B, which is the same, a right-to-left override, no UTF-8.
HOSTILE = b"\x1b[2J\xc2\x9b31m\xe2\x80\xae\xffend"


def hostile_names(folder, seal):
    name = os.fsdecode(os.fsencode(folder.path) + b"/" + HOSTILE)
    result = seal("file", "seal", "--out", name, stdin=b"x")
    said = result.stdout + result.stderr
    case("names_of_files_move_no_cursor", result.returncode == 0 and
         b"\\x1b[2J\\u009b31m\\u202e\\xffend" in said and
         not any(c in said for c in (b"\x1b", b"\xc2\x9b", b"\xe2\x80\xae",
                                     b"\xff")), result)
    result = seal("file", "seal", "--out", name, stdin=b"x")
    case("nor_in_errors", result.returncode == 2 and
         b"\\u009b" in result.stderr and b"\x1b" not in result.stderr and
         b"\xc2\x9b" not in result.stderr, result)
    result = seal("file", "seal", "--json", "--force", "--out", name, stdin=b"x")
    facts = json.loads(result.stdout)
    case("a_name_that_is_no_text_in_json", result.returncode == 0 and
         facts["out"].endswith("\\xffend") and
         all(b >= 0x20 or b == 10 for b in result.stdout) and
         b"\xc2\x9b" not in result.stdout, result)


def names_of_many_lines(folder, seal):
    """A line that a name holds is none that the program says."""
    name = folder / "a\n\tcaisson: all is well\n\x01\x07\x02"
    result = seal("file", "seal", "--out", name, stdin=b"x")
    shown = rb"a\x0a\x09caisson: all is well\x0a\x01\x07\x02"
    case("names_make_no_line_of_their_own", result.returncode == 0 and
         shown in result.stdout and result.stdout.count(b"\n") == 1, result)
    result = seal("file", "seal", "--out", name, stdin=b"x")
    case("nor_in_an_error", result.returncode == 2 and
         shown in result.stderr and result.stderr.startswith(b"caisson: ")
         and b"\t" not in result.stderr, result)
    result = seal("file", "seal", "--out", name, "--json", stdin=b"x")
    case("nor_in_an_error_as_json",
         "\n" not in json.loads(result.stderr)["error"]["message"], result)


def outputs(folder, bob, stream, seal):
    result = bob.run("file", "open", stdin=stream)
    case("open_wants_pipe_said", says(result, 2, "--pipe", "--out"), result)
    kept = folder.write("kept", b"mine")
    result = seal("file", "seal", "--out", kept, stdin=b"new")
    case("output_is_not_replaced", says(result, 2, "--force") and
         read(kept) == b"mine", result)
    result = seal("file", "seal", "--out", "/dev/full", stdin=plain(5000))
    case("output_to_a_full_disk", says(result, 3, "No space left"), result)
    with open("/dev/full", "wb") as full:
        result = seal("file", "seal", stdin=plain(5000), stdout=full)
    case("standard_output_full", says(result, 3, "No space left"), result)
    result = seal("file", "seal", folder / "none", "--out", folder / "n")
    case("input_that_is_missing", says(result, 3, "No such file") and
         "n" not in folder.names(), result)
    result = seal("file", "seal", folder.path, "--out", folder / "n")
    case("input_that_is_a_folder", says(result, 3, "directory"), result)
    result = seal("file", "seal", "--out", folder / "none/n", stdin=b"x")
    case("output_in_a_missing_folder", says(result, 3, "No such file"),
         result)
    result = seal("file", "seal", "--json", stdin=b"x")
    case("json_wants_out", says(result, 2, "--out"), result)
    result = seal("file", "seal", "--json", "--out", folder / "j", stdin=b"xyz")
    case("json_facts", json.loads(result.stdout)["bytes_read"] == 3, result)


def writes_into(pid, folder):
    """Whether a process has a file of folder open, named or not."""
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            if os.readlink("/proc/%d/fd/%s" % (pid, fd)).startswith(
                    folder.path + "/"):
                return True
        except OSError:
            pass
    return False


def nameless(folder):
    """Can the file system of the folder make files without a name?"""
    try:
        os.close(os.open(folder.path, os.O_TMPFILE | os.O_WRONLY, 0o600))
        return True
    except (AttributeError, OSError):
        return False


def interrupted(folder, alice):
    """A signal in the middle leaves no output and no temporary file."""
    before = folder.names()
    for number in ("TERM", "QUIT", "KILL"):
        if number == "KILL" and not nameless(folder):
            skip("KILL_leaves_nothing", "the file system of %s has no files "
                 "without a name" % folder.path)
            continue
        sent = getattr(signal, "SIG" + number)
        program = subprocess.Popen(
            [PROGRAM, "file", "seal", "--session", folder / "tenant.session",
             "--out", folder / "half"], stdin=subprocess.PIPE,
            stderr=subprocess.PIPE, env=dict(os.environ,
                                             CAISSON_HOME=alice.home))
        program.stdin.write(plain(2 * MIB))
        program.stdin.flush()
        while program.poll() is None and not writes_into(program.pid, folder):
            time.sleep(0.001)
        program.send_signal(sent)
        program.wait(timeout=60)
        program.stdin.close()
        case(number + "_leaves_nothing", program.returncode ==
             (-sent if number == "KILL" else 128 + sent) and
             folder.names() == before, program.returncode, folder.names())


def never_waited_on(folder, alice):
    """A signal at any moment, also just before a read, ends the program."""
    late = []
    for turn in range(40):
        program = subprocess.Popen(
            [PROGRAM, "file", "seal", "--session", folder / "tenant.session"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=dict(os.environ,
                                                CAISSON_HOME=alice.home))
        program.stdin.write(b"x")
        program.stdin.flush()
        time.sleep(turn * 0.0007)
        program.send_signal(signal.SIGTERM)
        try:
            program.wait(timeout=20)
        except subprocess.TimeoutExpired:
            late.append(turn)
            program.kill()
        program.stdin.close()
        program.wait()
    case("no_moment_of_a_signal_is_lost", not late, late)


def cut(folder, alice):
    """A file that is cut while it is sealed is not called sealed."""
    path = folder.write("cut", plain(3 * MIB))
    out_read, out_write = os.pipe()
    with subprocess.Popen(
            [PROGRAM, "file", "seal", "--session", folder / "tenant.session",
             path], stdout=out_write, stderr=subprocess.PIPE,
            env=dict(os.environ, CAISSON_HOME=alice.home)) as program:
        os.close(out_write)
        # It has read some, and waits for this pipe.
        os.read(out_read, 1)
        os.truncate(path, MIB + 5)
        while os.read(out_read, MIB):
            pass
        os.close(out_read)
        text = program.stderr.read()
        program.wait(timeout=60)
    case("a_file_cut_while_it_is_sealed_fails", program.returncode == 3 and
         b"was cut while it was read" in text, program.returncode, text)


def made_up(folder, alice):
    """The kernel's files say a page, whatever they have: none was cut."""
    path = "/sys/devices/system/cpu/online"
    if not os.access(path, os.R_OK):
        skip("what_the_kernel_makes_up_is_sealed", "no " + path)
        return
    out = folder / "made-up"
    result = run("file", "seal", "--session", folder / "tenant.session", path,
                 "--out", out, home=alice.home)
    case("what_the_kernel_makes_up_is_sealed", result.returncode == 0 and
         os.path.getsize(out) > 0, result)


def the_former_name(folder, alice, bob):
    """caisson kv is caisson file: exit codes and words, well and not."""
    data = folder.write("former", b"the same bytes")
    sealed, out = folder / "former.csn", folder / "former.out"
    differ = []
    for person, args, code in (
            (alice, ("seal", data, "--to", "bob", "--out", sealed), 0),
            (alice, ("seal", data, "--to", "bob", "--out", sealed), 2),
            (alice, ("seal", data), 2), (alice, ("seal", "--help"), 0),
            (alice, ("seal", data, "--sesion", "x"), 2),
            (alice, ("saal",), 2), (alice, (), 2),
            (bob, ("open", sealed, "--out", out, "--force"), 0),
            (bob, ("open", sealed, "--pipe"), 0),
            (bob, ("open", sealed, "--out", out, "--json"), 2),
            (bob, ("open", data, "--pipe"), 1),
            (bob, ("inspect", folder / "none"), 3),
            (bob, ("inspect", sealed, "--json"), 0)):
        ends = []
        for noun in ("file", "kv"):
            if "seal" in args and code == 0 and "--to" in args and \
                    os.path.exists(sealed):
                os.unlink(sealed)
            result = person.run(noun, *args)
            ends.append((result.returncode, result.stdout, result.stderr))
        if ends[0] != ends[1] or ends[0][0] != code:
            differ.append((args, ends))
    case("kv_is_another_name_of_file", not differ, differ)
    text = run("kv", "--help").stdout.decode()
    case("help_of_kv_says_where_to_go", "'caisson file' now" in text and
         text.endswith(run("file", "--help").stdout.decode()), text)
    case("kv_is_in_no_list", "kv" not in [
        n["name"] for n in json.loads(run("help", "--json").stdout)["nouns"]]
        and " kv " not in run("--help").stdout.decode())


with Folder() as work:
    a, b, s = (Person(work, n) for n in ("alice", "bob", "server"))
    for tenant in (a, b):
        tenant.knows(s, "server,recipient,sealer")
        s.knows(tenant, "tenant,sealer")
    a.knows(b, "recipient")
    b.knows(a, "sealer")
    one, sealing = under_a_session(work, a, s, b)
    two = to_people(work, a, s, b)
    sharing(work, a, s, b)
    in_little_memory(work, a)
    inspecting(one, two, work)
    outputs(work, b, one, sealing)
    hostile_names(work, sealing)
    names_of_many_lines(work, sealing)
    interrupted(work, a)
    never_waited_on(work, a)
    cut(work, a)
    made_up(work, a)
    the_former_name(work, a, b)
finish()
