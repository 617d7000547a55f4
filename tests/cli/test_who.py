#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whom a name on the command line means, and documents as mail leaves them."""

import json
import quopri

from cli import Folder, case, finish, read, run, says
from people import Person, must

PURPOSES = ("tenant", "server", "action", "audit", "recipient", "sealer",
            "report", "module", "artifact")


def facts(person):
    return json.loads(must(person.run("id", "show", person.name,
                                      "--json")).stdout)


def purposes(folder):
    home = folder / "all"
    made = json.loads(must(run("id", "new", "all", "--json",
                               home=home)).stdout)
    case("an_identity_may_serve_every_purpose",
         sorted(made["purposes"]) == sorted(PURPOSES), made["purposes"])
    for verb in ("trust", "new", "import"):
        text = run("id", verb, "--help").stdout.decode()
        case("help_lists_all_purposes_id_" + verb, all(
            "\n  %-10s " % p in text for p in PURPOSES), text)


def documents(folder, alice, bob):
    """Bob's document, in each shape, as Alice gets it."""
    text = read(bob.document)
    did = facts(bob)["did"]
    lines = text.splitlines()
    mail = b"Hi Alice,\nhere it is -- Bob\n\n%s\n\nbest\n-- \nBob\n" % text
    shapes = {
        "crlf": text.replace(b"\n", b"\r\n"),
        "a_bom": b"\xef\xbb\xbf" + text,
        "a_bom_and_crlf": b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"),
        "text_around_it": mail,
        "quoting": b"".join(b"> > " + line + b"\n"
                            for line in mail.splitlines()),
        "indentation": b"".join(b"    " + line + b"\r\n" for line in lines),
        "quoted_printable": quopri.encodestring(mail),
        "no_last_newline": text.rstrip(b"\n"),
    }
    for name, data in shapes.items():
        result = alice.run("id", "show", "-", "--json", stdin=data)
        case("a_document_is_read_with_" + name, result.returncode == 0 and
             json.loads(result.stdout)["did"] == did, result)
    pem = must(bob.run("id", "export", "bob", "--pem")).stdout
    for name, data in (("plain", pem), ("mailed", b"Hi,\r\n> " + b"\r\n> "
                                        .join(pem.splitlines()) + b"\r\n")):
        store = folder / ("store-" + name)
        result = alice.run("id", "trust", folder.write("pem", data),
                           "--purposes", "sealer", "--trust", store,
                           "--json")
        case("a_public_key_is_read_" + name, result.returncode == 0 and
             json.loads(result.stdout)[0]["did"] == did, result)
    action = must(bob.run("id", "sign", "--subject", bob.document, "--scope",
                          "kv:open", "--expires", "1h")).stdout
    for name, data, words in (
            ("is_utf_16", text.decode().encode("utf-16"), ("UTF-16",)),
            ("is_empty", b"", ("is empty",)),
            ("has_none", b"Hi Alice, I forgot it.\n",
             ("without a line -----BEGIN CAISSON IDENTITY-----",)),
            ("has_two", text + text, ("holds 2 blocks",)),
            ("is_cut", b"\n".join(lines[:-1]), ("is cut", "-----END")),
            ("is_something_else", action,
             ("'CAISSON ACTION'", "'CAISSON IDENTITY'"))):
        result = alice.run("id", "trust", folder.write("bad", data),
                           "--purposes", "recipient")
        case("a_plain_sentence_where_a_text_" + name,
             says(result, 2, *words), result)


def aliases(folder, alice, bob):
    """did:pqaid: wherever a DID is typed."""
    short = facts(bob)["alias"]
    case("a_short_did_that_is_unknown_is_no_key", says(
        alice.run("id", "sign", "--subject", short, "--scope", "kv:open",
                  "--expires", "1h"), 2, "does not hold the key",
        "caisson id trust FILE"))
    case("nobody_is_trusted_by_a_short_did_alone", says(
        alice.run("id", "trust", short, "--purposes", "sealer"), 2,
        "does not hold the key"))
    alice.knows(bob, "recipient,server")
    bob.knows(alice, "sealer,action")
    signed = folder / "signed"
    must(alice.run("id", "sign", "--subject", short, "--scope", "kv:open",
                   "--expires", "1h", "--out", signed))
    for name, subject in (("a_short_did", short), ("a_did",
                                                   facts(bob)["did"])):
        result = bob.run("id", "verify", signed, "--scope", "kv:open",
                         "--subject", subject)
        case("a_credential_is_for_%s" % name, result.returncode == 0, result)
    sealed = folder / "by-alias"
    must(alice.run("file", "seal", bob.document, "--to", short, "--out",
                   sealed))
    case("a_file_is_sealed_to_a_short_did", bob.run(
        "file", "open", sealed, "--pipe").stdout == read(bob.document))
    result = alice.run("session", "offer", "--server", short, "--state",
                       folder / "state", "--out", folder / "offer")
    case("an_offer_is_made_to_a_short_did", result.returncode == 0, result)
    must(alice.run("id", "trust", "--withdraw", short))
    result = alice.run("id", "trust", "--remove", short, "--json")
    case("an_entry_is_withdrawn_and_removed_by_a_short_did",
         result.returncode == 0 and json.loads(result.stdout) == [], result)


def to_oneself(folder, alice):
    data = folder.write("diary", b"dear diary\n")
    own = facts(alice)
    for name, who in (("name", "alice"), ("did", own["did"]),
                      ("short_did", own["alias"])):
        sealed = folder / ("own-" + name)
        result = alice.run("file", "seal", data, "--to", who, "--out", sealed)
        case("one_seals_to_oneself_by_" + name, result.returncode == 0 and
             alice.run("file", "open", sealed, "--pipe").stdout ==
             b"dear diary\n", result)
    mallory = Person(folder, "mallory")
    must(alice.run("id", "trust", mallory.document, "--label", "alice",
                   "--purposes", "recipient"))
    case("a_label_that_is_ones_own_name_is_asked_about", says(
        alice.run("file", "seal", data, "--to", "alice", "--out",
                  folder / "never"), 2, "own identity", "label"))
    must(alice.run("id", "trust", "--remove", "alice"))


def listed(folder, alice, bob):
    carol = Person(folder, "carol")
    for person in (bob, carol):
        alice.knows(person, "recipient")
        if person is carol:
            person.knows(alice, "sealer")
    names = folder.write("people", "\ufeff# the team\r\n\r\n  bob \r\n{}\n"
                         "alice".format(facts(carol)["alias"]).encode())
    sealed = folder / "listed"
    must(alice.run("file", "seal", bob.document, "--recipients", names,
                   "--out", sealed))
    for person in (alice, bob, carol):
        case("a_recipient_of_the_list_opens_it_" + person.name, person.run(
            "file", "open", sealed, "--pipe").stdout == read(bob.document))
    for name, data, words in (
            ("names_nobody", b"# nobody yet\n", ("names no recipient",)),
            ("names_a_stranger", b"bob\ndave\n", ("'dave'",))):
        result = alice.run("file", "seal", bob.document, "--recipients",
                           folder.write("people", data), "-o",
                           folder / "never")
        case("a_list_is_refused_that_" + name, says(result, 2, *words) and
             "never" not in folder.names(), result)


def short_out(folder, alice):
    data = folder.write("data", b"data")
    for name, words in (("apart", ["-o", folder / "o1"]),
                        ("joined", ["-o" + folder / "o2"])):
        result = alice.run("file", "seal", data, "--to", "alice", *words)
        case("o_is_short_for_out_" + name, result.returncode == 0 and
             "o1" in folder.names(), result)
    for name, words, said in (
            ("without_a_value", ["-o"], "needs a value"),
            ("twice", ["-o", "a", "--out", "b"], "twice"),
            ("with_another_letter", ["-x"], "no option -x")):
        case("a_short_option_is_refused_" + name, says(alice.run(
            "file", "seal", data, "--to", "alice", *words), 2, said))
    case("o_is_no_option_where_there_is_no_output", says(
        alice.run("version", "-o", "x"), 2, "no option -o"))


with Folder() as where:
    purposes(where)
    people = Person(where, "alice"), Person(where, "bob")
    documents(where, *people)
    aliases(where, *people)
    to_oneself(where, people[0])
    listed(where, *people)
    short_out(where, people[0])
finish()
