/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_keystore_file.c - the files of a keystore: whatever is read is
 * written to the same bytes again, and its costs are bounded.
 */
#include "identity.h"
#include "providers/keystore/file/file.h"

static void
header(const uint8_t *data, size_t len)
{
	uint8_t again[CSN_KSF_HEADER_SIZE];
	struct csn_ksf_header h;
	int rc;

	rc = csn_ksf_header_read(data, len, &h);
	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_VERSION);
	if (rc != 0)
		return;
	check(h.memory_kib <= 1u << 20 && h.passes <= 16 && h.lanes <= 16);
	csn_ksf_header_write(&h, again);
	check(len == sizeof(again) && memcmp(again, data, len) == 0);
}

static void
key(const uint8_t *data, size_t len)
{
	uint8_t wrap[CSN_KS_WRAP_SIZE], again[CSN_KSF_KEY_MAX];
	int rc;

	rc = csn_ksf_key_read(data, len, "acme", wrap);
	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_VERSION);
	if (rc == 0)
		check(csn_ksf_key_write("acme", wrap, again) == len &&
		    memcmp(again, data, len) == 0);
}

static void
file_name(const uint8_t *data, size_t len)
{
	char name[CSN_KEYSTORE_MAX_NAME + 1], again[CSN_KSF_FILE_NAME];
	char file[512];

	if (len >= sizeof(file))
		return;
	memcpy(file, data, len);
	file[len] = '\0';
	if (csn_ksf_name_read(file, name) != 0)
		return;
	check(name[0] != '\0' && strchr(file, '/') == NULL);
	csn_ksf_name_write(name, again);
	check(strcmp(again, file) == 0);
}

static void
wrap(const uint8_t *data, size_t len)
{
	static const uint8_t kek[CSN_KEY_SIZE] = { 7 };
	uint8_t out[CSN_KEY_SIZE];
	int rc;

	rc = csn_ks_unwrap(fuzz_ctx(), kek, data, 0, data, len, out);
	check(rc == 0 || rc == CSN_E_TAG || rc == CSN_E_FORM);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	header(data, len);
	key(data, len);
	file_name(data, len);
	wrap(data, len);
	return 0;
}
