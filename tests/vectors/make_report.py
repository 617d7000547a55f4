#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_report.py PROGRAM - write report.json: trees, and reports of them.

Run by hand, once: keys are random and times are now, so each run gives others.
The memory is a process's whose bytes are i * 7 % 251.
"""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "cli"))
os.environ["CAISSON_PROGRAM"] = sys.argv[1]
from workload import Workload  # noqa: E402  the program is named first

LENGTHS = (1, 4095, 4096, 4097, 3 * 4096, 7 * 4096 - 1, 8 * 4096,
           8 * 4096 + 1, 100000)


def program(home, *args):
    return subprocess.run([sys.argv[1], *args], check=True, env=dict(
        os.environ, CAISSON_HOME=home), capture_output=True).stdout


def region(work, length):
    return "process:%d?address=0x%x-0x%x" % (
        work.process.pid, work.address, work.address + length)


def report(home, work, what, alg, length, *more):
    name = what.replace(" ", "-")
    program(home, "id", "new", name, "--sign", alg, "--purposes", "report")
    document = json.loads(program(home, "id", "show", name, "--json"))
    out = os.path.join(home, name)
    program(home, "attest", "report", region(work, length), "--workload",
            "vectors", "--identity", name, "--out", out, *more)
    with open(out, "rb") as f:
        data = f.read()
    return {"what": what, "alg": alg, "did": document["did"],
            "alias": document["alias"], "length": length,
            "report": data.hex()}


def main():
    with tempfile.TemporaryDirectory() as home, Workload(100000) as work:
        trees = []
        for length in LENGTHS:
            got = json.loads(program(
                home, "attest", "snapshot", region(work, length), "--json",
                "--leaf", "4096", "--measure", "both"))["regions"][0]
            trees.append({"length": length, "leaf": 4096,
                          "tree": got["tree"], "flat": got["flat"]})
        nonce = bytes(range(32)).hex()
        reports = [
            report(home, work, "a tree", "ML-DSA-44", 100000),
            report(home, work, "both hashes with a nonce", "ML-DSA-44", 5000,
                   "--measure", "both", "--nonce", nonce),
            report(home, work, "leaves", "ML-DSA-65", 20000, "--leaves",
                   "--leaf", "4096", "--nonce", nonce),
            report(home, work, "a flat hash", "ML-DSA-87", 1, "--measure",
                   "flat"),
        ]
    with open(os.path.join(HERE, "report.json"), "w",
              encoding="ascii") as f:
        json.dump({"trees": trees, "reports": reports, "nonce": nonce}, f,
                  indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
