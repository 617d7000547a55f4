/* SPDX-License-Identifier: Apache-2.0 */
/* platform/tdx_tcb.c - how far a TDX platform's firmware is up to date. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "platform/policy.h"
#include "platform/tdx.h"

#define TCB_INFO_VERSION 3
#define IDENTITY_VERSION 2
#define MAX_HEX 48

/*
 * The rules are those of Intel's PCS documentation ("Get TDX TCB Info", "Get
 * TD QE Identity"): levels go from the newest down, and the first that the
 * platform reaches in every component is its own.
 */

static const char *
text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

/* A member of 0 to max, or -1. */
static int
number_of(const json_t *o, const char *name, int max)
{
	const json_t *v = json_object_get(o, name);

	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    json_integer_value(v) > max)
		return -1;
	return (int)json_integer_value(v);
}

/* A member of exactly len bytes in hex. 0 or -1. */
static int
bytes_of(const json_t *o, const char *name, uint8_t *out, size_t len)
{
	const char *s = text_of(o, name);

	return csn_hex_decode(s, strlen(s), out, len) == 0 ? 0 : -1;
}

static int
same(const json_t *o, const char *name, const uint8_t *p, size_t len)
{
	uint8_t want[MAX_HEX];

	return bytes_of(o, name, want, len) == 0 && csn_equal(want, p, len);
}

/* p where the mask has ones is the member, and the member nothing else. */
static int
same_masked(const json_t *o, const char *name, const char *mask_name,
    const uint8_t *p, size_t len)
{
	uint8_t want[MAX_HEX], mask[MAX_HEX];
	size_t i;

	if (bytes_of(o, name, want, len) != 0 ||
	    bytes_of(o, mask_name, mask, len) != 0)
		return 0;
	for (i = 0; i < len; i++)
		if ((p[i] & mask[i]) != want[i])
			return 0;
	return 1;
}

/* 1 where each component from first on reaches the list's; -1 malformed. */
static int
reaches(const json_t *list, const uint8_t svn[CSN_TDX_SVNS], size_t first)
{
	size_t i;
	int want;

	if (json_array_size(list) != CSN_TDX_SVNS)
		return -1;
	for (i = first; i < CSN_TDX_SVNS; i++) {
		want = number_of(json_array_get(list, i), "svn", 255);
		if (want < 0)
			return -1;
		if (svn[i] < want)
			return 0;
	}
	return 1;
}

static int
platform_reaches(const json_t *level, const struct csn_tdx_quote *q,
    const struct csn_pck *pck)
{
	const json_t *tcb = json_object_get(level, "tcb");
	int pce = number_of(tcb, "pcesvn", UINT16_MAX), sgx, tdx;

	/* A module with a version is judged by its own levels. */
	sgx = reaches(json_object_get(tcb, "sgxtcbcomponents"), pck->cpu_svn,
	    0);
	tdx = reaches(json_object_get(tcb, "tdxtcbcomponents"),
	    q->tee_tcb_svn, q->tee_tcb_svn[1] > 0 ? 2 : 0);
	if (pce < 0 || sgx < 0 || tdx < 0)
		return -1;
	return sgx && tdx && pck->pce_svn >= pce;
}

/* The first level that an ISVSVN reaches, or NULL. */
static const json_t *
level_of_svn(const json_t *levels, int svn)
{
	const json_t *level;
	size_t i;
	int want;

	for (i = 0; (level = json_array_get(levels, i)) != NULL; i++) {
		want = number_of(json_object_get(level, "tcb"), "isvsvn",
		    UINT16_MAX);
		if (want < 0)
			return NULL;
		if (svn >= want)
			return level;
	}
	return NULL;
}

/* ", INTEL-SA-00000 …" as far as there is room. */
static void
advisories(const json_t *level, char *out, size_t cap)
{
	const json_t *list = json_object_get(level, "advisoryIDs"), *one;
	size_t i, at = 0;
	int n;

	out[0] = '\0';
	for (i = 0; (one = json_array_get(list, i)) != NULL; i++) {
		if (!json_is_string(one))
			return;
		n = snprintf(out + at, cap - at, "%s%.24s", i > 0 ? " " :
		    ", see ", json_string_value(one));
		if (n < 0 || (size_t)n >= cap - at) {
			out[at] = '\0';
			return;
		}
		at += (size_t)n;
	}
}

/*
 * The verdict on a level: its status is one that the policy takes. low says
 * what keeps the platform below the newest level, "" for nothing.
 */
static void
judge(struct csn_appraisal *a, const char *name, const json_t *level,
    const char *low)
{
	const char *status = text_of(level, "tcbStatus");
	char see[160];

	if (level == NULL) {
		csn_appraise_fail(a, name, CSN_E_POLICY,
		    "below every level that the collateral knows%s", low);
		return;
	}
	advisories(level, see, sizeof(see));
	if (csn_policy_lists(a, "tcb_status", status, "UpToDate"))
		csn_appraise_pass(a, name, "%s, of %.20s%s%s", status,
		    text_of(level, "tcbDate"), low, see);
	else
		csn_appraise_fail(a, name, CSN_E_POLICY, "%.40s, of %.20s%s%s",
		    status, text_of(level, "tcbDate"), low, see);
}

/* The same of one number, which names levels of its own. */
static void
judge_svn(struct csn_appraisal *a, const char *name, const json_t *levels,
    int svn)
{
	int newest = number_of(json_object_get(json_array_get(levels, 0),
	    "tcb"), "isvsvn", UINT16_MAX);
	char low[64] = "";

	if (svn < newest)
		(void)snprintf(low, sizeof(low), "; its SVN is %d, the newest "
		    "level's is %d", svn, newest);
	judge(a, name, level_of_svn(levels, svn), low);
}

#define LOW 400

/* "; TDX component 3 is 5, the newest level's is 6" of each that is lower. */
static void
add_low(char out[LOW], const char *what, size_t i, int have, int want)
{
	size_t at = strlen(out);
	char number[24] = "";

	if (have >= want)
		return;
	if (i > 0)
		(void)snprintf(number, sizeof(number), " %zu", i);
	/* As many as there is room for: the first matter most. */
	if (LOW - at > 80)
		(void)snprintf(out + at, LOW - at, "; %s%s is %d, the newest "
		    "level's is %d", what, number, have, want);
}

/* What of the platform is below the newest level that there is. */
static void
lower_than_newest(const json_t *levels, const struct csn_tdx_quote *q,
    const struct csn_pck *pck, char out[LOW])
{
	const json_t *tcb = json_object_get(json_array_get(levels, 0), "tcb");
	const json_t *sgx = json_object_get(tcb, "sgxtcbcomponents");
	const json_t *tdx = json_object_get(tcb, "tdxtcbcomponents");
	size_t i;

	out[0] = '\0';
	for (i = 0; i < CSN_TDX_SVNS; i++)
		add_low(out, "SGX component", i + 1, pck->cpu_svn[i],
		    number_of(json_array_get(sgx, i), "svn", 255));
	add_low(out, "the PCE's SVN", 0, pck->pce_svn, number_of(tcb,
	    "pcesvn", UINT16_MAX));
	for (i = q->tee_tcb_svn[1] > 0 ? 2 : 0; i < CSN_TDX_SVNS; i++)
		add_low(out, "TDX component", i + 1, q->tee_tcb_svn[i],
		    number_of(json_array_get(tdx, i), "svn", 255));
}

static void
appraise_module(struct csn_appraisal *a, const struct csn_tdx_quote *q,
    const json_t *info)
{
	const json_t *module = json_object_get(info, "tdxModule"), *list, *one;
	unsigned version = q->tee_tcb_svn[1];
	char id[16];
	size_t i;

	if (version > 0) {
		(void)snprintf(id, sizeof(id), "TDX_%02x", version);
		list = json_object_get(info, "tdxModuleIdentities");
		module = NULL;
		for (i = 0; (one = json_array_get(list, i)) != NULL; i++)
			if (strcasecmp(text_of(one, "id"), id) == 0)
				module = one;
	}
	if (module == NULL) {
		csn_appraise_fail(a, "tdx_module", CSN_E_POLICY,
		    "the collateral knows no TDX module of version %u",
		    version);
		return;
	}
	if (!same(module, "mrsigner", q->mr_signer_seam, 48) ||
	    !same_masked(module, "attributes", "attributesMask",
	    q->seam_attributes, 8)) {
		csn_appraise_fail(a, "tdx_module", CSN_E_POLICY,
		    "another signer's TDX module, or with other attributes");
		return;
	}
	if (version > 0)
		judge_svn(a, "tdx_module", json_object_get(module,
		    "tcbLevels"), q->tee_tcb_svn[0]);
	else
		csn_appraise_pass(a, "tdx_module", "Intel's");
}

void
csn_tdx_appraise_tcb(struct csn_appraisal *a, const struct csn_tdx_quote *q,
    const struct csn_pck *pck, const json_t *info)
{
	const json_t *levels = json_object_get(info, "tcbLevels"), *level;
	int n = number_of(info, "tcbEvaluationDataNumber", INT32_MAX);
	char fmspc[2 * sizeof(pck->fmspc) + 1], low[LOW];
	char pce_id[2 * sizeof(pck->pce_id) + 1];
	int found = 0;
	size_t i;

	if (strcmp(text_of(info, "id"), "TDX") != 0 ||
	    number_of(info, "version", UINT16_MAX) != TCB_INFO_VERSION ||
	    n < 0) {
		csn_appraise_fail(a, "tcb", CSN_E_VERSION,
		    "the TCB info is not one of TDX, version %d",
		    TCB_INFO_VERSION);
		return;
	}
	if (!same(info, "fmspc", pck->fmspc, sizeof(pck->fmspc)) ||
	    !same(info, "pceId", pck->pce_id, sizeof(pck->pce_id))) {
		csn_hex_encode(pck->fmspc, sizeof(pck->fmspc), fmspc);
		csn_hex_encode(pck->pce_id, sizeof(pck->pce_id), pce_id);
		csn_appraise_fail(a, "tcb", CSN_E_FORM, "the TCB info is for "
		    "platforms of FMSPC %.12s and PCE id %.4s, this one has "
		    "%s and %s", text_of(info, "fmspc"),
		    text_of(info, "pceId"), fmspc, pce_id);
		return;
	}
	(void)csn_policy_limit(a, "min_tcb_evaluation", CSN_POLICY_MIN,
	    (uint64_t)n);
	for (i = 0; (level = json_array_get(levels, i)) != NULL; i++)
		if ((found = platform_reaches(level, q, pck)) != 0)
			break;
	if (found < 0) {
		csn_appraise_fail(a, "tcb", CSN_E_FORM,
		    "level %zu of the TCB info is malformed", i);
	} else {
		lower_than_newest(levels, q, pck, low);
		judge(a, "tcb", level, low);
	}
	appraise_module(a, q, info);
}

void
csn_tdx_appraise_qe(struct csn_appraisal *a, const struct csn_tdx_quote *q,
    const json_t *identity)
{
	const struct csn_qe_report *qe = &q->qe;
	char signer[2 * 32 + 1], attributes[2 * 16 + 1], misc[2 * 4 + 1];

	if (strcmp(text_of(identity, "id"), "TD_QE") != 0 ||
	    number_of(identity, "version", UINT16_MAX) != IDENTITY_VERSION) {
		csn_appraise_fail(a, "qe_identity", CSN_E_VERSION,
		    "the QE identity is not one of TDX, version %d",
		    IDENTITY_VERSION);
		return;
	}
	if (!same(identity, "mrsigner", qe->mr_signer, 32) ||
	    number_of(identity, "isvprodid", UINT16_MAX) != qe->product ||
	    !same_masked(identity, "miscselect", "miscselectMask",
	    qe->misc_select, 4) ||
	    !same_masked(identity, "attributes", "attributesMask",
	    qe->attributes, 16)) {
		csn_hex_encode(qe->mr_signer, 32, signer);
		csn_hex_encode(qe->attributes, 16, attributes);
		csn_hex_encode(qe->misc_select, 4, misc);
		csn_appraise_fail(a, "qe_identity", CSN_E_POLICY, "the quote "
		    "was made by another enclave than the QE identity's: "
		    "MRSIGNER %s, product %u, MISCSELECT %s, attributes %s",
		    signer, qe->product, misc, attributes);
		return;
	}
	judge_svn(a, "qe_identity", json_object_get(identity, "tcbLevels"),
	    qe->svn);
}
