# SPDX-License-Identifier: Apache-2.0
"""workload - a live process with memory to look at, and who attests it."""

import hashlib
import json
import os
import subprocess
import sys

from cli import Folder, run
from people import Person, must

LEAF = 65536
SIZE = 5 * LEAF + 4096

# Writes its address, then flips a bit at each offset that it is told.
CODE = """
import ctypes, mmap, sys
size = int(sys.argv[1])
m = mmap.mmap(-1, size)
m.write((bytes(i * 7 % 251 for i in range(251)) * (size // 251 + 1))[:size])
try:
    ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)
except AttributeError:
    pass
print(ctypes.addressof(ctypes.c_char.from_buffer(m)), flush=True)
for line in sys.stdin:
    at = int(line)
    m[at:at + 1] = bytes([m[at] ^ 1])
    print("done", flush=True)
"""


class Workload:
    def __init__(self, size=SIZE):
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(size)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.address = int(self.process.stdout.readline())
        self.bytes = bytearray(
            (bytes(i * 7 % 251 for i in range(251)) *
             (size // 251 + 1))[:size])
        self.url = "process:%d?address=0x%x-0x%x" % (
            self.process.pid, self.address, self.address + size)

    def flip(self, at):
        self.process.stdin.write(b"%d\n" % at)
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"done\n"
        self.bytes[at] ^= 1

    def stopped(self):
        """Is it held by a signal just now?"""
        with open("/proc/%d/stat" % self.process.pid, "rb") as f:
            return f.read().rpartition(b") ")[2][:1] == b"T"

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def sha3(*pieces):
    return hashlib.sha3_256(b"".join(pieces)).digest()


def top(leaves):
    """RFC 9162, 2.1.1: split at the largest power of two below n."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha3(b"\1", top(leaves[:k]), top(leaves[k:]))


def tree_root(data, leaf=LEAF):
    """docs/wire/report.md, in Python."""
    leaves = [sha3(b"\0", data[i:i + leaf])
              for i in range(0, len(data), leaf)]
    return sha3(b"caisson tree v1", len(data).to_bytes(8, "little"),
                leaf.to_bytes(4, "little"), top(leaves))


class Scene:
    """A folder, an attester's home, a verifier's that trusts it."""

    def __enter__(self):
        self.folder = Folder()
        self.folder.__enter__()
        self.attester = Person(self.folder, "node", "report")
        self.stranger = Person(self.folder, "stranger", "report")
        self.verifier = Person(self.folder, "auditor")
        self.verifier.knows(self.attester, "report")
        return self

    def __exit__(self, *what):
        self.folder.__exit__(*what)

    def __truediv__(self, name):
        return self.folder / name

    def report(self, work, name, *more, who=None):
        """The path of a report of the workload "llm"."""
        path = self / name
        must((who or self.attester).run(
            "attest", "report", work.url, "--workload", "llm", "--force",
            "--quiet", "--out", path, *more))
        return path

    def verify(self, path, *more):
        return self.verifier.run("attest", "verify", path, *more)

    def policy(self, path, name="policy.json"):
        """The policy of a report, with its leaves beside it."""
        out = self / name
        must(self.verifier.run("attest", "policy", path, "--leaves", "--out",
                               out, "--force", "--quiet"))
        return out


def readable(work):
    """Why another process's memory cannot be read here, or None."""
    result = run("attest", "snapshot", work.url)
    if result.returncode == 0:
        return None
    return result.stderr.decode().strip()


def no_http():
    """Why this program cannot ask a server, or None."""
    result = run("attest", "challenge", "http://127.0.0.1:1", "--workload",
                 "x")
    if b"CSN_E_UNKNOWN_BACKEND" in result.stderr:
        return result.stderr.decode().splitlines()[0]
    return None


def checks(result):
    return {c["name"]: c["status"]
            for c in json.loads(result.stdout)["checks"]}


def openssl():
    return os.environ.get("CAISSON_OPENSSL", "openssl")
