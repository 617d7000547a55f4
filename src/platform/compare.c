/* SPDX-License-Identifier: Apache-2.0 */
/* platform/compare.c - what a platform says, against the policy. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "platform/policy.h"
#include "platform/vendor.h"

const char *const csn_policy_needs[] = { "required", "optional", NULL };

static int
same_hex(const json_t *v, const uint8_t *p, size_t len)
{
	uint8_t want[CSN_POLICY_VALUE];
	size_t n = json_string_length(v);

	return n == 2 * len && len <= CSN_POLICY_VALUE &&
	    csn_hex_decode(json_string_value(v), n, want, len) == 0 &&
	    csn_equal(want, p, len);
}

static int
hex_in(const json_t *set, const uint8_t *p, size_t len)
{
	const json_t *one;
	size_t i;

	if (!json_is_array(set))
		return same_hex(set, p, len);
	for (i = 0; (one = json_array_get(set, i)) != NULL; i++)
		if (same_hex(one, p, len))
			return 1;
	return 0;
}

static int
word_in(const json_t *set, const char *word)
{
	const json_t *one;
	size_t i;

	if (!json_is_array(set))
		return strcmp(json_string_value(set), word) == 0;
	for (i = 0; (one = json_array_get(set, i)) != NULL; i++)
		if (strcmp(json_string_value(one), word) == 0)
			return 1;
	return 0;
}

static void
compare_hex(struct csn_appraisal *a, const char *name, const json_t *set,
    const uint8_t *p, size_t len)
{
	char hex[2 * CSN_POLICY_VALUE + 1];

	csn_hex_encode(p, len < CSN_POLICY_VALUE ? len : CSN_POLICY_VALUE, hex);
	if (hex_in(set, p, len))
		csn_appraise_pass(a, name, "%s, as the policy says", hex);
	else
		csn_appraise_fail(a, name, CSN_E_POLICY,
		    "%s, which the policy does not list", hex);
}

int
csn_policy_hex(struct csn_appraisal *a, const char *name, const uint8_t *p,
    size_t len)
{
	const json_t *set = json_object_get(a->policy, name);

	if (set == NULL)
		return 0;
	compare_hex(a, name, set, p, len);
	return 1;
}

int
csn_policy_inside(struct csn_appraisal *a, const char *name,
    const char *inside, const uint8_t *p, size_t len)
{
	const json_t *set = json_object_get(json_object_get(a->policy, name),
	    inside);
	char label[64];

	if (set == NULL)
		return 0;
	(void)snprintf(label, sizeof(label), "%s %s", name, inside);
	if (p == NULL)
		csn_appraise_fail(a, label, CSN_E_POLICY,
		    "the evidence has none, and the policy asks for one");
	else
		compare_hex(a, label, set, p, len);
	return 1;
}

int
csn_policy_word(struct csn_appraisal *a, const char *name, const char *word)
{
	const json_t *set = json_object_get(a->policy, name);

	if (set == NULL)
		return 0;
	if (word_in(set, word))
		csn_appraise_pass(a, name, "%s, as the policy says", word);
	else
		csn_appraise_fail(a, name, CSN_E_POLICY,
		    "'%s', which the policy does not list", word);
	return 1;
}

int
csn_policy_limit(struct csn_appraisal *a, const char *name,
    enum csn_policy_limit how, uint64_t v)
{
	static const char *const held[] = { ", at least ", ", at most ",
		" has " };
	const json_t *member = json_object_get(a->policy, name);
	uint64_t said = (uint64_t)json_integer_value(member);
	const char *fmt = how == CSN_POLICY_BITS ? "0x%" PRIx64 : "%" PRIu64;
	char got[24], want[24];
	int ok;

	if (member == NULL)
		return 0;
	ok = how == CSN_POLICY_MIN ? v >= said :
	    how == CSN_POLICY_MAX ? v <= said : (v & said) == said;
	(void)snprintf(got, sizeof(got), fmt, v);
	(void)snprintf(want, sizeof(want), fmt, said);
	if (ok)
		csn_appraise_pass(a, name, "%s%s%s", got, held[how], want);
	else
		csn_appraise_fail(a, name, CSN_E_POLICY, "%s, the policy "
		    "%s %s", got, how == CSN_POLICY_MAX ? "allows" :
		    "asks for", want);
	return 1;
}

int
csn_policy_names(struct csn_appraisal *a, const char *name, uint64_t v,
    const char *const *names)
{
	const json_t *set = json_object_get(a->policy, name);
	int i, any = 0;

	if (set == NULL || json_is_integer(set))
		return csn_policy_limit(a, name, CSN_POLICY_BITS, v);
	for (i = 0; names[i] != NULL; i++) {
		if (names[i][0] == '\0' || !word_in(set, names[i]))
			continue;
		any = 1;
		if ((v >> i & 1) != 0)
			continue;
		csn_appraise_fail(a, name, CSN_E_POLICY,
		    "0x%" PRIx64 " without %s, which the policy asks for", v,
		    names[i]);
		return 1;
	}
	/* Every word was found good when the policy was read. */
	if (any)
		csn_appraise_pass(a, name, "0x%" PRIx64 ", with all that the "
		    "policy asks for", v);
	return 1;
}

int
csn_policy_lists(const struct csn_appraisal *a, const char *name,
    const char *word, const char *otherwise)
{
	const json_t *set = json_object_get(a->policy, name);

	return set != NULL ? word_in(set, word) :
	    strcmp(word, otherwise) == 0;
}

int
csn_policy_flag(const struct csn_appraisal *a, const char *name,
    int otherwise)
{
	const json_t *v = json_object_get(a->policy, name);

	return v != NULL ? json_is_true(v) : otherwise;
}

void
csn_policy_debug(struct csn_appraisal *a, int on)
{
	if (!on)
		csn_appraise_pass(a, "debug", "off");
	else if (csn_policy_flag(a, "allow_debug", 0))
		csn_appraise_pass(a, "debug",
		    "on, as the policy allows: the host can read the guest");
	else
		csn_appraise_fail(a, "debug", CSN_E_POLICY,
		    "on: the host can read and change the guest's memory");
}

int
csn_policy_number(const struct csn_appraisal *a, const char *name,
    const char *inside)
{
	const json_t *v = json_object_get(json_object_get(a->policy, name),
	    inside);

	return v != NULL ? (int)json_integer_value(v) : -1;
}
