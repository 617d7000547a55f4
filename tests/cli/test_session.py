#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The handshake between processes: what works, and what is refused."""

import json
import os

from cli import Folder, case, finish, read, says
from people import Person, handshake, must


def people(folder):
    alice = Person(folder, "alice")
    mallory = Person(folder, "mallory")
    server = Person(folder, "server")
    alice.knows(server, "server")
    mallory.knows(server, "server")
    server.knows(alice, "tenant")
    return alice, mallory, server


def good(folder, alice, server):
    mine, theirs = handshake(folder, alice, server)
    a = alice.run("session", "show", mine, "--json")
    b = server.run("session", "show", theirs, "--json")
    facts = [json.loads(r.stdout) for r in (a, b)]
    case("handshake_between_processes",
         facts[0]["session_id"] == facts[1]["session_id"] and
         facts[0]["tenant_id"] == facts[1]["tenant_id"] == "alice", a, b)
    case("session_files_are_private",
         all(os.stat(p).st_mode & 0o777 == 0o600 for p in (mine, theirs)))
    case("spent_halves_are_removed",
         not any(n.endswith(".state") for n in folder.names()),
         folder.names())
    result = alice.run("session", "show", theirs)
    case("session_file_of_the_other_side", says(result, 1, "cannot open"),
         result)
    words = alice.run("session", "show", mine)
    case("session_show_in_words", words.returncode == 0 and
         b"alice" in words.stdout, words)
    return mine


def pipes(folder, alice, server):
    offer = must(alice.run("session", "offer", "--server", "server",
                           "--state", folder / "q.o", "--ttl", "5m"))
    reply = must(server.run("session", "accept", "--state", folder / "q.p",
                            stdin=offer.stdout))
    confirm = must(alice.run("session", "finish", "--state", folder / "q.o",
                             "--session", folder / "q.tenant",
                             stdin=reply.stdout))
    done = server.run("session", "confirm", "-", "--state", folder / "q.p",
                      "--session", folder / "q.server", "--json",
                      stdin=confirm.stdout)
    case("handshake_through_pipes", done.returncode == 0 and
         json.loads(done.stdout)["session"]["tenant_id"] == "alice", done)


def kems(folder, alice, server):
    for kem in ("ml-kem-1024", "x-wing"):
        offer = must(alice.run("session", "offer", "--server", "server",
                               "--state", folder / kem, "--kem", kem))
        result = server.run("session", "accept", "--state",
                            folder / (kem + ".p"), stdin=offer.stdout)
        case("offer_with_" + kem, result.returncode == 0, result)
        result = server.run("session", "accept", "--kem", "ml-kem-768",
                            "--state", folder / (kem + ".p2"),
                            stdin=offer.stdout)
        case("refused_other_kem_than_" + kem,
             says(result, 1, "CSN_E_SUITE"), result)


def finish_unsigned(folder, alice, reply):
    """Whose session it became only the server's transport says."""
    def tries(*tenant):
        return alice.run("session", "finish", "--state", folder / "u.o",
                         "--session", folder / "u.s", *tenant, stdin=reply)

    result = tries()
    case("finish_asks_who_left_its_offer_unsigned",
         says(result, 2, "--tenant") and result.stdout == b"" and
         not os.path.exists(folder / "u.s"), result)
    result = tries("--tenant", "bob")
    case("finish_refuses_another_tenants_session",
         says(result, 1, "CSN_E_TENANT", "alice", "bob") and
         result.stdout == b"" and not os.path.exists(folder / "u.s"), result)
    result = tries("--tenant", "alice")
    case("finish_takes_the_session_of_who_it_is", result.returncode == 0 and
         os.path.exists(folder / "u.s"), result)


def refused(folder, alice, mallory, server):
    offer = must(mallory.run("session", "offer", "--server", "server",
                             "--state", folder / "m.o")).stdout
    result = server.run("session", "accept", "--state", folder / "m.p",
                        stdin=offer)
    case("refused_unknown_tenant", says(result, 1, "CSN_E_SIGNER") and
         result.stdout == b"" and not os.path.exists(folder / "m.p"), result)

    offer = must(alice.run("session", "offer", "--server", "server",
                           "--state", folder / "a.o")).stdout
    for name, bad in (("changed", offer[:-9] + b"!" + offer[-8:]),
                      ("cut", offer[:-1]), ("lengthened", offer + b"\0"),
                      ("empty", b""), ("text", b"hello, server\n" * 40)):
        result = server.run("session", "accept", "--state", folder / "a.p",
                            stdin=bad)
        case("refused_offer_" + name, says(result, 1, "the offer is refused")
             and result.stdout == b"", result)
    unsigned = must(alice.run("session", "offer", "--server", "server",
                              "--unsigned", "--state",
                              folder / "u.o")).stdout
    result = server.run("session", "accept", "--state", folder / "u.p",
                        stdin=unsigned)
    case("refused_unsigned_offer", says(result, 1, "the offer is refused"),
         result)
    result = server.run("session", "accept", "--state", folder / "u.p",
                        "--transport-tenant", "alice", stdin=unsigned)
    case("unsigned_offer_by_the_transport", result.returncode == 0, result)
    finish_unsigned(folder, alice, result.stdout)

    reply = must(server.run("session", "accept", "--state", folder / "a.p",
                            stdin=offer)).stdout
    result = alice.run("session", "finish", "--state", folder / "a.o",
                       "--session", folder / "a.s",
                       stdin=reply[:99] + bytes([reply[99] ^ 1]) +
                       reply[100:])
    case("refused_reply_changed", says(result, 1, "the reply is refused") and
         not os.path.exists(folder / "a.s"), result)
    confirm = must(alice.run("session", "finish", "--state", folder / "a.o",
                             "--session", folder / "a.s",
                             stdin=reply)).stdout
    result = server.run("session", "confirm", "--state", folder / "a.p",
                        "--session", folder / "b.s",
                        stdin=confirm[:-1] + bytes([confirm[-1] ^ 1]))
    case("refused_confirmation_changed",
         says(result, 1, "the confirmation is refused") and
         not os.path.exists(folder / "b.s"), result)
    result = server.run("session", "confirm", "--state", folder / "a.p",
                        "--session", folder / "b.s", stdin=confirm)
    case("state_waits_on_after_a_refusal", result.returncode == 0, result)
    result = server.run("session", "confirm", "--state", folder / "a.p",
                        "--session", folder / "c.s", stdin=confirm)
    case("state_is_spent_once", says(result, 3, "No such file"), result)


def configuration(folder, alice, session):
    result = alice.run("session", "offer", "--server", "nobody", "--state",
                       folder / "n.o")
    case("server_that_is_not_trusted", says(result, 2, "nobody"), result)
    result = alice.run("session", "offer", "--server", "server", "--state",
                       session)
    case("files_are_not_replaced", says(result, 2, "--force") and
         result.stdout == b"", result)
    result = alice.run("session", "show", folder / "none")
    case("missing_session_file", says(result, 3, "No such file"), result)
    result = alice.run("session", "show", session, "--identity", "nobody")
    case("missing_identity", says(result, 3, "nobody", "caisson id new"),
         result)
    sealed = bytearray(read(session))
    sealed[len(sealed) // 2] ^= 4
    result = alice.run("session", "show", folder.write("bad", bytes(sealed)))
    case("changed_session_file", says(result, 1, "cannot open"), result)
    broken = folder.write("trust.json", b"{ this is not JSON")
    result = alice.run("session", "offer", "--server", "server", "--trust",
                       broken, "--state", folder / "t.o")
    case("broken_trust_store", says(result, 2, "trust store"), result)


with Folder() as work:
    everybody = people(work)
    file = good(work, everybody[0], everybody[2])
    pipes(work, everybody[0], everybody[2])
    kems(work, everybody[0], everybody[2])
    refused(work, *everybody)
    configuration(work, everybody[0], file)
finish()
