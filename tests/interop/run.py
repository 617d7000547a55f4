#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py TOOL PROGRAM - CacheKit's Python SDK and we share a Redis.

Runs under an interpreter that has the SDK; TOOL is the build's entry_tool,
PROGRAM its caisson.
What the SDK's decorators write is found under the key that we compute and
read; what we write is what the decorated function then returns, without being
called.  Prints a line a case and counts them.  Exit: 0, 1 where one failed.
"""

import importlib.metadata
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import msgpack
import orjson
import redis

TOOL, PROGRAM = sys.argv[1:3]
NEW, OLD = "a1" * 32, "b2" * 40
KEYS = ("CACHEKIT_MASTER_KEY", "CACHEKIT_PREVIOUS_MASTER_KEYS",
        "CAISSON_MASTER_KEY", "CACHEKIT_MASTER_KEY_ROTATION",
        "CACHEKIT_DEPLOYMENT_UUID")
DEPLOYMENT = "7f0c1f5e-3b5a-4b52-9f3e-2c61b3a4d5e6"
SMALL = {"user": "alice", "age": 30, "tags": ["a", "b"], "none": None}
LARGE = {"rows": [{"id": i, "name": f"row {i}", "score": i / 7}
                  for i in range(40000)]}
BLOB = {"blob": os.urandom(3 << 20)}


class Redis:
    """A server of the run's own, on loopback, gone with it."""

    def __enter__(self):
        if shutil.which("redis-server") is None:
            raise SystemExit("interop: redis-server is not installed")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
             "--save", "", "--appendonly", "no", "--dir", self.folder.name],
            stdout=subprocess.DEVNULL)
        self.url = f"redis://127.0.0.1:{self.port}"
        self.client = redis.Redis(port=self.port)
        for _ in range(100):
            try:
                self.client.ping()
                return self
            except redis.ConnectionError:
                time.sleep(0.05)
        self.__exit__()
        raise SystemExit("interop: redis-server did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def environment(**variables):
    """Set the SDK's and our key variables, and unset the others."""
    for name in KEYS:
        os.environ.pop(name, None)
    os.environ.update({k: v for k, v in variables.items() if v})
    from cachekit.config import reset_settings
    reset_settings()


def tool(*args, stdin=b""):
    run = subprocess.run([TOOL, *args], input=stdin, capture_output=True,
                         check=False)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.decode().strip())
    return run.stdout


def refused(*args, stdin=b""):
    try:
        tool(*args, stdin=stdin)
    except RuntimeError:
        return
    raise AssertionError(f"{args} was taken")


def packed(value):
    return msgpack.packb(value, use_bin_type=True)


def interop_bytes(value):
    from cachekit.interop import encode_interop_value
    return encode_interop_value(value)


def json_bytes(value):
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def unpacked(data):
    return msgpack.unpackb(data, raw=False)


class Mode:
    """One way to decorate a function, and ours to say the same."""

    def __init__(self, name, shape, encode, decode, serializer="default",
                 integrity=True, secure=False, interop=False, tenant=None):
        self.name, self.shape = name, shape
        self.encode, self.decode = encode, decode
        self.serializer, self.integrity = serializer, integrity
        self.secure, self.interop, self.tenant = secure, interop, tenant

    def decorate(self, url, function):
        from cachekit import cache
        from cachekit.backends.redis import RedisBackend
        from cachekit.config.nested import L1CacheConfig
        options = {"ttl": 300, "backend": RedisBackend(url),
                   "namespace": "shared", "serializer": self.serializer,
                   "l1": L1CacheConfig(enabled=False)}
        if self.interop:
            options["interop"] = "get_thing"
        if not self.secure:
            # The SDK's secure preset keeps it on.
            options["integrity_checking"] = self.integrity
            return cache(**options)(function)
        return cache.secure(
            master_key=os.environ["CACHEKIT_MASTER_KEY"],
            **options)(function)

    def key(self, function, args, kwargs):
        if self.interop:
            return tool("key", "interop", "shared", "get_thing",
                        json.dumps(args + list(kwargs.values()))
                        ).decode().strip()
        return tool("key", "auto", "shared", function.__module__,
                    function.__qualname__, "1" if self.integrity else "0",
                    self.serializer, json.dumps(args),
                    json.dumps(kwargs)).decode().strip()

    def entry(self, verb, key, data):
        where = [self.tenant] if self.tenant else []
        return tool(verb, self.shape, key, *where, stdin=data)


MODES = [
    Mode("auto", "default", packed, unpacked),
    Mode("auto bare", "default-bare", packed, unpacked, integrity=False),
    Mode("auto secure", "default", packed, unpacked, secure=True),
    Mode("auto secure tenant", "default", packed, unpacked, secure=True,
         tenant=DEPLOYMENT),
    Mode("json", "orjson", json_bytes, orjson.loads, serializer="orjson"),
    Mode("json secure", "orjson", json_bytes, orjson.loads,
         serializer="orjson", secure=True),
    Mode("json bare", "orjson-bare", json_bytes, orjson.loads,
         serializer="orjson", integrity=False),
    Mode("interop", "interop", interop_bytes, unpacked, interop=True),
    Mode("interop secure", "interop", interop_bytes, unpacked, interop=True,
         secure=True),
    Mode("interop secure tenant", "interop", interop_bytes, unpacked,
         interop=True, secure=True, tenant=DEPLOYMENT),
]


def set_up(server, mode, current, previous=None):
    server.client.flushall()
    environment(CACHEKIT_MASTER_KEY=current if mode.secure else None,
                CACHEKIT_PREVIOUS_MASTER_KEYS=previous,
                CACHEKIT_DEPLOYMENT_UUID=mode.tenant)


def function_of(value):
    calls = []

    def get_thing(ident, kind="plain"):
        calls.append(ident)
        return value

    return get_thing, calls


def they_write(server, mode, value):
    """What the SDK stored is there under our key, and we read it."""
    set_up(server, mode, NEW)
    function, _ = function_of(value)
    assert mode.decorate(server.url, function)(7, kind="fancy") == value
    args, kwargs = ([7, "fancy"], {}) if mode.interop else \
        ([7], {"kind": "fancy"})
    key = mode.key(function, args, kwargs)
    stored = server.client.get(key)
    assert stored is not None, (key, server.client.keys())
    assert mode.decode(mode.entry("unpack", key, stored)) == value
    if mode.secure:
        seen = mode.encode(value)[:64]
        assert seen not in stored
        refused("unpack", mode.shape, key + "x", stdin=stored)
        environment(CACHEKIT_MASTER_KEY=OLD)
        refused("unpack", mode.shape, key, stdin=stored)


def we_write(server, mode, value):
    """What we stored is what the decorated function returns, uncalled."""
    set_up(server, mode, NEW)
    function, calls = function_of("the function itself")
    decorated = mode.decorate(server.url, function)
    args, kwargs = ([8, "plain"], {}) if mode.interop else ([8], {})
    key = mode.key(function, args, kwargs)
    server.client.set(key, mode.entry("pack", key, mode.encode(value)),
                      ex=300)
    assert decorated(8) == value
    assert not calls


def we_rotate(server, mode, value):
    """The SDK wrote under the old key; we read it, move it on, it reads."""
    set_up(server, mode, OLD)
    function, _ = function_of(value)
    mode.decorate(server.url, function)(9)
    (key,) = (k.decode() for k in server.client.keys())
    stored = server.client.get(key)
    set_up(server, mode, NEW, OLD)
    assert mode.decode(mode.entry("unpack", key, stored)) == value
    moved = mode.entry("reseal", key, stored)
    environment(CACHEKIT_MASTER_KEY=NEW,
                CACHEKIT_DEPLOYMENT_UUID=mode.tenant)
    refused("unpack", mode.shape, key, stdin=stored)
    function, calls = function_of("the function itself")
    decorated = mode.decorate(server.url, function)
    server.client.set(key, moved)
    assert decorated(9) == value
    assert not calls


def they_rotate(server, mode, value):
    """We wrote under the old key; the SDK reads it as a former one."""
    set_up(server, mode, OLD)
    function, calls = function_of("the function itself")
    args, kwargs = ([8, "plain"], {}) if mode.interop else ([8], {})
    key = mode.key(function, args, kwargs)
    stored = mode.entry("pack", key, mode.encode(value))
    set_up(server, mode, NEW, OLD)
    decorated = mode.decorate(server.url, function)
    server.client.set(key, stored)
    assert decorated(8) == value
    assert not calls


def program(server, mode, verb, key, data=b""):
    """caisson cache VERB over the same server."""
    options = ["--form", "interop" if mode.interop else "auto",
               "--format", "json" if mode.serializer == "orjson" else
               "msgpack"]
    if mode.tenant:
        options += ["--tenant", mode.tenant]
    if not mode.integrity:
        options.append("--no-integrity")
    if not mode.secure:
        options.append("--plain")
    run = subprocess.run(
        [PROGRAM, "cache", verb, server.url, key, *options], input=data,
        capture_output=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.decode().strip())
    return run.stdout


def program_reads(server, mode, value):
    """caisson cache get prints what the SDK stored."""
    set_up(server, mode, NEW)
    function, _ = function_of(value)
    mode.decorate(server.url, function)(7)
    (key,) = (k.decode() for k in server.client.keys())
    assert mode.decode(program(server, mode, "get", key)) == value
    if mode.secure:
        environment(CACHEKIT_MASTER_KEY=OLD)
        try:
            program(server, mode, "get", key)
        except RuntimeError:
            return
        raise AssertionError("another master key opens it")


def program_writes(server, mode, value):
    """The SDK returns what caisson cache set stored."""
    set_up(server, mode, NEW)
    function, calls = function_of("the function itself")
    decorated = mode.decorate(server.url, function)
    args, kwargs = ([8, "plain"], {}) if mode.interop else ([8], {})
    key = mode.key(function, args, kwargs)
    program(server, mode, "set", key, mode.encode(value))
    assert decorated(8) == value
    assert not calls


def cases(server):
    values = [("small", SMALL), ("large", LARGE)]
    for mode in MODES:
        for size, value in values + (
                [] if mode.serializer == "orjson" else [("blob", BLOB)]):
            yield f"{mode.name}, {size}: theirs", they_write, mode, value
            yield f"{mode.name}, {size}: ours", we_write, mode, value
        yield f"{mode.name}: program reads", program_reads, mode, SMALL
        yield f"{mode.name}: program writes", program_writes, mode, SMALL
        if mode.secure:
            yield f"{mode.name}: theirs, rotated", we_rotate, mode, SMALL
            yield f"{mode.name}: ours, rotated", they_rotate, mode, SMALL


def main():
    failed = passed = 0
    print("interop: cachekit", importlib.metadata.version("cachekit"))
    with Redis() as server:
        for name, check, mode, value in cases(server):
            try:
                check(server, mode, value)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"not ok {name}")
                traceback.print_exc()
            else:
                passed += 1
                print(f"ok {name}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
