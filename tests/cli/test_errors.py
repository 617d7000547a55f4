#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Errors as JSON, closed standard descriptors, homes that cannot be read."""

import glob
import json
import os
import re
import shutil
import subprocess

from cli import PROGRAM, ROOT, Folder, case, finish, read, run, says, skip
from people import must

TABLE = json.loads(run("help", "--json").stdout)["nouns"]

def objects(result):
    return [json.loads(line) for line in result.stderr.splitlines()]


def only_error(result):
    """The error's object where that is all that was said; else {}."""
    try:
        found = objects(result)
    except ValueError:
        return {}
    return found[0].get("error", {}) if len(found) == 1 else {}


def one_form(folder):
    home = folder / "home"
    must(run("id", "new", "alice", "--sign", "ml-dsa-44", home=home))
    junk = folder.write("junk", b"no sealed file")
    result = run("file", "open", junk, "--out", folder / "x", "--json",
                 home=home)
    error = only_error(result)
    case("an_error_of_the_library_is_json_with_its_code",
         result.returncode == 1 and error == {
             "code": "CSN_E_FORM", "message":
             "%s does not open: these bytes are no sealed file" % junk,
             "hint": None, "exit": 1}, result)
    error = only_error(run("id", "show", "nobody", "--json", home=home))
    case("an_error_of_the_program_is_json_with_its_hint", error == {
        "code": None, "message": "there is no identity 'nobody' at "
        "%s/identities/nobody" % home, "hint": "See them: caisson id list",
        "exit": 3}, error)
    error = only_error(run("file", "open", folder / "absent", "--out",
                           folder / "x", "--json", home=home))
    case("an_error_of_the_system_is_json", error == {
        "code": None, "message": "cannot open %s: No such file or directory"
        % (folder / "absent"), "hint": None, "exit": 3}, error)
    for name, args in (("after_it", ("file", "seal", "--jsno", "--json")),
                       ("before_it", ("file", "seal", "--json", "--jsno"))):
        error = only_error(run(*args, home=home))
        case("a_wrong_option_is_json_" + name, error.get("exit") == 2 and
             "did you mean --json" in error["message"] and
             error["hint"] == "See: caisson file seal --help", error)
    case("an_unknown_command_is_json", only_error(
        run("kvv", "--json")).get("exit") == 2)
    case("a_value_named_like_it_asks_for_no_json", says(run(
        "file", "seal", junk, "--name", "--json", home=home), 2, "--session"))
    odd = os.path.join(folder.path.encode(), b"n\xff\x1b[31m")
    result = subprocess.run(
        [PROGRAM, "file", "open", odd, "--out", folder / "x", "--json"],
        env=dict(os.environ, CAISSON_HOME=home), capture_output=True,
        check=False)
    error = only_error(result)
    case("a_name_that_is_no_text_is_written_out_in_the_error",
         error.get("exit") == 3 and
         r"n\xff\x1b[31m" in error["message"], result)
    result = run("id", "new", "bob", "--sign", "ml-dsa-44", "--json",
                 home=home)
    case("a_remark_is_a_note_with_json", result.returncode == 0 and
         [list(o) for o in objects(result)] == [["note"]], result)


def every_verb(folder):
    """What a command says of its end is how it ends."""
    home = folder / "home"
    bad = []
    for noun in TABLE:
        for verb in noun["verbs"]:
            words = [w for w in (noun["name"], verb["name"]) if w]
            if words[0] in ("tour", "bench", "version"):
                continue
            args = ["no:such"] * len(re.findall(r"(?<!\[)\b[A-Z]+",
                                                verb["args"]))
            for option in verb["options"]:
                if option["name"] in ("state", "session", "key", "server",
                                      "subject", "scope", "expires", "out",
                                      "workload", "policy", "platform"):
                    args += ["--" + option["name"], "1h" if option["name"]
                             == "expires" else folder / "absent"]
            result = run(*words, *args, "--json", home=home)
            try:
                said = [o["error"] for o in objects(result) if "error" in o]
            except ValueError:
                said = []
            if result.returncode == 0 and not said:
                continue
            if not said or said[-1]["exit"] != result.returncode or any(
                    set(e) != {"code", "message", "hint", "exit"}
                    for e in said):
                bad.append((words, result.returncode, result.stderr))
    case("each_verb_says_in_json_how_it_ends", not bad, *bad)


def one_place():
    uses = []
    paths = glob.glob(os.path.join(ROOT, "cli/**/*.c"), recursive=True)
    for path in sorted(paths):
        if os.path.basename(path) not in ("output.c", "progress.c"):
            uses += [path] * len(re.findall(r"\bstderr\b",
                                            read(path).decode()))
    case("nothing_else_writes_to_standard_error", paths and not uses, uses)


def closed(number):
    return lambda: os.close(number)


def descriptors(folder):
    home = folder / "home"
    must(run("id", "export", "alice", "--out", folder / "a.id", home=home))
    must(run("id", "trust", folder / "a.id", "--purposes",
             "recipient,sealer", home=home))
    out = folder / "never"

    def start(*args, **more):
        return subprocess.run([PROGRAM] + list(args),
                              env=dict(os.environ, CAISSON_HOME=home),
                              stderr=subprocess.PIPE, check=False, **more)

    seal = ("file", "seal", "--to", "alice", "--identity", "alice", "--out",
            out)
    result = start(*seal, preexec_fn=closed(0), stdout=subprocess.PIPE)
    case("a_closed_standard_input_is_no_empty_one",
         says(result, 3, "standard input is closed") and
         not os.path.exists(out), result)
    with open(folder / "w", "wb") as f:
        result = start(*seal, stdin=f, stdout=subprocess.PIPE)
    case("an_input_that_only_takes_is_none",
         says(result, 3, "standard input is closed"), result)
    result = start("id", "show", "-", preexec_fn=closed(0),
                   stdout=subprocess.PIPE)
    case("other_verbs_read_no_closed_input",
         says(result, 3, "standard input is closed"), result)
    result = start(*seal, folder / "a.id", stdin=subprocess.DEVNULL,
                   preexec_fn=closed(1))
    case("a_closed_standard_output_is_said",
         says(result, 3, "cannot write standard output"), result)
    case("nothing_is_printed_into_a_file_in_its_place",
         b"sealed" not in read(out)[:8] and run(
             "file", "open", out, "--pipe", "--identity", "alice",
             home=home).stdout == read(
                 folder / "a.id"))
    result = subprocess.run([PROGRAM, "id", "show", "nobody"],
                            env=dict(os.environ, CAISSON_HOME=home),
                            preexec_fn=closed(2), check=False)
    case("a_closed_standard_error_changes_no_exit_code",
         result.returncode == 3, result.returncode)
    signed = folder / "signed"
    result = subprocess.run(
        [PROGRAM, "id", "sign", "--identity", "alice", "--subject",
         folder / "a.id", "--scope", "x", "--expires", "1h", "--out", signed],
        env=dict(os.environ, CAISSON_HOME=home),
        preexec_fn=lambda: os.closerange(1, 3), check=False)
    case("no_remark_goes_into_an_output_that_took_its_number",
         result.returncode == 0 and
         read(signed).endswith(b"-----END CAISSON ACTION-----\n"),
         result.returncode)
    for number in (0, 3, 7):
        result = start("id", "renew", "alice", "--passphrase-fd",
                       str(number), stdout=subprocess.PIPE,
                       **({"preexec_fn": closed(0)} if number == 0 else {}))
        case("a_passphrase_from_closed_descriptor_%d_is_an_error" % number,
             says(result, 3, "passphrase"), result)


def homes(folder):
    """What cannot be looked at is not said to be absent."""
    commands = (("file", "open", folder / "a.id", "--out", folder / "x"),
                ("id", "list"), ("id", "show", "alice"), ("id", "trust"),
                ("file", "open", folder / "a.id", "--out", folder / "x",
                 "--identity", "alice"))
    os.symlink("loop", folder / "loop")
    homes = [("leads_nowhere", folder / "loop", "symbolic links", []),
             ("is_a_file", folder / "a.id", "Not a directory", [])]
    private = folder / "private"
    shutil.copytree(folder / "home", private)
    os.chmod(private, 0)
    prefix = []
    if os.geteuid() == 0:
        prefix = ["setpriv", "--bounding-set",
                  "-dac_override,-dac_read_search"]
    if not prefix or (shutil.which("setpriv") and subprocess.run(
            prefix + ["true"], capture_output=True).returncode == 0):
        homes.append(("is_closed", private, "Permission denied", prefix))
    else:
        skip("a_home_that_is_closed", "this root may not give up reading")
    for name, home, why, before in homes:
        bad = []
        for args in commands:
            result = subprocess.run(before + [PROGRAM] + list(args),
                                    env=dict(os.environ, CAISSON_HOME=home),
                                    capture_output=True, check=False)
            if not says(result, 3, why) or b"there is no" in result.stderr:
                bad.append(result)
        case("a_home_that_%s_is_not_said_to_be_empty" % name, not bad, *bad)
    os.chmod(private, 0o700)


with Folder() as where:
    one_form(where)
    every_verb(where)
    one_place()
    descriptors(where)
    homes(where)
finish()
