// SPDX-License-Identifier: GPL-2.0
/*
 * Loads a module again and again, failing the 1st, 2nd, 3rd ... allocation that
 * the kernel makes for it, until one load passes untouched.
 *
 * usage: failnth <module file> <module name> [parameters]
 *
 * A load may fail or succeed, but never crash or leave something behind: what
 * was loaded is unloaded, and in the end the module must load as ever. Prints
 * how many loads there were and how many failed. Exit status 0, or 1 with the
 * reason.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* No load makes as many allocations. */
#define MAX_NTH 5000

static int nth_fd;

static void die(const char *what)
{
	fprintf(stderr, "failnth: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void nth_set(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(nth_fd, text, len, 0) != len)
		die("fail-nth");
}

/* What is left to count; 0 when the failure has happened. */
static unsigned int nth_get(void)
{
	char text[16] = "";

	if (pread(nth_fd, text, sizeof(text) - 1, 0) <= 0)
		die("fail-nth");
	return strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	unsigned int nth, failed = 0, left = 0;
	const char *parameters = argc > 3 ? argv[3] : "";
	int fd, ret, error;

	if (argc < 3) {
		fprintf(stderr, "usage: failnth <file> <name> [parameters]\n");
		return 1;
	}
	nth_fd = open("/proc/self/fail-nth", O_RDWR);
	if (nth_fd < 0)
		die("/proc/self/fail-nth");
	for (nth = 1; nth < MAX_NTH && !left; nth++) {
		fd = open(argv[1], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			die(argv[1]);
		nth_set(nth);
		ret = syscall(SYS_finit_module, fd, parameters, 0);
		error = errno;
		left = nth_get();
		nth_set(0);
		close(fd);
		if (!ret) {
			if (syscall(SYS_delete_module, argv[2], O_NONBLOCK))
				die("unload");
			continue;
		}
		if (left) {
			errno = error;
			die("load, with no failure injected");
		}
		failed++;
	}
	printf("%u loads, %u failed\n", nth - 1, failed);
	return !left || !failed;
}
