/* SPDX-License-Identifier: Apache-2.0 */
/* platform/snp_cache.c - AMD's certificates, kept on disk. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/text.h"
#include "platform/snp_cache.h"

#define ROOM "platform"
#define CHIP 64
#define TCB 8
#define KEY 8			/* of a fingerprint, in a VLEK's name */
#define MAX_FILE 65536
#define MAX_OF_A_KIND 16	/* files that are read for one report */
#define MODE 0644

/* "vcek/…" without the ending, or the beginning of a VLEK's name. */
#define NAME_SIZE (8 + 2 * CHIP + 1 + 2 * TCB + 1)

/* 1 where a leaf is of the report's TCB, and a VCEK of its chip. */
static int
belongs(struct csn_appraisal *a, const struct csn_snp_report *r,
    unsigned signer, const struct csn_cert *cert)
{
	struct csn_snp_cert said;
	struct csn_snp_tcb tcb;
	size_t n;

	if (csn_snp_cert_read(a->ctx, cert, signer, &said) != 0)
		return 0;
	csn_snp_tcb(r->reported_tcb, said.product != CSN_SNP_UNKNOWN ?
	    said.product : csn_snp_report_product(r), &tcb);
	if (memcmp(&tcb, &said.tcb, sizeof(tcb)) != 0)	/* public */
		return 0;
	if (signer == CSN_SNP_VLEK)
		return 1;
	n = said.chip_id_len;
	return !csn_snp_is_zero(r->chip_id, CHIP) &&
	    csn_equal(r->chip_id, said.chip_id, n) &&
	    csn_snp_is_zero(r->chip_id + n, CHIP - n);
}

/* What a certificate's file is called; "" for one that is not kept. */
static int
name_of(struct csn_appraisal *a, const struct csn_snp_report *r,
    unsigned signer, const struct csn_cert *cert, char out[NAME_SIZE])
{
	char tcb[2 * TCB + 1], key[2 * CSN_SHA256_SIZE + 1];
	char chip[2 * CHIP + 1];
	uint8_t fingerprint[CSN_SHA256_SIZE];
	int rc;

	out[0] = '\0';
	if ((rc = csn_cert_fingerprint(a->ctx, cert, fingerprint)) != 0)
		return rc;
	if (!csn_cert_is_ca(cert) && !belongs(a, r, signer, cert))
		return 0;
	csn_hex_encode(fingerprint, sizeof(fingerprint), key);
	csn_hex_encode(r->reported_tcb, TCB, tcb);
	csn_hex_encode(r->chip_id, CHIP, chip);
	if (csn_cert_is_ca(cert))
		(void)snprintf(out, NAME_SIZE, "ca/%s", key);
	else if (signer == CSN_SNP_VLEK)
		(void)snprintf(out, NAME_SIZE, "vlek/%s-%.*s", tcb, 2 * KEY,
		    key);
	else
		(void)snprintf(out, NAME_SIZE, "vcek/%s-%s", chip, tcb);
	return 0;
}

static char *
path_of(const struct csn_appraisal *a, const char *name)
{
	size_t size = strlen(a->o.cache) + strlen(name) + sizeof("/.der");
	char *path;

	if ((path = csn_calloc(1, size)) != NULL)
		(void)snprintf(path, size, "%s/%s.der", a->o.cache, name);
	return path;
}

/*
 * The certificate of that file, alone in a new set: only where it is one, and
 * the one that its name says, and of this time.
 */
static int
load(struct csn_appraisal *a, const struct csn_snp_report *r,
    unsigned signer, const char *name, const char *path, struct csn_pki **out)
{
	const struct csn_cert *cert;
	struct csn_pki *pki = NULL;
	char called[NAME_SIZE];
	uint8_t *p;
	size_t len;
	int rc;

	if ((rc = csn_file_read(a->ctx, path, MAX_FILE, &p, &len)) != 0)
		return rc;
	if ((rc = csn_pki_new(a->ctx, &pki)) == 0)
		rc = csn_pki_read(pki, p, len);
	csn_free(p);
	if (rc == 0 && (csn_pki_count(pki) != 1 || csn_pki_crls(pki) != 0))
		rc = csn_fail(a->ctx, CSN_E_FORM, ROOM,
		    "it does not hold one certificate");
	if (rc == 0) {
		cert = csn_pki_cert(pki, 0);
		rc = name_of(a, r, signer, cert, called);
		if (rc == 0 && strcmp(called, name) != 0)
			rc = csn_fail(a->ctx, CSN_E_FORM, ROOM, "the "
			    "certificate '%s' in it is not the one that its "
			    "name says", csn_cert_name(cert));
		if (rc == 0)
			rc = csn_cert_check_time(a->ctx, cert, a->at_ms);
	}
	if (rc != 0) {
		csn_pki_free(pki);
		return rc;
	}
	*out = pki;
	return 0;
}

/* Add one file to the certificates; 1 where it was good. */
static int
take(struct csn_appraisal *a, const struct csn_snp_report *r,
    unsigned signer, const char *name)
{
	struct csn_pki *one = NULL;
	char *path = path_of(a, name);
	int rc;

	if (path == NULL)
		rc = CSN_E_NOMEM;
	else if ((rc = load(a, r, signer, name, path, &one)) == 0)
		rc = csn_pki_add_all(a->pki, one);
	if (rc == CSN_E_NOMEM || rc == CSN_E_CRYPTO)
		a->broken = a->broken != 0 ? a->broken : rc;
	else if (rc == CSN_E_EXPIRED || rc == CSN_E_IO)
		csn_appraise_skip(a, "cache", "%s was not used: %s", path,
		    csn_message());
	else if (rc != 0 && rc != CSN_E_NOT_FOUND)
		csn_appraise_skip(a, "cache", "%s is damaged and was not "
		    "used: %s; certificates that come with evidence replace "
		    "it", path, csn_message());
	csn_pki_free(one);
	free(path);
	return rc == 0;
}

/* The files of a folder whose names begin so; how many were good. */
static unsigned
take_folder(struct csn_appraisal *a, const struct csn_snp_report *r,
    unsigned signer, const char *folder, const char *begin)
{
	size_t len, begin_len = strlen(begin);
	unsigned seen = 0, good = 0;
	struct dirent *entry;
	char *path, name[NAME_SIZE];
	DIR *dir;
	int n;

	if (asprintf(&path, "%s/%s", a->o.cache, folder) < 0) {
		a->broken = a->broken != 0 ? a->broken : CSN_E_NOMEM;
		return 0;
	}
	dir = opendir(path);
	free(path);
	while (dir != NULL && seen < MAX_OF_A_KIND &&
	    (entry = readdir(dir)) != NULL) {
		len = strlen(entry->d_name);
		if (entry->d_name[0] == '.' || len < 4 ||
		    strcmp(entry->d_name + len - 4, ".der") != 0 ||
		    strncmp(entry->d_name, begin, begin_len) != 0)
			continue;
		n = snprintf(name, sizeof(name), "%s/%.*s", folder,
		    (int)len - 4, entry->d_name);
		if (n < 0 || (size_t)n >= sizeof(name))
			continue;
		seen++;
		good += (unsigned)take(a, r, signer, name);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return good;
}

void
csn_snp_cache_read(struct csn_appraisal *a, const struct csn_snp_report *r,
    unsigned signer)
{
	CSN_UNCANCELLED;
	char tcb[2 * TCB + 1], chip[2 * CHIP + 1], name[NAME_SIZE];
	unsigned good = 0;

	if (a->o.cache == NULL)
		return;
	csn_hex_encode(r->reported_tcb, TCB, tcb);
	csn_hex_encode(r->chip_id, CHIP, chip);
	if (signer == CSN_SNP_VLEK) {
		good = take_folder(a, r, signer, "vlek", tcb);
	} else if (!csn_snp_is_zero(r->chip_id, CHIP)) {
		(void)snprintf(name, sizeof(name), "vcek/%s-%s", chip, tcb);
		good = (unsigned)take(a, r, signer, name);
	}
	good += take_folder(a, r, signer, "ca", "");
	if (good > 0)
		csn_appraise_pass(a, "cache", "%u certificates from %s", good,
		    a->o.cache);
}

static int
write_one(struct csn_appraisal *a, const struct csn_cert *cert,
    const char *path)
{
	char *folder;
	uint8_t *der;
	size_t len;
	int rc;

	folder = csn_memdup(path, (size_t)(strrchr(path, '/') - path));
	if (folder == NULL)
		return csn_nomem(a->ctx, ROOM, "a path");
	rc = csn_mkdirs(a->ctx, folder, 0755);
	free(folder);
	if (rc != 0 || (rc = csn_cert_der(a->ctx, cert, &der, &len)) != 0)
		return rc;
	rc = csn_file_replace(a->ctx, path, der, len, MODE);
	csn_free(der);
	return rc;
}

/* Where the cache has no such file, or one that is of no use. */
static int
keep(struct csn_appraisal *a, const struct csn_snp_report *r,
    unsigned signer, const struct csn_cert *cert)
{
	struct csn_pki *held = NULL;
	char name[NAME_SIZE], *path;
	int rc;

	if ((rc = name_of(a, r, signer, cert, name)) != 0 ||
	    name[0] == '\0')
		return rc;
	if ((path = path_of(a, name)) == NULL)
		return csn_nomem(a->ctx, ROOM, "a path");
	rc = load(a, r, signer, name, path, &held);
	if (rc != 0 && rc != CSN_E_NOMEM && rc != CSN_E_CRYPTO)
		rc = write_one(a, cert, path);
	csn_pki_free(held);
	free(path);
	return rc;
}

void
csn_snp_cache_write(struct csn_appraisal *a, const struct csn_snp_report *r,
    unsigned signer)
{
	CSN_UNCANCELLED;
	const struct csn_cert *cert;
	size_t i;
	int rc;

	if (a->o.cache == NULL)
		return;
	for (i = 0; (cert = csn_pki_cert(a->chain, i)) != NULL; i++) {
		if ((rc = keep(a, r, signer, cert)) == 0)
			continue;
		if (rc == CSN_E_NOMEM || rc == CSN_E_CRYPTO)
			a->broken = a->broken != 0 ? a->broken : rc;
		else
			csn_appraise_skip(a, "cache", "not written: %s",
			    csn_message());
		return;
	}
}
