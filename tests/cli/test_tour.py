#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tour does what it says, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import time

from cli import PROGRAM, Folder, case, finish, run, says


def in_words(folder):
    result = run("tour", env={"TMPDIR": folder.path})
    text = result.stdout.decode()
    case("tour_ends_well", result.returncode == 0 and result.stderr == b"" and
         "Everything was as told." in text and "NOT SO" not in text, result)
    case("tour_refuses_attacks", all(code in text for code in (
        "CSN_E_TENANT", "CSN_E_TAG", "CSN_E_REPLAY", "CSN_E_AUDIT")), text)
    case("tour_leaves_nothing", folder.names() == [], folder.names())
    case("tour_without_colours_in_a_pipe", b"\033" not in result.stdout)


def as_json(folder):
    result = run("tour", "--json", env={"TMPDIR": folder.path})
    facts = json.loads(result.stdout)
    case("tour_json", result.returncode == 0 and facts["ok"] is True and
         [s["name"] for s in facts["steps"]] == [
             "identities", "sessions", "store", "rotation", "attacks",
             "audit", "speed"] and
         all(s["ok"] and s["checks"] for s in facts["steps"]), result)


def interrupted(folder):
    for number, name in ((signal.SIGINT, "sigint"),
                         (signal.SIGTERM, "sigterm")):
        # Where it was done before the signal came, again.
        for _ in range(50):
            program = subprocess.Popen(
                [PROGRAM, "tour"], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, env=dict(os.environ,
                                                 TMPDIR=folder.path))
            while not folder.names() and program.poll() is None:
                time.sleep(0.001)
            program.send_signal(number)
            program.communicate(timeout=60)
            if program.returncode != 0:
                break
        case("tour_cleans_up_after_" + name,
             program.returncode == 128 + number and folder.names() == [],
             program.returncode, folder.names())


def wrong(folder):
    env = {"TMPDIR": folder.path}
    result = run("tour", "--sample", folder / "none", env=env)
    case("tour_without_its_sample", says(result, 3, "No such file"), result)
    sample = folder.write("sample", b"not a sample")
    result = run("tour", "--sample", sample, env=env)
    case("tour_with_another_file", says(result, 2, "no KV sample"), result)
    os.unlink(sample)
    result = run("tour", env={"TMPDIR": folder / "none"})
    case("tour_without_a_temporary_folder", says(result, 3, "temporary"),
         result)


with Folder() as work:
    in_words(work)
    as_json(work)
    interrupted(work)
    wrong(work)
finish()
