/* SPDX-License-Identifier: Apache-2.0 */
/* platform/vendor.h - one vendor: all that the room knows of its evidence. */
#ifndef CSN_PLATFORM_VENDOR_H
#define CSN_PLATFORM_VENDOR_H

#include "platform/appraisal.h"
#include "platform/endorsements.h"

/* The forms that a member of a policy may have. */
enum csn_form {
	CSN_FORM_HEX,		/* len bytes in hex, or a list: any of them */
	CSN_FORM_NUMBER,	/* 0 to len */
	CSN_FORM_SWITCH,	/* true or false */
	CSN_FORM_WORDS,		/* a word, or a list of them: any of words, or
				   any text where words is NULL */
	CSN_FORM_BITS,		/* 0 to len, or a name of bits, or a list */
	CSN_FORM_TCB,		/* an object of numbers 0 to 255, by words */
	CSN_FORM_KEYED,		/* an object of HEX: key says which there are */
	CSN_FORM_ROOT,		/* self-signed certificates in PEM, as text */
	CSN_FORM_KEYS		/* public keys in PEM, as text */
};

struct csn_rule {
	const char *name;
	enum csn_form form;
	uint64_t len;
	const char *const *words;
	/* 1 where there is such a key, and the bytes that a value may have. */
	int (*key)(const char *key, size_t *min, size_t *max);
	const char *breach;	/* of KEYED: what a wrong member does not do */
};

/* Members that a policy may have on every vendor. */
extern const char *const csn_policy_needs[];
#define CSN_RULE_COLLATERAL \
    { "collateral", CSN_FORM_WORDS, 0, csn_policy_needs }
#define CSN_RULE_ROOT { "root", CSN_FORM_ROOT }

struct csn_vendor {
	const char *name;	/* "sev-snp" */
	size_t min_nonce;	/* bytes that csn_platform_options may give */
	size_t max_nonce;
	size_t report_nonce;	/* of a report's data that evidence carries */
	unsigned endorsed;	/* 1 << enum csn_endorsement, each it takes */
	int needs_collateral;	/* unless the policy says that it is optional */
	const struct csn_rule *rules;	/* up to one without a name */
	/* NULL, or CSN_E_FORM where members do not go together. */
	int (*check_rules)(struct csn_ctx *ctx, const struct json_t *rules);
	const struct csn_pin *pins;	/* of its roots, which are trusted */
	size_t npins;
	/* Adds each check in its order. */
	void (*appraise)(struct csn_appraisal *a);
	/* The unverified view. */
	int (*json)(struct csn_ctx *ctx, const uint8_t *p, size_t len,
	    struct json_t **out);
};

/* Named here and in vendor.c, nowhere else. */
extern const struct csn_vendor csn_vendor_snp;
extern const struct csn_vendor csn_vendor_tdx;
extern const struct csn_vendor csn_vendor_nvidia;
extern const struct csn_vendor csn_vendor_tpm;

/* That of an enum csn_platform; NULL where there is none. */
const struct csn_vendor *csn_vendor_of(int platform);
/* pins.c: its pins, *n of them. */
const struct csn_pin *csn_pins(const struct csn_vendor *v, size_t *n);

#endif
