# SPDX-License-Identifier: Apache-2.0
"""audit_log - an audit log made by another hand than the library's.

Only hashlib and hmac, and docs/wire/audit.md: what this writes the program
must verify, byte by byte.
"""

import hashlib
import hmac
import json
import os
import re

LOG_ID = bytes(range(16))
FIRST_KEY = bytes(range(100, 132))
NEXT = b"caisson audit next key"


def sha3(*parts):
    return hashlib.sha3_256(b"".join(parts)).digest()


def mac(key, message):
    return hmac.new(key, message, hashlib.sha3_256).digest()


class Writer:
    def __init__(self, path):
        self.path = path
        os.mkdir(path)
        self.n = self.file = 0
        self.head = sha3(b"caisson audit log", LOG_ID)
        self.key = FIRST_KEY
        self.heads = []
        self.begin()

    def begin(self):
        """Begin the next file with its first line."""
        self.name = os.path.join(self.path,
                                 "audit-%06d.jsonl" % self.file)
        self.put({"op": "file", "format": 2, "log": LOG_ID.hex(),
                  "file": self.file})
        self.file += 1

    def put(self, fields):
        line = {"n": self.n,
                "time": "2026-02-03T04:05:%02d.%03dZ" % (self.n % 60,
                                                         self.n)}
        line.update(fields)
        line["prev"] = self.head.hex()
        body = json.dumps(line, separators=(",", ":"), ensure_ascii=False)
        body = re.sub("[\x7f-\x9f]", lambda c: "\\u%04x" % ord(c[0]),
                      body).encode()[:-1]
        digest = sha3(self.head, body)
        tag = mac(self.key, digest)
        with open(self.name, "ab") as f:
            f.write(body + b',"mac":"' + tag.hex().encode() + b'"}\n')
        self.head = sha3(digest, tag)
        self.heads.append(self.head)
        self.key = mac(self.key, NEXT)
        self.n += 1

    def record(self, i):
        ok = i % 4 != 1
        fields = {"op": "encrypt" if i % 2 == 0 else "decrypt",
                  "tenant": "acme" if i % 3 else "globex",
                  "session": "%032x" % i, "sequence": i, "count": 1,
                  "bytes": 4096, "ok": ok,
                  "code": 0 if ok else -13}
        if not ok:
            fields["detail"] = "a \"quoted\" reason\u00e9"
        self.put(fields)


def sample(path, records=20, per_file=8):
    log = Writer(path)
    for i in range(records):
        if i % per_file == per_file - 1:
            log.begin()
        log.record(i)
    return log
