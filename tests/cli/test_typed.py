#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What guide, manual and hints say to type, typed."""

import glob
import json
import os
import re
import shlex
import shutil
import subprocess

from cli import PROGRAM, ROOT, Folder, case, finish, read, run
from people import Person, must

TABLE = json.loads(run("help", "--json").stdout)["nouns"]
LINE = re.compile(r"(?m)^(alice|bob)\$ (.+)$")


# --- docs/FILES.md and caisson(1) --------------------------------------------------

def examples(path):
    """The blocks whose lines are typed by alice or bob."""
    return re.findall(r"(?m)(?:^(?:alice|bob)\$ .+\n)+",
                      read(os.path.join(ROOT, path)).decode())


def type_in(folder, block):
    """Each line in its owner's home; *.id and *.csn are sent after it."""
    at = {}
    for who in ("alice", "bob"):
        at[who] = folder / who
        os.mkdir(at[who])
    bin_folder = folder / "bin"
    os.mkdir(bin_folder)
    os.symlink(os.path.abspath(PROGRAM), os.path.join(bin_folder, "caisson"))
    os.mkdir(os.path.join(at["alice"], "photos"))
    for name in ("notes.txt", "diary.txt", "photos/cat"):
        with open(os.path.join(at["alice"], name), "w") as f:
            f.write("what is in " + name)
    for who, line in LINE.findall(block):
        env = {"PATH": bin_folder + ":" + os.environ["PATH"],
               "HOME": at[who]}
        for name in ("LD_LIBRARY_PATH", "ASAN_OPTIONS", "LSAN_OPTIONS",
                     "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        result = subprocess.run(["bash", "-c", line], cwd=at[who], env=env,
                                capture_output=True, check=False)
        if result.returncode != 0:
            return result
        for other in at:
            for sent in glob.glob(at[who] + "/*.id") + glob.glob(
                    at[who] + "/*.csn"):
                if other != who:
                    shutil.copy(sent, at[other])
    return at


def documents():
    guide = examples("docs/FILES.md")
    manual = examples("docs/man/caisson.1")
    case("guide_and_manual_type_the_same", len(guide) == 3 and
         guide == manual, guide, manual)
    for block, name, who, what in zip(
            guide, ("a_colleagues_file", "a_file_to_oneself",
                     "a_folder_through_tar"),
            ("bob", "alice", "alice"),
            ("notes.txt", "diary.txt", "photos/cat")):
        with Folder() as folder:
            at = type_in(folder, block)
            typed = isinstance(at, dict)
            case("typed_into_empty_homes_" + name, typed and
                 len(block.splitlines()) <= 6 and read(os.path.join(
                     at[who], what)).decode() == "what is in " + what, at)


# --- hints ------------------------------------------------------------------

STRING = r'"((?:[^"\\\n]|\\.)*)"'
HINT = re.compile(r": (caisson (?:%s|--help)\b.*?)"
                  r"(?=\. [A-Z]|\)|\n|\\$|  |\'|$)" % "|".join(
                      n["name"] for n in TABLE), re.M)


def literals():
    """Each text of the sources, its pieces joined."""
    for path in sorted(path for pattern in ("cli/**/*.[ch]", "src/**/*.c")
                       for path in glob.glob(os.path.join(ROOT, pattern),
                                             recursive=True)):
        text = re.sub(r"/\*.*?\*/", "", read(path).decode(), flags=re.S)
        for found in re.finditer(STRING + r"(?:\s*" + STRING + ")*", text):
            yield "".join(re.findall(STRING, found.group(0))).replace(
                "\\n", "\n")


def hints():
    found = {h.rstrip(".") for text in literals()
             for h in HINT.findall(text)}
    # What is filled in is typed as it comes out: below, and where it is said.
    return sorted(h for h in found if "%" not in h)


class Places:
    """What the capital words of hints stand for, in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        self.data = folder.write("data", b"data")
        self.named = {}

    def new(self):
        self.count += 1
        return "new%d" % self.count

    def fill(self, hint, word):
        fixed = {"WORDS": "recipient", "WHO": "bob", "ID": "some",
                 "URL": self.named.get("URL")}
        if word in fixed:
            return fixed[word]
        if word == "NAME":
            return "alice" if " renew " in hint else self.new()
        if word == "FILE" and " id trust " in hint:
            return Person(self.folder, self.new()).document
        if word == "FILE" and " file seal " in hint:
            return self.data
        if word == "FILE":
            return self.folder / self.new()
        # REPLY, STATE, SESSION and the like: made by one, used by the next.
        return self.named.setdefault(word, self.folder / self.new())

    def type(self, person, hint):
        words = [self.fill(hint, w) if re.fullmatch("[A-Z]{2,}", w) else w
                 for w in shlex.split(hint)[1:]]
        return person.run(*words)


def typed_hints(folder):
    alice, bob = Person(folder, "alice"), Person(folder, "bob")
    alice.knows(bob, "recipient,server")
    bob.knows(alice, "sealer,tenant")
    at = Places(folder)
    env = {"CAISSON_IDENTITY": "alice"}
    alice.run = lambda *a, **m: run(*a, home=alice.home, env=env, **m)
    found = hints()
    steps = [[h for h in found if h.startswith("caisson " + begin)]
             for begin in ("session offer ", "session finish ",
                           "session confirm ", "file seal FILE")]
    bad = []
    work = subprocess.Popen(["sleep", "600"])
    try:
        at.named["URL"] = "process:%d?path=*sleep*" % work.pid
        for hint in found:
            if any(hint in s for s in steps):
                continue
            if hint in ("caisson tour", "caisson bench"):
                hint += " --help"
            result = at.type(alice, hint)
            if result.returncode != 0:
                bad.append(result)
        challenge(folder, at, alice)
    finally:
        work.kill()
        work.wait()
    case("each_hint_of_the_sources_works_as_typed", len(found) > 12 and
         not bad, len(found), *bad)
    case("each_step_of_a_session_has_its_hint",
         [len(s) for s in steps] == [1, 1, 1, 1], steps)
    results = [at.type(alice, steps[0][0])]
    mine = dict(at.named)
    at.named["STATE"] = folder / "other"
    results.append(bob.run("session", "accept", at.named["OFFER"], "--state",
                           at.named["STATE"], "--out",
                           at.named.setdefault("REPLY", folder / "reply")))
    theirs = dict(at.named)
    at.named = dict(mine, REPLY=theirs["REPLY"], OUT=folder / "confirm")
    results.append(at.type(alice, steps[1][0]))
    kept = dict(at.named)
    at.named = dict(theirs, CONFIRMATION=folder / "confirm",
                    SESSION=folder / "their-session")
    results.append(at.type(bob, steps[2][0]))
    at.named = dict(kept, OUT=folder / "sealed")
    results.append(at.type(alice, steps[3][0]))
    case("the_hints_of_a_session_lead_to_its_end",
         all(r.returncode == 0 for r in results) and bob.run(
             "file", "open", folder / "sealed", "--session",
             folder / "their-session", "--pipe").stdout == b"data", *results)


def challenge(folder, at, alice):
    must(alice.run("id", "trust", alice.document, "--purposes", "report",
                   "--label", "attester"))
    made = must(alice.run("attest", "challenge", folder / "ask"))
    results = [at.type(alice, h)
               for h in HINT.findall(made.stderr.decode())]
    case("the_hints_of_a_challenge_lead_to_its_end", len(results) == 2 and
         not any(r.returncode for r in results), made, *results)


def filled_hints():
    """Each verb's hint to its help, as it comes out."""
    bad = []
    for noun in TABLE:
        for verb in noun["verbs"]:
            words = [w for w in (noun["name"], verb["name"]) if w]
            for wrong in ((["--xyzzy"],) if verb["name"] == "" else
                          (["--xyzzy"], None)):
                args = words + wrong if wrong else words[:1]
                result = run(*args, "--json")
                hint = json.loads(result.stderr)["error"]["hint"]
                typed = HINT.findall(hint or "")
                if len(typed) != 1 or run(*typed[0].split()[1:]).returncode:
                    bad.append((args, result.stderr))
    case("each_hint_to_help_works_as_typed", not bad, *bad)


def named_options():
    """Every option that a text names is one."""
    known = {"--" + o["name"] for n in TABLE for v in n["verbs"]
             for o in v["options"]} | {"--help", "--version"}
    named = {w for text in literals()
             for w in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", text)}
    case("each_option_that_a_text_names_is_there", named <= known and
         len(named) > 20, sorted(named - known))


documents()
with Folder() as where:
    typed_hints(where)
filled_hints()
named_options()
finish()
