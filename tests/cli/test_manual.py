#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual and the completions name what the program takes."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys

from cli import PROGRAM, ROOT, Folder, case, finish, read, run, skip

# Pages and completions are made with the program, of what it says it takes.
BUILD = os.path.dirname(os.path.dirname(PROGRAM))
SOURCE = os.path.join(ROOT, "docs", "man")
MAN = os.path.join(BUILD, "docs", "man")
COMPLETION = os.path.join(BUILD, "cli", "completion")
TABLE = json.loads(run("help", "--json").stdout)["nouns"]
IN_MAIN_PAGE = ("bench", "version")
COMMON = ("json", "quiet", "help")


def page_options(text):
    """{'--out': 'file'} of what the page lists, as mdoc has it."""
    return {"--" + name: arg for name, arg in re.findall(
        r"Fl -([a-z][a-z-]*)(?: Ar (\S+))?",
        "\n".join(re.findall(r"(?m)^\.It (Fl .*)$", text)))}


def manual():
    main = read(os.path.join(SOURCE, "caisson.1")).decode()
    for noun in TABLE:
        name = noun["name"]
        case("manual_names_" + name, ".It Cm %s\n" % name in main)
        if name in IN_MAIN_PAGE:
            case("manual_has_all_of_" + name, all(
                o["name"] in COMMON for v in noun["verbs"]
                for o in v["options"]))
            continue
        text = read(os.path.join(MAN, "caisson-%s.1" % name)).decode()
        takes = {"--" + o["name"]: (o["arg"] or "").lower()
                 for v in noun["verbs"] for o in v["options"]
                 if o["name"] not in COMMON}
        told = {o: arg for o, arg in page_options(text).items()
                if o[2:] not in COMMON}
        missing = [v["name"] for v in noun["verbs"] if v["name"] and
                   ".Nm caisson %s %s\n" % (name, v["name"]) not in text]
        case("manual_has_all_of_" + name, told == takes and not missing,
             takes.items() ^ told.items(), missing)


def a_page_that_is_wrong(folder):
    """What no verb takes is described nowhere."""
    with open(folder / "table", "w", encoding="utf-8") as f:
        json.dump({"nouns": TABLE}, f)
    page = read(os.path.join(SOURCE, "caisson-tour.1")).decode()
    for name, old, new in (("unknown", "Fl -sample", "Fl -smaple"),
                           ("right", "Fl -sample", "Fl -sample")):
        with open(folder / "page", "w", encoding="utf-8") as f:
            f.write(page.replace(old, new))
        result = subprocess.run(
            [sys.executable, os.path.join(SOURCE, "fill"), folder / "table",
             folder / "page", folder / "out"], capture_output=True,
            check=False)
        case("a_page_of_an_option_that_is_%s" % name,
             (result.returncode == 0) == (name == "right") and
             (name == "right" or b"--smaple" in result.stderr), result)


def rendering():
    if not shutil.which("groff"):
        skip("manual_renders", "groff is not installed")
        return
    complaints = []
    for path in sorted(glob.glob(os.path.join(MAN, "*.1")) +
                       [os.path.join(SOURCE, "caisson.1"),
                        os.path.join(SOURCE, "libcaisson.3")]):
        result = subprocess.run(
            ["groff", "-mdoc", "-ww", "-Tutf8", "-z", path],
            capture_output=True, check=False)
        if result.returncode or result.stderr:
            complaints.append(result.stderr.decode())
    case("manual_renders", not complaints, *complaints)


def completion():
    for name in ("caisson", "_caisson", "caisson.fish"):
        words = set(re.findall(r"[a-z][a-z0-9-]*", read(
            os.path.join(COMPLETION, name)).decode()))
        # fish has '-l json' where the others have --json.
        words |= {w.lstrip("-") for w in words}
        missing = sorted({w for noun in TABLE for w in [noun["name"]] + [
            v["name"] for v in noun["verbs"]] + [
                o["name"] for v in noun["verbs"] for o in v["options"]]
            if w and w not in words})
        case("completion_names_all_" + name, not missing, missing)


def bash():
    if not shutil.which("bash"):
        skip("completion_in_bash", "bash is not installed")
        return

    def ask(line):
        words = line.split(" ")
        script = ("source %s/caisson; compopt() { :; }; "
                  "COMP_WORDS=(%s); COMP_CWORD=%d; _caisson; "
                  "echo ${COMPREPLY[*]}" % (
                      COMPLETION, " ".join("'%s'" % w for w in words),
                      len(words) - 1))
        return subprocess.run(["bash", "-c", script], capture_output=True,
                              check=True).stdout.decode().split()

    case("completion_in_bash", ask("caisson ses") == ["session"] and
         ask("caisson file in") == ["inspect"] and
         "--session" in ask("caisson file seal --s") and
         "--sample" in ask("caisson tour --s") and
         ask("caisson file open --pi") == ["--pipe"],
         ask("caisson ses"), ask("caisson file in"),
         ask("caisson file seal --s"), ask("caisson tour --s"))


def other_shells():
    for shell, name, flags in (("zsh", "_caisson", ["-n"]),
                               ("fish", "caisson.fish", ["-n"])):
        if not shutil.which(shell):
            skip("completion_parses_in_" + shell,
                 shell + " is not installed")
            continue
        result = subprocess.run([shell] + flags +
                                [os.path.join(COMPLETION, name)],
                                capture_output=True, check=False)
        case("completion_parses_in_" + shell, result.returncode == 0, result)


manual()
with Folder() as where:
    a_page_that_is_wrong(where)
rendering()
completion()
bash()
other_shells()
finish()
