# SPDX-License-Identifier: Apache-2.0
"""cli - what the tests of the program share.

Each case prints 'ok NAME', 'not ok NAME' or 'skip NAME: reason'.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = os.environ.get("CAISSON_SOURCE_ROOT", os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROGRAM = os.environ.get("CAISSON_PROGRAM",
                         os.path.join(ROOT, "build", "cli", "caisson"))

failures = 0

# The program leaves ignored what was ignored when it began, as under nohup or
# behind an "&": but signals are sent to it here.
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


def case(name, condition, *details):
    """Print how the case went; details only where it failed."""
    global failures
    if condition:
        print("ok " + name, flush=True)
        return True
    failures += 1
    print("not ok " + name)
    for detail in details:
        if isinstance(detail, subprocess.CompletedProcess):
            detail = "%s\nexit code %d\n%s\n%s" % (
                detail.args, detail.returncode,
                (detail.stdout or b"")[:2000].decode("utf-8", "replace"),
                (detail.stderr or b"")[:2000].decode("utf-8", "replace"))
        for line in str(detail).splitlines():
            print("# " + line)
    sys.stdout.flush()
    return False


def skip(name, reason):
    print("skip %s: %s" % (name, reason), flush=True)


def run(*args, home=None, stdin=b"", env=None, **more):
    """Run the program; stdin is bytes or an open file."""
    environment = dict(os.environ)
    for name in ("CAISSON_PASSPHRASE", "CAISSON_IDENTITY", "CAISSON_AUDIT"):
        environment.pop(name, None)
    if home is not None:
        environment["CAISSON_HOME"] = home
    environment.update(env or {})
    if isinstance(stdin, bytes):
        more["input"] = stdin
    else:
        more["stdin"] = stdin
    more.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([PROGRAM] + [str(a) for a in args],
                          stderr=subprocess.PIPE, env=environment,
                          timeout=120, check=False, **more)


def says(result, code, *words):
    """Did it end with code, and with a sentence that has the words?"""
    text = result.stderr.decode("utf-8", "replace")
    if "--json" in result.args and text.startswith('{"'):
        errors = [json.loads(line).get("error") for line in
                  text.splitlines()]
        text = "caisson: " + "\n".join(
            "%(message)s [%(code)s] %(hint)s" % e for e in errors if e)
    return (result.returncode == code
            and (code == 0 or text.startswith("caisson: "))
            and all(word in text for word in words))


class Folder:
    """A temporary folder that goes away."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="caisson-test.")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def __truediv__(self, name):
        return os.path.join(self.path, name)

    def write(self, name, data):
        path = self / name
        with open(path, "wb") as f:
            f.write(data)
        return path

    def names(self):
        return sorted(os.listdir(self.path))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def finish():
    sys.exit(1 if failures else 0)
