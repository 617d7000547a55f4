/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/error.h - the closed list of errors. */
#ifndef CAISSON_ERROR_H
#define CAISSON_ERROR_H

#include <caisson/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One code for each thing that a caller would do differently. Every function
 * that can fail returns 0 or one of these; the sentence that says which thing
 * was wrong and what to do is csn_message().
 */
enum csn_error {
	CSN_OK = 0,
	CSN_E_ARG = -1,		/* the call itself is wrong */
	CSN_E_NOMEM = -2,	/* out of memory */
	CSN_E_RANDOM = -3,	/* the system gave no randomness */
	CSN_E_CRYPTO = -4,	/* the cryptographic library failed */
	CSN_E_ALGORITHM = -5,	/* an algorithm is not available here */
	CSN_E_FORM = -6,	/* bytes that are not what they should be */
	CSN_E_VERSION = -7,	/* a format version this library cannot read */
	CSN_E_SUITE = -8,	/* a suite other than the one agreed */
	CSN_E_TENANT = -9,	/* another tenant's message */
	CSN_E_SESSION = -10,	/* another session's message */
	CSN_E_EPOCH = -11,	/* a key epoch that is gone or not yet here */
	CSN_E_EXPIRED = -12,	/* past its time to live */
	CSN_E_TAG = -13,	/* tampered with, or not ours */
	CSN_E_REPLAY = -14,	/* authentic, but seen before or superseded */
	CSN_E_ROTATE = -15,	/* the policy wants a new epoch first */
	CSN_E_UNKNOWN_TENANT = -16, /* no session of that tenant */
	CSN_E_LOCKED = -17,	/* locked: unlock it first */
	CSN_E_POLICY = -18,	/* a policy says no */
	CSN_E_DRIFT = -19,	/* a measurement differs from its reference */
	CSN_E_SIGNER = -20,	/* the signer is not trusted for this */
	CSN_E_SIGNATURE = -21,	/* a signature does not verify */
	CSN_E_BACKEND = -22,	/* a device, server or provider failed */
	CSN_E_UNKNOWN_BACKEND = -23, /* no provider of that name */
	CSN_E_REGION = -24,	/* a memory region that makes no sense */
	CSN_E_FORK = -25,	/* made before a fork: start a new writer */
	CSN_E_LIMIT = -26,	/* a limit of the format or key is reached */
	CSN_E_QUOTA = -27,	/* the tenant's quota is used up */
	CSN_E_RATE = -28,	/* too many requests: try later */
	CSN_E_NOT_FOUND = -29,	/* no such thing */
	CSN_E_EXISTS = -30,	/* it is there already */
	CSN_E_IO = -31,		/* reading or writing failed */
	CSN_E_BUFFER = -32,	/* the output buffer is too small */
	CSN_E_PASSPHRASE = -33,	/* wrong or missing passphrase */
	CSN_E_CLOSED = -34,	/* closed: nothing more can be done with it */
	CSN_E_SCOPE = -35,	/* a delegation wider than its issuer's */
	CSN_E_AUDIT = -36,	/* the audit log does not verify */
	CSN_E_BUSY = -37,	/* in use by someone else */
	CSN_E_CANCELLED = -38	/* the program called it off */
};

/*
 * The calling thread's last failure: sentence, code, and the room that failed
 * ("session", "kv"). Every function of this library that returns a CSN_E_*
 * sets all three before it returns; a success leaves them. Valid until this
 * thread's next failure. Empty and 0 where nothing has failed.
 */
CSN_API const char *csn_message(void);
CSN_API int csn_message_code(void);
CSN_API const char *csn_message_room(void);

/** The constant's name, such as "CSN_E_TAG"; never NULL. */
CSN_API const char *csn_error_name(int code);

/** A short sentence for the code alone; never NULL. */
CSN_API const char *csn_error_text(int code);

#ifdef __cplusplus
}
#endif

#endif
