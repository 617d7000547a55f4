/* SPDX-License-Identifier: Apache-2.0 */
/* base/error.c - the errors' names and sentences. */
#include <caisson/error.h>

static const struct {
	const char *name;
	const char *text;
} errors[] = {
#define E(code, sentence) [-(code)] = { #code, sentence }
	E(CSN_OK, "no error"),
	E(CSN_E_ARG, "the call itself is wrong"),
	E(CSN_E_NOMEM, "out of memory"),
	E(CSN_E_RANDOM, "the system gave no randomness"),
	E(CSN_E_CRYPTO, "the cryptographic library failed"),
	E(CSN_E_ALGORITHM, "an algorithm is not available here"),
	E(CSN_E_FORM, "the bytes are not what they should be"),
	E(CSN_E_VERSION, "a format version that this library cannot read"),
	E(CSN_E_SUITE, "a suite other than the one agreed"),
	E(CSN_E_TENANT, "the message is another tenant's"),
	E(CSN_E_SESSION, "the message is another session's"),
	E(CSN_E_EPOCH, "a key epoch that is gone or not yet here"),
	E(CSN_E_EXPIRED, "past its time to live"),
	E(CSN_E_TAG, "authentication failed: tampered with, or not ours"),
	E(CSN_E_REPLAY, "authentic, but seen before or superseded"),
	E(CSN_E_ROTATE, "the rotation policy wants a new epoch first"),
	E(CSN_E_UNKNOWN_TENANT, "there is no session of that tenant"),
	E(CSN_E_LOCKED, "locked: unlock it first"),
	E(CSN_E_POLICY, "a policy says no"),
	E(CSN_E_DRIFT, "a measurement differs from its reference"),
	E(CSN_E_SIGNER, "the signer is not trusted for this"),
	E(CSN_E_SIGNATURE, "a signature does not verify"),
	E(CSN_E_BACKEND, "a device, server or provider failed"),
	E(CSN_E_UNKNOWN_BACKEND, "there is no provider of that name"),
	E(CSN_E_REGION, "a memory region that makes no sense"),
	E(CSN_E_FORK, "made before a fork: start a new writer"),
	E(CSN_E_LIMIT, "a limit of the format or the key is reached"),
	E(CSN_E_QUOTA, "the tenant's quota is used up"),
	E(CSN_E_RATE, "too many requests: try again later"),
	E(CSN_E_NOT_FOUND, "there is no such thing"),
	E(CSN_E_EXISTS, "it is there already"),
	E(CSN_E_IO, "reading or writing failed"),
	E(CSN_E_BUFFER, "the output buffer is too small"),
	E(CSN_E_PASSPHRASE, "the passphrase is wrong or missing"),
	E(CSN_E_CLOSED, "closed: nothing more can be done with it"),
	E(CSN_E_SCOPE, "a delegation wider than its issuer's"),
	E(CSN_E_AUDIT, "the audit log does not verify"),
	E(CSN_E_BUSY, "in use by someone else"),
	E(CSN_E_CANCELLED, "called off by the program"),
#undef E
};

#define N_ERRORS ((int)(sizeof(errors) / sizeof(errors[0])))

const char *
csn_error_name(int code)
{
	if (code > 0 || code <= -N_ERRORS)
		return "unknown";
	return errors[-code].name;
}

const char *
csn_error_text(int code)
{
	if (code > 0 || code <= -N_ERRORS)
		return "an error that this library does not know";
	return errors[-code].text;
}
