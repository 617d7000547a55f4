/* SPDX-License-Identifier: Apache-2.0 */
/* sev_guest.c - reports and keys from /dev/sev-guest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "guest/sev_guest.h"

#define ROOM "guest"
#define PAGE 4096u
#define FIRST_CERTS (2 * PAGE)	/* a chain of three fits */
#define MAX_CERTS (4 * PAGE)
#define MIN_REPORT 0x4a0u
#define TABLE_ENTRY 24u		/* GUID, offset, length */

_Static_assert(sizeof(struct csn_snp_ioctl) == 32, "ioctl argument");
_Static_assert(sizeof(struct csn_snp_report_req) == 96, "report request");
_Static_assert(sizeof(struct csn_snp_ext_report_req) == 112,
    "extended report request");
_Static_assert(sizeof(struct csn_snp_report_resp) == 4000, "report response");
_Static_assert(sizeof(struct csn_snp_key_req) == 32, "key request");
_Static_assert(sizeof(struct csn_snp_key_resp) == 64, "key response");

/* The kernel's pointers are integers of 64 bits. */
static uint64_t
address_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* One request; *vmm is what the host said of it. 0 or an errno. */
static int
request(const struct csn_device *d, int fd, unsigned long number,
    const void *req, void *resp, uint32_t *vmm, uint32_t *firmware)
{
	struct csn_snp_ioctl arg = {
		.msg_version = 1, .req_data = address_of(req),
		.resp_data = address_of(resp)
	};
	int errnum = 0;

	if (d->io->ioctl(d->io->arg, fd, number, &arg) != 0)
		errnum = errno;
	*vmm = (uint32_t)(arg.exitinfo2 >> 32);
	*firmware = (uint32_t)arg.exitinfo2;
	return errnum;
}

static int
refused(const struct csn_device *d, int errnum, uint32_t vmm,
    uint32_t firmware)
{
	if (errnum == ENOTTY)
		return csn_fail(d->ctx, CSN_E_BACKEND, ROOM, "%s: the key "
		    "for talking to the firmware (VMPCK) is disabled; only a "
		    "restart of the guest brings it back", d->path);
	if (vmm == CSN_SNP_VMM_BUSY)
		return csn_fail(d->ctx, CSN_E_BUSY, ROOM, "%s: the host is "
		    "busy and lets no request through", d->path);
	if (vmm != 0 || (firmware != 0 && errnum == EIO))
		return csn_fail(d->ctx, CSN_E_BACKEND, ROOM, "%s: the request "
		    "failed, firmware error 0x%x, host error 0x%x", d->path,
		    firmware, vmm);
	return csn_fail_errno(d->ctx, CSN_E_BACKEND, ROOM, errnum,
	    "%s: the request failed", d->path);
}

/* As request(), again and again while the host throttles. */
static int
patient(const struct csn_device *d, int fd, unsigned long number,
    const void *req, void *resp, uint32_t *vmm, uint32_t *firmware)
{
	unsigned attempt;
	int errnum = 0;

	for (attempt = 0; attempt < CSN_DEVICE_TRIES; attempt++) {
		if (attempt > 0)
			csn_device_wait(attempt);
		errnum = request(d, fd, number, req, resp, vmm, firmware);
		if (errnum == 0 || (*vmm != CSN_SNP_VMM_BUSY &&
		    errnum != EAGAIN && errnum != EINTR))
			break;
	}
	return errnum;
}

/* How many bytes of the pages the table and its certificates take. */
static size_t
table_length(const uint8_t *p, size_t len)
{
	static const uint8_t zero[TABLE_ENTRY];
	uint32_t offset, size;
	size_t at, end = 0;

	for (at = 0; at + TABLE_ENTRY <= len; at += TABLE_ENTRY) {
		if (csn_equal(p + at, zero, TABLE_ENTRY)) {
			if (at == 0)
				return 0;
			return end > at + TABLE_ENTRY ? end :
			    at + TABLE_ENTRY;
		}
		memcpy(&offset, p + at + 16, sizeof(offset));
		memcpy(&size, p + at + 20, sizeof(size));
		/* What makes no sense goes on to who verifies it. */
		if (offset > len || size > len - offset)
			return len;
		if (offset + size > end)
			end = offset + size;
	}
	return len;
}

static int
no_memory(const struct csn_device *d)
{
	return csn_nomem(d->ctx, ROOM, "a report");
}

/* *pages has req->certs_len bytes at least, or is NULL for none. */
static int
ask(const struct csn_device *d, int fd, struct csn_snp_ext_report_req *req,
    struct csn_snp_report_resp *resp, uint8_t **pages)
{
	uint32_t vmm = 0, firmware = 0, room;
	int again, errnum;

	req->certs_len = FIRST_CERTS;
	for (again = 0;; again++) {
		room = req->certs_len;
		if ((*pages = csn_calloc(1, room)) == NULL)
			return no_memory(d);
		req->certs_address = address_of(*pages);
		errnum = patient(d, fd, CSN_SNP_GET_EXT_REPORT, req, resp,
		    &vmm, &firmware);
		/* The driver writes its length back where it succeeds too. */
		if (errnum == 0 && req->certs_len > room)
			return csn_fail(d->ctx, CSN_E_BACKEND, ROOM, "%s: "
			    "certificates of %u bytes in a room of %u",
			    d->path, req->certs_len, room);
		if (errnum == 0)
			break;
		csn_free(*pages);
		*pages = NULL;
		/* It said how many bytes they are: once more. */
		if (again == 0 && vmm == CSN_SNP_VMM_INVALID_LEN &&
		    req->certs_len != 0 && req->certs_len % PAGE == 0 &&
		    req->certs_len <= MAX_CERTS)
			continue;
		/* A host may know certificates not at all. */
		if (errnum != ENOTTY && vmm != CSN_SNP_VMM_BUSY)
			errnum = patient(d, fd, CSN_SNP_GET_REPORT,
			    &req->data, resp, &vmm, &firmware);
		if (errnum != 0)
			return refused(d, errnum, vmm, firmware);
		break;
	}
	if (resp->status != 0)
		return csn_fail(d->ctx, CSN_E_BACKEND, ROOM, "%s: the "
		    "firmware refused a report, status 0x%x", d->path,
		    resp->status);
	if (resp->size < MIN_REPORT || resp->size > sizeof(resp->report))
		return csn_fail(d->ctx, CSN_E_BACKEND, ROOM, "%s: a report "
		    "of %u bytes", d->path, resp->size);
	return 0;
}

int
csn_sev_guest_report(const struct csn_device *d,
    const uint8_t report_data[64], uint32_t vmpl, uint8_t **out, size_t *len,
    uint8_t **certs, size_t *certs_len)
{
	struct csn_snp_ext_report_req req = { .data = { .vmpl = vmpl } };
	struct csn_snp_report_resp resp = { 0 };
	uint8_t *pages = NULL;
	int fd, rc;

	*out = *certs = NULL;
	*len = *certs_len = 0;
	memcpy(req.data.user_data, report_data, sizeof(req.data.user_data));
	if ((rc = csn_device_open(d, &fd)) != 0)
		return rc;
	rc = ask(d, fd, &req, &resp, &pages);
	csn_device_close(d, fd);
	if (rc == 0 && (*out = csn_memdup(resp.report, resp.size)) == NULL)
		rc = no_memory(d);
	if (rc != 0) {
		csn_free(pages);
		return rc;
	}
	*len = resp.size;
	*certs = pages;
	*certs_len = pages == NULL ? 0 : table_length(pages, req.certs_len);
	return 0;
}

int
csn_sev_guest_key(const struct csn_device *d,
    const struct csn_snp_key_req *req, uint8_t key[32])
{
	struct csn_snp_key_resp resp = { 0 };
	uint32_t vmm = 0, firmware = 0;
	int fd, errnum, rc;

	if ((rc = csn_device_open(d, &fd)) != 0)
		return rc;
	errnum = patient(d, fd, CSN_SNP_GET_DERIVED_KEY, req, &resp, &vmm,
	    &firmware);
	csn_device_close(d, fd);
	if (errnum != 0)
		rc = refused(d, errnum, vmm, firmware);
	else if (resp.status != 0)
		rc = csn_fail(d->ctx, CSN_E_BACKEND, ROOM, "%s: the firmware "
		    "refused a key, status 0x%x", d->path, resp.status);
	else
		memcpy(key, resp.key, sizeof(resp.key));
	csn_wipe(&resp, sizeof(resp));
	return rc;
}
