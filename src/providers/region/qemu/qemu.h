/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/qemu/qemu.h - the parts of the QEMU provider. */
#ifndef CSN_PROVIDERS_REGION_QEMU_QEMU_H
#define CSN_PROVIDERS_REGION_QEMU_QEMU_H

#include "providers/region/manifest.h"
#include "providers/region/provider.h"
#include "providers/region/qemu/layout.h"
#include "providers/region/qemu/qmp.h"

/* What QEMU is asked to save at a time, and kept while the guest stands. */
#define CSN_GUEST_WINDOW ((size_t)16 << 20)

/*
 * qemu:SOCKET?option=value&…
 *
 *   manifest=PATH  the workload manifest, of regions with "physical"; without
 *                  it each range of the guest's main memory is a region
 *   ram=PATH       the file of the guest's memory-backend-file,share=on: it
 *                  is read there; without it QEMU saves what is asked for
 *   tmp=FOLDER     where it saves to: /dev/shm, or $TMPDIR or /tmp
 *   timeout=MS     for each of QEMU's answers; 10,000
 */
struct csn_guest_config {
	char *socket;
	char *manifest;
	char *ram;
	char *tmp;
	uint64_t timeout_ms;
};

/* Bytes that QEMU saved into a file of ours. */
struct csn_guest_dump {
	struct csn_ctx *ctx;
	struct csn_qmp *qmp;
	int fd;			/* -1 until it is made */
	char *folder;		/* ours alone, and QEMU's */
	char *path;
	uint64_t address;	/* what the file holds; size 0 for nothing */
	uint64_t size;
};

struct csn_guest {
	struct csn_ctx *ctx;
	struct csn_guest_config config;
	struct csn_qmp *qmp;
	struct csn_manifest manifest;
	struct csn_guest_layout layout;
	struct csn_guest_dump dump;
	int ram;		/* the backend's file, or -1 */
	int stopped;		/* a stop of ours was sent, and no cont
				   was answered since */
	int ready;		/* the connection, and what it is for */
	int looking;		/* between begin and end */
	unsigned resumes;	/* csn_qmp_resumes() as it began */
};

/*
 * qemu/backend.c: whether the file that is open as g->ram is what the guest's
 * main memory writes to. CSN_E_BACKEND where QEMU does not say so.
 */
CSN_MUST_CHECK int csn_guest_check_ram(struct csn_guest *g);

/* qemu/dump.c */

/* Make the file that QEMU saves into, in folder (NULL for the usual). */
CSN_MUST_CHECK int csn_guest_dump_open(struct csn_ctx *ctx,
    struct csn_qmp *qmp, const char *folder, struct csn_guest_dump *out);
/* Have QEMU save size bytes at a guest-physical address. */
CSN_MUST_CHECK int csn_guest_dump_save(struct csn_guest_dump *d,
    uint64_t address, uint64_t size);
/* Copy from what was saved; all of it has been. */
CSN_MUST_CHECK int csn_guest_dump_read(const struct csn_guest_dump *d,
    uint64_t address, void *out, size_t len);
/* Forget what was saved: the guest runs on. */
void csn_guest_dump_forget(struct csn_guest_dump *d);
void csn_guest_dump_close(struct csn_guest_dump *d);

#endif
