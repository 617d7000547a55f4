/* SPDX-License-Identifier: Apache-2.0 */
/* keystore_cheap.c - a keystore in a folder that opens at once. */
#include <fcntl.h>
#include <unistd.h>

#include "lib/test.h"
#include "providers/keystore/file/file.h"
#include "providers/keystore_suite.h"

void
keystore_make_cheap(struct csn_ctx *ctx, const char *folder)
{
	struct csn_ksf_header h = { 8, 1, 1, { 0 }, { 0 } };
	uint8_t bytes[CSN_KSF_HEADER_SIZE], kek[CSN_KEY_SIZE];
	uint8_t master[CSN_KEY_SIZE] = { 5 };
	char path[300];
	int fd;

	assert_int_equal(csn_argon2id(ctx, KEYSTORE_SECRET,
	    strlen(KEYSTORE_SECRET), h.salt, sizeof(h.salt), h.memory_kib,
	    h.passes, h.lanes, kek), 0);
	csn_ksf_header_write(&h, bytes);
	assert_int_equal(csn_ks_wrap(ctx, kek, bytes, CSN_KSF_HEADER_AAD,
	    master, h.master), 0);
	csn_ksf_header_write(&h, bytes);
	snprintf(path, sizeof(path), "%s/keystore", folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(close(fd), 0);
}
