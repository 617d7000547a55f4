/* SPDX-License-Identifier: Apache-2.0 */
/* platform/policy.h - a policy's part on platforms. */
#ifndef CSN_PLATFORM_POLICY_H
#define CSN_PLATFORM_POLICY_H

#include "platform/appraisal.h"

#define CSN_POLICY_VALUE 64	/* bytes of one value in hex, at most */

/**
 * Check the member "platform" of a policy document (docs/PLATFORM.md), every
 * member of it by name and form; a document without one is fine. CSN_E_FORM
 * with a sentence that names the member.
 */
CSN_MUST_CHECK int csn_platform_policy_check(struct csn_ctx *ctx,
    const struct json_t *document);

/**
 * Parse and check a policy's text. *out is the document, for json_decref().
 * CSN_E_ARG, with the sentence of the above, where it is no good.
 */
CSN_MUST_CHECK int csn_platform_policy_parse(struct csn_ctx *ctx,
    const char *json, size_t len, struct json_t **out);

/*
 * Compare what the evidence says with a member of the policy and add a check
 * of the member's name; nothing where the policy does not have it. The
 * members' forms were checked before. 1 where it was there.
 */
int csn_policy_hex(struct csn_appraisal *a, const char *name,
    const uint8_t *p, size_t len);
int csn_policy_word(struct csn_appraisal *a, const char *name,
    const char *word);
/* A number that is at least, or at most, or has all bits of the member's. */
enum csn_policy_limit {
	CSN_POLICY_MIN,
	CSN_POLICY_MAX,
	CSN_POLICY_BITS
};
int csn_policy_limit(struct csn_appraisal *a, const char *name,
    enum csn_policy_limit how, uint64_t v);
/*
 * The same of a number, or of names of bits, the lowest first: each that the
 * member lists is set.
 */
int csn_policy_names(struct csn_appraisal *a, const char *name, uint64_t v,
    const char *const *names);
/* The same, of a set that is the member inside of name. */
int csn_policy_inside(struct csn_appraisal *a, const char *name,
    const char *inside, const uint8_t *p, size_t len);
/* 1 where list, else the default set, has the word. */
int csn_policy_lists(const struct csn_appraisal *a, const char *name,
    const char *word, const char *otherwise);
/* A switch of the policy; otherwise where it is not there. */
int csn_policy_flag(const struct csn_appraisal *a, const char *name,
    int otherwise);
/* The check "debug": where it is on, the member allow_debug decides. */
void csn_policy_debug(struct csn_appraisal *a, int on);
/* The number at name.inside, or -1. */
int csn_policy_number(const struct csn_appraisal *a, const char *name,
    const char *inside);

#endif
