/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_file_links.c - the store in files follows no symbolic link that
 * somebody puts among its folders, with openat2(2) and without; and it leaves
 * a walk through them when the program says so.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <caisson/caisson.h>

#include "lib/test.h"

#define U(s) (const uint8_t *)(s), strlen(s)

/* The store's folder, and one beside it that links point to. */
struct fixture {
	char *folder;
	char store_path[80];
	char outside[80];
	struct csn_ctx *ctx;
	struct csn_store *store;
};

static void
begin(struct fixture *f)
{
	char url[96];

	f->folder = folder_new();
	snprintf(f->store_path, sizeof(f->store_path), "%s/s", f->folder);
	snprintf(f->outside, sizeof(f->outside), "%s/out", f->folder);
	assert_int_equal(mkdir(f->outside, 0700), 0);
	snprintf(url, sizeof(url), "file:%s", f->store_path);
	assert_int_equal(csn_ctx_new(NULL, &f->ctx), 0);
	assert_int_equal(csn_store_open(f->ctx, url, &f->store), 0);
	assert_int_equal(csn_store_put(f->store, U("acme"), U("k"),
	    U("value")), 0);
}

static void
end(struct fixture *f)
{
	csn_store_close(f->store);
	csn_ctx_free(f->ctx);
	folder_remove(f->folder);
}

/* The path below the store's folder of its one folder that is no ".". */
static void
only_folder(struct fixture *f, const char *below, char out[160])
{
	char path[112];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%.30s", f->store_path,
	    below);
	assert_non_null(dir = opendir(path));
	out[0] = '\0';
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.' && strcmp(d->d_name, "tmp") != 0)
			snprintf(out, 160, "%s/%.40s", path, d->d_name);
	closedir(dir);
	assert_true(out[0] != '\0');
}

/* The folder itself goes outside, and a link to it takes its place. */
static void
become_a_link(struct fixture *f, const char *path)
{
	char to[96];

	snprintf(to, sizeof(to), "%s/moved", f->outside);
	assert_int_equal(rename(path, to), 0);
	assert_int_equal(symlink(to, path), 0);
}

static void
nothing_passes(struct fixture *f)
{
	uint8_t out[16];
	size_t len = sizeof(out);

	assert_int_equal(csn_store_get(f->store, U("acme"), U("k"), out,
	    &len), CSN_E_IO);
	assert_non_null(strstr(csn_message(), "symbolic link"));
	assert_int_equal(csn_store_put(f->store, U("acme"), U("k"),
	    U("other")), CSN_E_IO);
	assert_non_null(strstr(csn_message(), "symbolic link"));
	assert_int_equal(csn_store_remove(f->store, U("acme"), U("k")),
	    CSN_E_IO);
}

static void
links_are_refused(void)
{
	struct fixture f;
	char path[160];

	begin(&f);
	only_folder(&f, "", path);
	only_folder(&f, strrchr(path, '/') + 1, path);
	become_a_link(&f, path);
	nothing_passes(&f);
	end(&f);

	begin(&f);
	only_folder(&f, "", path);
	become_a_link(&f, path);
	nothing_passes(&f);
	/* No fan's folder is made where the link points to either. */
	assert_int_equal(csn_store_put(f.store, U("acme"), U("another"),
	    U("other")), CSN_E_IO);
	end(&f);

	begin(&f);
	snprintf(path, sizeof(path), "%s/tmp", f.store_path);
	become_a_link(&f, path);
	assert_int_equal(csn_store_put(f.store, U("acme"), U("k"),
	    U("other")), CSN_E_IO);
	assert_int_equal(csn_store_drop(f.store, U("acme")), CSN_E_IO);
	end(&f);
}

TEST(folders_that_are_links_are_refused)
{
	links_are_refused();
}

/* From here on this process has no openat2(2). */
static int
forget_openat2(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { 4, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int
stopped(void *arg)
{
	return *(int *)arg;
}

static int
visit_none(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	(void)arg;
	(void)key;
	(void)key_len;
	(void)value_len;
	return 0;
}

TEST(a_walk_is_left_when_the_program_says_so)
{
	int stop = 0;
	const struct csn_ctx_options options = {
		.size = sizeof(options),
		.stopped = stopped,
		.stopped_arg = &stop,
	};
	struct csn_store_stat st = { .size = sizeof(st) };
	struct csn_store *store;
	struct csn_ctx *own;
	struct fixture f;
	char url[96];

	begin(&f);
	snprintf(url, sizeof(url), "file:%s", f.store_path);
	assert_int_equal(csn_ctx_new(&options, &own), 0);
	assert_int_equal(csn_store_open(own, url, &store), 0);
	assert_int_equal(csn_store_stat(store, U("acme"), &st), 0);
	assert_int_equal(st.entries, 1);
	stop = 1;
	assert_int_equal(csn_store_stat(store, U("acme"), &st),
	    CSN_E_CANCELLED);
	assert_int_equal(csn_store_each(store, U("acme"), visit_none, NULL),
	    CSN_E_CANCELLED);
	csn_store_close(store);
	csn_ctx_free(own);
	end(&f);
}

/* The last: it lasts as long as the process. */
TEST(so_they_are_on_an_older_kernel)
{
	if (forget_openat2() != 0) {
		print_message("skipped: no filter of system calls here\n");
		skip();
	}
	links_are_refused();
}
