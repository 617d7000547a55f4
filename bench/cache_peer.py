#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cache_peer.py - CacheKit's Python SDK, setting and getting secure values.

Its secure cache as it is meant to be used: a decorated function, the level in
this process switched on, behind it a dictionary, the fastest backend that
there is.  Reads "BYTES CALLS" a line; each call computes a value of so many
bytes under a new key (set) and asks for it once more (get).  Answers with the
seconds of processor time that they took.  What they set is then deleted, so
that the next find memory to put theirs into.
"""

import logging
import os
import sys
import time

KEY = "61" * 32
os.environ["CACHEKIT_MASTER_KEY"] = KEY
logging.disable(logging.CRITICAL)

from cachekit import cache  # noqa: E402  (it reads the environment)


class Dictionary:
    """The protocol of the SDK's backends over a dictionary."""

    def __init__(self):
        self.values = {}

    def get(self, key):
        return self.values.get(key)

    def set(self, key, value, ttl=None):
        self.values[key] = value

    def delete(self, key):
        return self.values.pop(key, None) is not None

    def exists(self, key):
        return key in self.values

    def health_check(self):
        return True, {"backend_type": "dictionary"}


functions = {}


def function_of(length):
    """A cached function whose values have this length."""
    if length not in functions:
        value = os.urandom(length)

        @cache.secure(ttl=3600, master_key=KEY, backend=Dictionary(),
                      namespace=f"bench{length}")
        def fetch(number):
            return value

        fetch(-1)
        if fetch(-1) != value:
            sys.exit(1)
        functions[length] = fetch
    return functions[length]


last = 0
for line in sys.stdin:
    size, calls = (int(word) for word in line.split())
    fetch = function_of(size)
    numbers = range(last + 1, last + 1 + calls)
    began = time.process_time()
    for number in numbers:
        fetch(number)
        fetch(number)
    took = time.process_time() - began
    for last in numbers:
        fetch.invalidate_cache(last)
    print(took, flush=True)
