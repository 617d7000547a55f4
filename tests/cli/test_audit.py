#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caisson audit: a log that another program wrote is shown and verified."""

import json
import os

import audit_log
from cli import Folder, case, finish, read, run, says


def key_file(folder):
    return folder.write("first.key", audit_log.FIRST_KEY.hex().encode() +
                        b"\n")


def verifies(folder, log):
    key = key_file(folder)
    plain = run("audit", "verify", log.path, home=folder / "home")
    case("audit_verify", plain.returncode == 0 and
         log.head.hex().encode() in plain.stdout, plain)
    full = run("audit", "verify", "--first-key", key, "--expect-head",
               log.head.hex(), "--json", log.path, home=folder / "home")
    checks = {c["name"]: c["status"]
              for c in json.loads(full.stdout)["checks"]}
    case("audit_verify_with_key_and_head", full.returncode == 0 and
         all(checks[name] == "passed" for name in
             ("files", "start", "records", "mac", "head", "end")) and
         checks["checkpoints"] == "skipped", full)
    older = run("audit", "verify", "--expect-head", log.heads[5].hex(),
                log.path, home=folder / "home")
    case("audit_verify_an_older_head", older.returncode == 0, older)


def refuses(folder, log):
    key = key_file(folder)
    name = os.path.join(log.path, "audit-000001.jsonl")
    whole = read(name)

    def attempt(what, data, *words, options=()):
        with open(name, "wb") as f:
            f.write(data)
        result = run("audit", "verify", *options, log.path,
                     home=folder / "home")
        case("audit_verify_catches_" + what,
             says(result, 1, "does not verify", *words), result)
        with open(name, "wb") as f:
            f.write(whole)

    lines = whole.splitlines(True)
    attempt("a_changed_record", whole.replace(b"acme", b"evil", 1),
            "audit-000001.jsonl:")
    attempt("a_removed_record", b"".join(lines[:3] + lines[4:]),
            "audit-000001.jsonl:4")
    attempt("what_is_no_json", b"".join(lines[:3]) + b"hello\n" +
            b"".join(lines[3:]), "audit-000001.jsonl:4")
    os.rename(name, name + ".away")
    missing = run("audit", "verify", log.path, home=folder / "home")
    case("audit_verify_names_a_missing_file",
         says(missing, 1, "audit-000001.jsonl is missing"), missing)
    os.rename(name + ".away", name)
    head = run("audit", "verify", "--expect-head", "00" * 32, log.path,
               home=folder / "home")
    case("audit_verify_misses_the_head", says(head, 1, "expected head"),
         head)
    wrong = folder.write("wrong.key", b"11" * 32)
    result = run("audit", "verify", "--first-key", wrong, log.path,
                 home=folder / "home")
    case("audit_verify_with_another_key",
         says(result, 1, "audit-000000.jsonl:1", "MAC"), result)
    short = folder.write("short.key", b"11")
    case("audit_verify_wants_a_key",
         says(run("audit", "verify", "--first-key", short, log.path,
                  home=folder / "home"), 2, "64 hex digits"))
    case("audit_verify_wants_a_head",
         says(run("audit", "verify", "--expect-head", "12", log.path,
                  home=folder / "home"), 2, "64 hex digits"))
    case("audit_verify_wants_a_log",
         says(run("audit", "verify", folder.path, home=folder / "home"), 4,
              "no log"))
    good = run("audit", "verify", "--first-key", key, log.path, "--quiet",
               home=folder / "home")
    case("audit_verify_is_quiet", good.returncode == 0 and
         good.stdout == b"", good)


def shows(folder, log):
    result = run("audit", "show", log.path)
    case("audit_show", result.returncode == 0 and
         len(result.stdout.splitlines()) == 20 and
         b"CSN_E_TAG" in result.stdout, result)
    result = run("audit", "show", "--limit", "3", "--tenant", "globex",
                 "--json", log.path)
    records = json.loads(result.stdout)
    case("audit_show_filters", [r["sequence"] for r in records] ==
         [12, 15, 18] and all(r["tenant"] == "globex" for r in records),
         result)
    result = run("audit", "show", "--op", "decrypt", "--since",
                 "2026-02-03T04:05:10Z", "--json", log.path)
    case("audit_show_by_operation_and_time", result.returncode == 0 and
         all(r["op"] == "decrypt" and r["time"] >= "2026-02-03T04:05:10"
             for r in json.loads(result.stdout)), result)
    case("audit_show_names_operations",
         says(run("audit", "show", "--op", "dance", log.path), 2,
              "dance", "isolation-violation"))
    case("audit_show_wants_a_log",
         says(run("audit", "show", folder / "nothing"), 4))
    out = folder / "out.json"
    result = run("audit", "export", "--out", out, log.path)
    case("audit_export", result.returncode == 0 and
         len(json.loads(read(out))) == 20 and
         json.loads(read(out))[1]["detail"] == "a \"quoted\" reason\u00e9",
         result)
    case("audit_export_keeps_a_file",
         says(run("audit", "export", "--out", out, log.path), 2))
    result = run("audit", "export", "--out", out, "--force", "--limit",
                 "2", log.path)
    case("audit_export_force", result.returncode == 0 and
         len(json.loads(read(out))) == 2, result)


def nothing_for_the_terminal(folder):
    log = audit_log.Writer(folder / "nasty")
    log.put({"op": "encrypt", "tenant": "a\u009bc\u202ed", "count": 1, "bytes": 0,
             "ok": True, "code": 0})
    result = run("audit", "show", log.path)
    case("audit_show_sends_no_controls", result.returncode == 0 and
         b"a\\u009bc\\u202ed" in result.stdout and
         b"\x9b" not in result.stdout,
         result)


def main():
    with Folder() as folder:
        log = audit_log.sample(folder / "log")
        verifies(folder, log)
        refuses(folder, log)
        shows(folder, log)
        nothing_for_the_terminal(folder)
    finish()


main()
