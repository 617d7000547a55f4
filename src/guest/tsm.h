/* SPDX-License-Identifier: Apache-2.0 */
/* guest/tsm.h - reports through configfs-tsm. */
#ifndef CSN_GUEST_TSM_H
#define CSN_GUEST_TSM_H

#include <sys/types.h>

#include <caisson/context.h>

/*
 * The kernel's interface (Documentation/ABI/testing/configfs-tsm-report): a
 * folder that is made below the root asks for a report of its own.
 */
#define CSN_TSM_ROOT "/sys/kernel/config/tsm/report"
#define CSN_TSM_INBLOB 64
#define CSN_TSM_MAX ((size_t)16 << 20)
#define CSN_TSM_PRIVLEVEL_MAX 3

/* The system calls that are made, so that something else can stand there. */
struct csn_tsm_io {
	void *arg;
	/* As the calls of these names: -1 and errno on error. */
	int (*mkdir)(void *arg, const char *path);
	int (*rmdir)(void *arg, const char *path);
	int (*open)(void *arg, const char *path, int flags);
	ssize_t (*read)(void *arg, int fd, void *p, size_t len);
	ssize_t (*write)(void *arg, int fd, const void *p, size_t len);
	int (*close)(void *arg, int fd);
};
extern const struct csn_tsm_io csn_tsm_system;

struct csn_tsm {
	struct csn_ctx *ctx;
	const struct csn_tsm_io *io;
	const char *root;
	const char *provider;	/* whose reports are wanted: "sev_guest" */
	int privlevel;		/* 0 to 3, or -1 for the kernel's choice */
};

/**
 * 0 where reports of the provider can be had here. CSN_E_NOT_FOUND where the
 * root is not there, no driver stands behind it, or another one does;
 * CSN_E_BACKEND where it is there and does not work (no permission).
 */
CSN_MUST_CHECK int csn_tsm_probe(const struct csn_tsm *tsm);

/**
 * A report over inblob: *out is the report, *aux what the kernel gives along
 * (may be empty), both csn_free's. A folder is made and removed; where others
 * write to it, or the device is busy, it is tried again a few times, and then
 * it is CSN_E_BUSY. CSN_E_BACKEND for what the kernel or the firmware
 * refuses; as csn_tsm_probe(); CSN_E_NOMEM, CSN_E_RANDOM. On error both are
 * NULL.
 */
CSN_MUST_CHECK int csn_tsm_report(const struct csn_tsm *tsm,
    const uint8_t inblob[CSN_TSM_INBLOB], uint8_t **out, size_t *len,
    uint8_t **aux, size_t *aux_len);

#endif
