/* SPDX-License-Identifier: Apache-2.0 */
/* boot.c - start QEMU with a boot sector of our own. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/boot.h"

#define PROGRAM "qemu-system-x86_64"
#define PATIENCE_MS 60000

/* 16-bit code at 0000:7c00, where a PC's firmware puts it. */
static const uint8_t code[] = {
	0xfa,			/* cli */
	0x31, 0xc0,		/* xor ax, ax */
	0x8e, 0xd8,		/* mov ds, ax */
	0x8e, 0xc0,		/* mov es, ax */
	0x8e, 0xd0,		/* mov ss, ax */
	0xbc, 0x00, 0x70,	/* mov sp, 7000h */
	0xfc,			/* cld */
	0xbf, 0x00, 0x80,	/* mov di, 8000h: BOOT_PAGE */
	0xb9, 0x00, 0x10,	/* mov cx, 1000h */
	0xb0, 0x01,		/* mov al, 1 */
	0xaa,			/* fill: stosb */
	0x04, 0x03,		/* add al, 3 */
	0xe2, 0xfb,		/* loop fill */
	0xb0, 'R',		/* mov al, 'R': ready */
	0xba, 0xf8, 0x03,	/* mov dx, 3f8h: the serial line's data */
	0xee,			/* out dx, al */
	0xba, 0xfd, 0x03,	/* wait: mov dx, 3fdh: its state */
	0xec,			/* in al, dx */
	0xa8, 0x01,		/* test al, 1: has a byte come? */
	0x74, 0xf8,		/* jz wait */
	0xba, 0xf8, 0x03,	/* mov dx, 3f8h */
	0xec,			/* in al, dx */
	0xa2, 0x23, 0x81,	/* mov [8123h], al: BOOT_CELL */
	0xb0, 'K',		/* mov al, 'K': done */
	0xee,			/* out dx, al */
	0xeb, 0xec,		/* jmp wait */
};

const char *
boot_missing(void)
{
	const char *path = getenv("PATH");
	char *copy, *save, *folder, file[512];
	int found = 0;

	copy = strdup(path == NULL ? "/usr/bin" : path);
	for (folder = copy == NULL ? NULL : strtok_r(copy, ":", &save);
	    folder != NULL && !found; folder = strtok_r(NULL, ":", &save)) {
		(void)snprintf(file, sizeof(file), "%s/%s", folder, PROGRAM);
		found = access(file, X_OK) == 0;
	}
	free(copy);
	return found ? NULL : PROGRAM " is not installed (Debian's package "
	    "qemu-system-x86)";
}

static int
write_file(const char *path, const void *p, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, p, len);
	(void)close(fd);
	return n == (ssize_t)len ? 0 : -1;
}

static int
prepare(struct boot *b, char *disk, size_t size)
{
	static const char manifest[] = "{\"version\": 1, \"workload\": "
	    "\"guest\", \"regions\": [{\"id\": \"page\", \"description\": "
	    "\"what the guest wrote\", \"protection\": \"RW\", \"physical\": "
	    "\"0x8000\", \"size\": 4096}]}\n";
	uint8_t sector[512] = { 0 };

	(void)snprintf(b->folder, sizeof(b->folder), "/tmp/csn-boot-XXXXXX");
	if (mkdtemp(b->folder) == NULL)
		return -1;
	(void)snprintf(b->qmp, sizeof(b->qmp), "%s/qmp", b->folder);
	(void)snprintf(b->control, sizeof(b->control), "%s/control",
	    b->folder);
	(void)snprintf(b->ram, sizeof(b->ram), "%s/ram", b->folder);
	(void)snprintf(b->manifest, sizeof(b->manifest), "%s/manifest.json",
	    b->folder);
	(void)snprintf(disk, size, "%s/disk", b->folder);
	memcpy(sector, code, sizeof(code));
	sector[510] = 0x55;
	sector[511] = 0xaa;
	return write_file(disk, sector, sizeof(sector)) != 0 ? -1 :
	    write_file(b->manifest, manifest, strlen(manifest));
}

static void
become_qemu(const struct boot *b, const char *disk, int serial,
    const char *share)
{
	char ram[160], drive[160], qmp[160], control[160], line[64];
	const char *const argv[] = {
		PROGRAM, "-accel", "tcg", "-machine",
		"pc,memory-backend=ram,usb=off", "-m", "16", "-object", ram,
		"-nodefaults", "-display", "none", "-no-reboot", "-net",
		"none", "-drive", drive, "-chardev", line, "-serial",
		"chardev:line", "-qmp", qmp, "-qmp", control, NULL
	};
	char fd[16];

	(void)snprintf(ram, sizeof(ram), "memory-backend-file,id=ram,size=16M"
	    ",mem-path=%s,share=%s", b->ram, share);
	(void)snprintf(drive, sizeof(drive), "file=%s,format=raw,if=ide",
	    disk);
	(void)snprintf(qmp, sizeof(qmp), "unix:%s,server=on,wait=off",
	    b->qmp);
	(void)snprintf(control, sizeof(control),
	    "unix:%s,server=on,wait=off", b->control);
	(void)snprintf(fd, sizeof(fd), "%d", serial);
	/* One end of a pair: nothing has to be waited for. */
	(void)snprintf(line, sizeof(line), "socket,id=line,fd=%s", fd);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)fcntl(serial, F_SETFD, 0);
	(void)execvp(PROGRAM, (char *const *)(uintptr_t)argv);
	_exit(127);
}

static int
hear(struct boot *b, uint8_t want)
{
	struct pollfd p = { .fd = b->serial, .events = POLLIN };
	uint8_t byte;

	do {
		if (poll(&p, 1, PATIENCE_MS) != 1 ||
		    recv(b->serial, &byte, 1, 0) != 1)
			return -1;
	} while (byte != want);
	return 0;
}

static int
start(struct boot *b, const char *share)
{
	char disk[96];
	int fds[2];

	memset(b, 0, sizeof(*b));
	b->serial = -1;
	if (prepare(b, disk, sizeof(disk)) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	if ((b->pid = fork()) == 0)
		become_qemu(b, disk, fds[1], share);
	(void)close(fds[1]);
	b->serial = fds[0];
	return b->pid < 0 ? -1 : hear(b, 'R');
}

int
boot_start(struct boot *b)
{
	return start(b, "on");
}

int
boot_start_private(struct boot *b)
{
	return start(b, "off");
}

int
boot_write(struct boot *b, uint8_t value)
{
	return send(b->serial, &value, 1, MSG_NOSIGNAL) == 1 ?
	    hear(b, 'K') : -1;
}

void
boot_stop(struct boot *b)
{
	static const char *const names[] = { "qmp", "control", "ram",
	    "manifest.json", "disk" };
	char path[128];
	size_t i;

	if (b->pid > 0) {
		(void)kill(b->pid, SIGKILL);
		(void)waitpid(b->pid, NULL, 0);
	}
	if (b->serial >= 0)
		(void)close(b->serial);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", b->folder,
		    names[i]);
		(void)unlink(path);
	}
	(void)rmdir(b->folder);
	memset(b, 0, sizeof(*b));
	b->serial = -1;
}
