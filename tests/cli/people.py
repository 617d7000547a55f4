# SPDX-License-Identifier: Apache-2.0
"""people - identities with homes of their own, who know each other."""

import os

from cli import run


class Person:
    """An identity in a home folder of its own."""

    def __init__(self, folder, name, purposes=None):
        self.name = name
        self.home = os.path.join(folder.path, "home-" + name)
        args = ["id", "new", name, "--quiet"]
        if purposes:
            args += ["--purposes", purposes]
        must(run(*args, home=self.home))
        self.document = os.path.join(folder.path, name + ".identity")
        must(run("id", "export", name, "--out", self.document,
                 home=self.home))

    def knows(self, other, purposes):
        args = ["id", "trust", other.document, "--label", other.name,
                "--purposes", purposes]
        if "tenant" in purposes:
            args += ["--tenant", other.name]
        must(run(*args, home=self.home))

    def run(self, *args, **more):
        return run(*args, home=self.home, **more)


def must(result):
    if result.returncode != 0:
        raise RuntimeError("%s: exit code %d\n%s%s" % (
            result.args, result.returncode, result.stdout.decode(),
            result.stderr.decode()))
    return result


def handshake(folder, tenant, server, prefix=""):
    """Four commands, three messages; the two session files."""
    at = folder.path + "/" + prefix
    must(tenant.run("session", "offer", "--server", server.name, "--state",
                    at + "o.state", "--out", at + "offer"))
    must(server.run("session", "accept", at + "offer", "--state",
                    at + "p.state", "--out", at + "reply"))
    must(tenant.run("session", "finish", at + "reply", "--state",
                    at + "o.state", "--session", at + "tenant.session",
                    "--out", at + "confirm"))
    must(server.run("session", "confirm", at + "confirm", "--state",
                    at + "p.state", "--session", at + "server.session"))
    return at + "tenant.session", at + "server.session"
