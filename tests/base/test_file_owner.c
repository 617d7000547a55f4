/* SPDX-License-Identifier: Apache-2.0 */
/* test_file_owner.c - what somebody else could have written is not believed. */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "lib/test.h"

static char *top, folder[96], path[112];

BEFORE_EACH
{
	top = folder_new();
	snprintf(folder, sizeof(folder), "%s/d", top);
	snprintf(path, sizeof(path), "%s/f", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(csn_file_replace(NULL, path, "x", 1, 0644), 0);
}

AFTER_EACH { folder_remove(top); }

static int
look(const char *name)
{
	uint8_t *got = NULL;
	size_t len;
	int rc = csn_file_read_trusted(NULL, name, 10, &got, &len);

	assert_int_equal(csn_file_check(NULL, name), rc);
	csn_free(got);
	return rc;
}

static void
said(const char *what)
{
	if (strstr(csn_message(), what) == NULL)
		fail_msg("'%s' is not in: %s", what, csn_message());
}

TEST(a_file_that_all_may_write_is_refused_with_the_chmod_that_mends_it)
{
	static const unsigned bad[] = { 0666, 0602, 0646, 0777 };
	static const unsigned good[] = { 0644, 0600, 0444, 0755 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(chmod(path, bad[i]), 0);
		assert_int_equal(look(path), CSN_E_POLICY);
		said("everybody can write");
		said("run chmod go-w ");
		said(path);
	}
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(chmod(path, good[i]), 0);
		assert_int_equal(look(path), 0);
	}
}

/* A group that somebody else is in; -1 where there is none. */
static long
group_of_others(void)
{
	struct passwd *pw;
	long gid = -1;

	setpwent();
	while ((pw = getpwent()) != NULL && gid == -1)
		if (pw->pw_uid != 0 && pw->pw_uid != geteuid() &&
		    pw->pw_gid != 0 && getgrgid(pw->pw_gid) != NULL)
			gid = (long)pw->pw_gid;
	endpwent();
	return gid;
}

TEST(a_file_of_a_group_is_refused_where_the_group_has_another_member)
{
	long gid = group_of_others();

	if (geteuid() != 0 || gid == -1)
		test_skip("only root gives files to other groups");
	assert_int_equal(chown(path, (uid_t)-1, (gid_t)gid), 0);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(look(path), 0);
	assert_int_equal(chmod(path, 0664), 0);
	assert_int_equal(look(path), CSN_E_POLICY);
	said("run chmod g-w ");
	/* One that is in no list: who is in it cannot be known. */
	assert_int_equal(chown(path, (uid_t)-1, 54321), 0);
	assert_int_equal(chmod(path, 0664), 0);
	assert_int_equal(look(path), CSN_E_POLICY);
	/* Root's own has nobody else. */
	assert_int_equal(chown(path, (uid_t)-1, 0), 0);
	assert_int_equal(chmod(path, 0664), 0);
	assert_int_equal(look(path), 0);
}

static int
add_entry(uint8_t *p, uint16_t tag, uint16_t perm, uint32_t id)
{
	const uint16_t head[2] = { tag, perm };

	memcpy(p, head, 4);
	memcpy(p + 4, &id, 4);
	return 8;
}

static int
look_from_inside(void)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(chroot(top) != 0 || chdir("/") != 0 ? 99 :
		    csn_file_check(NULL, "/d/f") == 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(where_nobody_knows_who_is_in_a_group_it_has_another_member)
{
	char etc[80], name[96];
	int i;

	if (geteuid() != 0)
		test_skip("only root gives itself another root folder");
	assert_int_equal(chown(path, 0, 54321), 0);
	assert_int_equal(chmod(path, 0664), 0);
	snprintf(etc, sizeof(etc), "%s/etc", top);
	assert_int_equal(mkdir(etc, 0755), 0);
	for (i = 0; i < 2; i++) {
		/* Without a file of groups, then without one of accounts. */
		assert_int_equal(look_from_inside(), 1);
		snprintf(name, sizeof(name), "%s/%s", etc, i == 0 ? "group" :
		    "passwd");
		assert_int_equal(csn_file_create(NULL, name, i == 0 ?
		    "some:x:54321:\n" : "root:x:0:0::/:/\n", i == 0 ? 14 :
		    15, 0644), 0);
	}
	assert_int_equal(look_from_inside(), 0);
	assert_int_equal(unlink(name), 0);
	snprintf(name, sizeof(name), "%s/group", etc);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(rmdir(etc), 0);
}

TEST(an_access_list_that_lets_another_user_write_is_refused)
{
	const uint32_t version = 2, none = UINT32_MAX;
	uint8_t acl[64];
	size_t n = 4;

	/* user::rw- user:1:rw- group::--- mask::rw- other::---, acl(5) */
	memcpy(acl, &version, 4);
	n += (size_t)add_entry(acl + n, 0x01, 6, none);
	n += (size_t)add_entry(acl + n, 0x02, 6, 1);
	n += (size_t)add_entry(acl + n, 0x04, 0, none);
	n += (size_t)add_entry(acl + n, 0x10, 6, none);
	n += (size_t)add_entry(acl + n, 0x20, 0, none);
	if (setxattr(path, "system.posix_acl_access", acl, n, 0) != 0)
		test_skip("the file system has no access lists");
	assert_int_equal(look(path), CSN_E_POLICY);
	/* What the sentence says mends it: the mask goes. */
	said("run chmod g-w ");
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(look(path), 0);
}

TEST(a_file_of_another_user_is_refused)
{
	if (geteuid() != 0)
		test_skip("only root gives files to other users");
	assert_int_equal(chown(path, 1, 0), 0);
	assert_int_equal(look(path), CSN_E_POLICY);
	said("belongs to user 1");
	said("run chown 0 ");
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(look(path), 0);
}

TEST(roots_and_ones_own_are_believed_by_whoever_is_not_root)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		test_skip("only root becomes somebody else");
	assert_int_equal(chmod(top, 0755), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	if ((pid = fork()) == 0) {
		if (setgid(12345) != 0 || setuid(12345) != 0)
			_exit(1);
		_exit(csn_file_check(NULL, path) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(chown(folder, 12345, 12345), 0);
	assert_int_equal(chown(path, 12345, 12345), 0);
	if ((pid = fork()) == 0) {
		if (setgid(12345) != 0 || setuid(12345) != 0)
			_exit(1);
		_exit(csn_file_check(NULL, path) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chown(folder, 0, 0), 0);
}

TEST(a_folder_in_which_others_may_replace_the_file_is_refused)
{
	char link[96];

	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(look(path), CSN_E_POLICY);
	said("the folder ");
	/* As /tmp is: what lies there stays its owner's. */
	assert_int_equal(chmod(folder, 01777), 0);
	assert_int_equal(look(path), 0);
	/* By a link from elsewhere, it is the same folder. */
	assert_int_equal(chmod(folder, 0777), 0);
	snprintf(link, sizeof(link), "%s/link", top);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(look(link), CSN_E_POLICY);
	said(folder);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(look(link), 0);
	/* And the folder that the link lies in. */
	assert_int_equal(chmod(top, 0777), 0);
	assert_int_equal(look(link), CSN_E_POLICY);
	assert_int_equal(chmod(top, 0700), 0);
	unlink(link);
}

TEST(a_path_without_a_slash_lies_in_the_folder_at_hand)
{
	int before = open(".", O_RDONLY | O_DIRECTORY);

	assert_true(before >= 0);
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(look("f"), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(look("f"), CSN_E_POLICY);
	assert_int_equal(look("./f"), CSN_E_POLICY);
	assert_int_equal(fchdir(before), 0);
	close(before);
	assert_int_equal(csn_file_check(NULL, "/dev/null"), 0);
	assert_int_equal(csn_file_check(NULL, "/nowhere/at/all"),
	    CSN_E_NOT_FOUND);
	assert_int_equal(csn_file_check(NULL, NULL), CSN_E_ARG);
}

TEST(secrets_are_held_to_the_same)
{
	uint8_t *got = NULL;
	size_t len;

	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(csn_file_read_secret(NULL, path, 10, &got, &len), 0);
	csn_free(got);
	got = NULL;
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(csn_file_read_secret(NULL, path, 10, &got, &len),
	    CSN_E_POLICY);
	assert_null(got);
}
