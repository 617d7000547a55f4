#!/usr/bin/env python3
"""What README, manual and hints say to type, typed."""

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


# --- README and caisson(1) --------------------------------------------------

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
    readme = examples("README.md")
    manual = examples("docs/man/caisson.1")
    case("readme_and_manual_type_the_same", len(readme) == 3 and
         readme == manual, readme, manual)
    for block, name, who, what in zip(
            readme, ("a_colleagues_file", "a_file_to_oneself",
                     "a_folder_through_tar"),
            ("bob", "alice", "alice"),
            ("notes.txt", "diary.txt", "photos/cat")):
        with Folder() as folder:
            at = type_in(folder, block)
            typed = isinstance(at, dict)
            case("typed_into_empty_homes_" + name, typed and
                 len(block.splitlines()) <= 6 and read(os.path.join(
                     at[who], what)).decode() == "what is in " + what, at)


documents()
finish()
