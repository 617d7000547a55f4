#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual and the completions name what the program takes."""

import json
import os
import re
import shutil
import subprocess
import sys

from cli import PROGRAM, ROOT, Folder, case, finish, read, run, skip

MAN = os.path.join(ROOT, "docs", "man")
COMPLETION = os.path.join(ROOT, "cli", "completion")
TABLE = json.loads(run("help", "--json").stdout)["nouns"]
IN_MAIN_PAGE = ("bench", "version")


def page_words(path):
    """The page's words, with mdoc's '.Fl -json' and '-json' as --json."""
    text = read(path).decode().replace("\\-", "-")
    text = re.sub(r"(?m)^\.It Fl (.*)$", r".Fl \1", text)
    words = set(re.findall(r"[A-Za-z][A-Za-z0-9-]*", text))
    words |= {"--" + o for o in re.findall(r"(?<![\w-])-([a-z][a-z0-9-]*)",
                                           text)}
    words |= set(re.findall(r"--[a-z][a-z0-9-]*", text))
    return words


def manual():
    main = page_words(os.path.join(MAN, "caisson.1"))
    for noun in TABLE:
        name = noun["name"]
        own = os.path.join(MAN, "caisson-%s.1" % name)
        if name in IN_MAIN_PAGE:
            own = os.path.join(MAN, "caisson.1")
        if not case("manual_has_a_page_for_" + name, os.path.exists(own) and
                    name in main, own):
            continue
        words = page_words(own)
        missing = [verb["name"] for verb in noun["verbs"]
                   if verb["name"] and verb["name"] not in words]
        missing += sorted({"--" + o["name"] for verb in noun["verbs"]
                           for o in verb["options"]
                           if "--" + o["name"] not in words})
        case("manual_names_all_of_" + name, not missing,
             "missing in %s: %s" % (own, " ".join(missing)))


def rendering():
    if not shutil.which("groff"):
        skip("manual_renders", "groff is not installed")
        return
    complaints = []
    for name in sorted(os.listdir(MAN)):
        if not name.endswith((".1", ".3")):
            continue
        result = subprocess.run(
            ["groff", "-mdoc", "-ww", "-Tutf8", "-z",
             os.path.join(MAN, name)], capture_output=True, check=False)
        if result.returncode or result.stderr:
            complaints.append(result.stderr.decode())
    case("manual_renders", not complaints, *complaints)


def completion():
    with Folder() as folder:
        subprocess.run([sys.executable, os.path.join(COMPLETION, "generate"),
                        PROGRAM, folder.path], check=True)
        for name in folder.names():
            case("completion_is_current_" + name,
                 read(folder / name) == read(os.path.join(COMPLETION, name)),
                 "run: cli/completion/generate PROGRAM cli/completion")
    for name in ("caisson.bash", "_caisson", "caisson.fish"):
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
        script = ("source %s/caisson.bash; compopt() { :; }; "
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
rendering()
completion()
bash()
other_shells()
finish()
