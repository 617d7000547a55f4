#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caisson attest evidence: made-up evidence in real formats, verified."""

import base64
import json
import os
import subprocess

from cli import Folder, case, finish, read, run, says

MAKE = os.path.join(os.environ.get("CAISSON_BUILD_ROOT", "build"), "tests",
                    "platform", "make_evidence")
AT = ("--at", "2026-01-01")


def evidence(folder, verb, platform, *more):
    return run("attest", "evidence", verb, "--platform", platform, *more,
               home=folder / "home")


def checks(result):
    return {c["name"]: c["status"]
            for c in json.loads(result.stdout)["checks"]}


def snp(folder):
    made = ("--evidence", folder / "snp.report", "--root",
            folder / "snp.root", *AT)
    plain = evidence(folder, "verify", "sev-snp", *made, "--cert",
                     folder / "snp.certs")
    case("evidence_snp", plain.returncode == 0 and
         b"ok  signature" in plain.stdout and
         b"--  nonce" in plain.stdout and b"not checked" in plain.stdout,
         plain)
    full = evidence(folder, "verify", "sev-snp", *made, "--cert",
                    folder / "snp.table", "--collateral", folder / "snp.crl",
                    "--nonce", "aabb", "--policy", folder.write(
                        "policy", b'{"platform":{"sev-snp":{"measurement":'
                        b'"' + b"4d" * 48 + b'","max_vmpl":0}}}'),
                    "--require", "nonce,collateral,policy", "--json")
    case("evidence_snp_with_everything", full.returncode == 0 and
         {checks(full)[n] for n in ("nonce", "revocation", "measurement",
                                    "max_vmpl", "chain")} == {"passed"},
         full)
    case("evidence_nonce_differs", says(
        evidence(folder, "verify", "sev-snp", *made, "--cert",
                 folder / "snp.certs", "--nonce", "aabc"),
        1, "nonce", "CSN_E_REPLAY"))
    case("evidence_required_is_missing", says(
        evidence(folder, "verify", "sev-snp", *made, "--cert",
                 folder / "snp.certs", "--require", "nonce"),
        1, "required", "CSN_E_POLICY"))
    case("evidence_missing_names_its_option", all((
        says(evidence(folder, "verify", "sev-snp", *made), 1,
             "no certificate", "--cert FILE"),
        says(evidence(folder, "verify", "sev-snp", *made, "--cert",
                      folder / "snp.certs", "--require", "collateral"), 1,
             "required", "--collateral FILE"))))
    case("evidence_debug", says(
        evidence(folder, "verify", "sev-snp", "--evidence",
                 folder / "snp.debug", "--root", folder / "snp.root",
                 "--cert", folder / "snp.certs", *AT),
        1, "debug", "CSN_E_POLICY"))
    case("evidence_revoked", says(
        evidence(folder, "verify", "sev-snp", *made, "--cert",
                 folder / "snp.certs", "--collateral",
                 folder / "snp.revoked"), 1, "revoked", "CSN_E_SIGNER"))
    case("evidence_expired", says(
        evidence(folder, "verify", "sev-snp", "--evidence",
                 folder / "snp.report", "--root", folder / "snp.root",
                 "--cert", folder / "snp.certs", "--at",
                 "2050-01-01T00:00:00Z"), 1, "expired", "CSN_E_EXPIRED"))
    case("evidence_root_is_not_amds", says(
        evidence(folder, "verify", "sev-snp", "--evidence",
                 folder / "snp.report", "--cert", folder / "snp.certs",
                 *AT), 1, "pinned", "CSN_E_SIGNER"))


def forms(folder):
    raw = read(folder / "snp.report")
    for name, text in (
            ("hex", raw.hex().encode()),
            ("hex_in_lines", b"\n".join(
                raw.hex().encode()[i:i + 64]
                for i in range(0, 2 * len(raw), 64)) + b"\n"),
            ("base64", base64.encodebytes(raw)),
            ("base64_in_one", base64.b64encode(raw))):
        path = folder.write("form", text)
        result = evidence(folder, "verify", "sev-snp", "--evidence", path,
                          "--root", folder / "snp.root", "--cert",
                          folder / "snp.certs", *AT)
        case("evidence_is_taken_as_" + name, result.returncode == 0, result)
    changed = bytearray(raw)
    changed[0x90] ^= 1
    case("evidence_changed", says(
        evidence(folder, "verify", "sev-snp", "--evidence",
                 folder.write("form", bytes(changed)), "--root",
                 folder / "snp.root", "--cert", folder / "snp.certs", *AT),
        1, "signature", "CSN_E_SIGNATURE"))
    case("evidence_cut", says(
        evidence(folder, "verify", "sev-snp", "--evidence",
                 folder.write("form", raw[:-1]), "--root",
                 folder / "snp.root", "--cert", folder / "snp.certs", *AT),
        1, "form", "CSN_E_FORM"))


def others(folder):
    tdx = ("--evidence", folder / "tdx.quote", "--root", folder / "tdx.root",
           *AT)
    bundle = evidence(folder, "verify", "tdx", *tdx, "--collateral",
                      folder / "tdx.bundle", "--require", "collateral",
                      "--json")
    case("evidence_tdx", bundle.returncode == 0 and
         {checks(bundle)[n] for n in ("tcb", "tdx_module", "qe_identity",
                                      "revocation")} == {"passed"}, bundle)
    files = []
    for name in ("tcb", "qe", "signers", "pckcrl", "rootcrl"):
        files += ["--collateral", folder / ("tdx." + name)]
    pieces = evidence(folder, "verify", "tdx", *tdx, *files, "--require",
                      "collateral")
    case("evidence_tdx_in_pieces", pieces.returncode == 0, pieces)
    gpu = evidence(folder, "verify", "nvidia", "--evidence",
                   folder / "nvidia.report", "--cert",
                   folder / "nvidia.certs", "--root", folder / "nvidia.root",
                   "--nonce", "aabb" + "00" * 30, *AT)
    case("evidence_nvidia", gpu.returncode == 0 and
         b"--  host_driver" in gpu.stdout and
         b"kernel module" in gpu.stdout, gpu)
    tpm = ("--evidence", folder / "tpm2.quote", "--nonce",
           "aabb" + "00" * 30, *AT)
    by_key = evidence(folder, "verify", "tpm2", *tpm, "--policy",
                      folder / "tpm2.policy")
    by_root = evidence(folder, "verify", "tpm2", *tpm, "--cert",
                       folder / "tpm2.cert", "--root", folder / "tpm2.root")
    case("evidence_tpm2", by_key.returncode == 0 and
         b"reset count 12" in by_key.stdout and
         by_root.returncode == 0 and
         b"ok  chain" in by_root.stdout, by_root)
    case("evidence_tpm2_of_nobody", says(
        evidence(folder, "verify", "tpm2", *tpm), 1, "key", "CSN_E_SIGNER"))
    for platform, name, member in (("sev-snp", "snp.report", "measurement"),
                                   ("tdx", "tdx.quote", "mr_td"),
                                   ("nvidia", "nvidia.report", "blocks"),
                                   ("tpm2", "tpm2.quote", "pcrs")):
        shown = evidence(folder, "show", platform, "--evidence",
                         folder / name)
        case("evidence_show_" + platform, shown.returncode == 0 and
             member in json.loads(shown.stdout) and
             b"verified" in shown.stderr, shown)


def unchecked(folder):
    """What was not checked is named, and what a policy names is needed."""
    tdx = ("--evidence", folder / "tdx.quote", "--root", folder / "tdx.root",
           *AT)
    plain = evidence(folder, "verify", "tdx", *tdx)
    skipped = ("nonce", "revocation", "tcb", "qe_identity", "mr_td", "rtmr",
               "policy")
    case("evidence_verdict_names_what_was_not_checked",
         plain.returncode == 0 and plain.stderr.decode().splitlines()[0] ==
         "The evidence verifies; not checked: " + ", ".join(skipped) + ".",
         plain)
    facts = evidence(folder, "verify", "tdx", *tdx, "--json")
    case("evidence_json_names_what_was_not_checked",
         sorted(json.loads(facts.stdout)["not_checked"]) == sorted(skipped),
         facts)
    named = folder.write("named", b'{"platform":{"tdx":{"xfam":'
                         b'"e700000000000000"}}}')
    waived = folder.write("waived", b'{"platform":{"tdx":{"xfam":'
                          b'"e700000000000000","collateral":"optional"}}}')
    bundle = ("--collateral", folder / "tdx.bundle")
    case("evidence_policy_needs_collateral", all((
        says(evidence(folder, "verify", "tdx", *tdx, "--policy", named), 1,
             "the policy needs collateral", "CSN_E_POLICY",
             "--collateral FILE"),
        says(evidence(folder, "verify", "tdx", *tdx, "--policy", named,
                      "--collateral", folder / "tdx.pckcrl", "--collateral",
                      folder / "tdx.rootcrl", "--collateral",
                      folder / "tdx.tcb", "--collateral",
                      folder / "tdx.signers"), 1, "no QE identity given"),
        evidence(folder, "verify", "tdx", *tdx, "--policy", named,
                 *bundle).returncode == 0,
        evidence(folder, "verify", "tdx", *tdx, "--policy",
                 waived).returncode == 0)))
    case("evidence_requires_crls_alone", all((
        says(evidence(folder, "verify", "tdx", *tdx, "--require", "crl"), 1,
             "revocation", "required", "--collateral FILE"),
        evidence(folder, "verify", "tdx", *tdx, "--require", "crl",
                 "--collateral", folder / "tdx.pckcrl", "--collateral",
                 folder / "tdx.rootcrl").returncode == 0)))
    stranger = ("--evidence", folder / "tdx.stranger", "--root",
                folder / "tdx.root", *AT)
    case("evidence_of_an_unknown_signers_enclave_is_refused", says(
        evidence(folder, "verify", "tdx", *stranger), 1, "quoting_enclave",
        "5a5a5a5a", "CSN_E_POLICY"))
    shown = json.loads(evidence(folder, "show", "tdx", "--evidence",
                                folder / "tdx.stranger").stdout)
    case("evidence_show_names_platform_and_enclave", all((
        shown["fmspc"] == "00906ed50000", shown["pce_id"] == "0000",
        shown["pce_svn"] == 5, shown["sgx_tcb_svn"] == "05" * 16,
        shown["qe"]["mrsigner"] == "5a" * 32, shown["qe"]["isvprodid"] == 2,
        shown["qe"]["vendor"] == "939a7233f79c4ca9940a0db3957f0607")),
        repr(shown))


def devices(folder):
    def given(name, *more):
        return evidence(folder, "verify", "nvidia", "--evidence",
                        folder / (name + ".report"), "--cert",
                        folder / (name + ".certs"), "--root",
                        folder / (name + ".root"), *AT, *more)
    policy = folder.write("switch", b'{"platform":{"nvidia":{"device":'
                          b'["switch"]}}}')
    case("evidence_of_a_switch_is_no_gpus", all((
        says(given("switch"), 1, "device", "a switch", "CSN_E_POLICY"),
        given("switch", "--policy", policy).returncode == 0,
        says(given("blackwell", "--policy", policy), 1, "a gpu"))))
    gpu = given("blackwell")
    case("evidence_of_a_blackwell", gpu.returncode == 0 and
         b"ok  firmware" in gpu.stdout and b"ok  device" in gpu.stdout, gpu)
    shown = json.loads(evidence(folder, "show", "nvidia", "--evidence",
                                folder / "blackwell.report").stdout)
    case("evidence_show_has_every_opaque_field", all((
        shown["driver_version"] == "620.12",
        set(shown["opaque"]) == {"3", "6", "20"})), repr(shown))


def exits(folder):
    """What a check refuses ends with 1, whatever it did not like."""
    many = folder.write("many", read(folder / "snp.certs") * 25)
    case("evidence_of_too_many_certificates_is_refused", says(
        evidence(folder, "verify", "sev-snp", "--evidence",
                 folder / "snp.report", "--root", folder / "snp.root",
                 "--cert", many, *AT), 1, "certificates", "CSN_E_LIMIT"))
    for name, size in (("larger_than_any", 2 << 20), ("a_whole_disk", 5 << 20),
                       ("nothing", 0)):
        large = folder.write("large", bytes(size))
        case("evidence_of_" + name + "_is_refused", all((
            evidence(folder, "verify", "sev-snp", "--evidence", large,
                     "--cert", folder / "snp.certs").returncode == 1,
            evidence(folder, "show", "tdx", "--evidence",
                     large).returncode == 1)))
    case("evidence_of_a_sha1_bank_is_refused", all((
        says(evidence(folder, "verify", "tpm2", "--evidence",
                      folder / "tpm2.sha1", "--policy",
                      folder / "tpm2.policy", *AT), 1, "algorithms",
             "CSN_E_ALGORITHM"),
        says(evidence(folder, "show", "tpm2", "--evidence",
                      folder / "tpm2.sha1"), 1, "CSN_E_ALGORITHM"))))


def usage(folder):
    made = ("--evidence", folder / "snp.report")
    case("evidence_usage", all((
        says(evidence(folder, "verify", "sgx", *made), 2, "tdx"),
        says(evidence(folder, "check", "tdx", *made), 2, "check"),
        says(evidence(folder, "verify", "tdx", *made, "--nonce", "xyz"), 2,
             "--nonce"),
        says(evidence(folder, "verify", "tdx", *made, "--require", "luck"),
             2, "luck"),
        says(evidence(folder, "verify", "sev-snp", *made, "--policy",
                      folder.write("bad", b'{"platform":{"sev-snp":'
                                   b'{"measurment":""}}}')), 2,
             "measurment"),
        says(evidence(folder, "verify", "sev-snp", "--evidence",
                      folder / "none"), 3, "none"))))


with Folder() as where:
    subprocess.run([MAKE, where.path], check=True)
    snp(where)
    forms(where)
    others(where)
    unchecked(where)
    devices(where)
    exits(where)
    usage(where)
finish()
