// SPDX-License-Identifier: GPL-2.0-only
/*
 * randio - random direct I/O, one request at a time, and what one costs
 *
 *	randio read|write <block device> <KiB> <requests>
 *
 * Where each request goes follows from its number alone, so that two runs ask
 * the same. Each is timed alone, with the clock of iova_mt_bench_dma, and without
 * the time in which the CPU was idle. Those that were done before it could go idle
 * do not count: they save the way into the idle loop and out, and how many they
 * are depends on the disk. Prints how many are left, and the mean of the middle
 * half of them, without what a look at the clock takes.
 *
 * What is written is zeroes: the data on the device is lost.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CLOCK		"/sys/module/iova_mt_bench_dma/parameters/clock"
#define MAX_KIB		16384
#define MAX_REQUESTS	100000
#define LOOKS		101
/* Requests before the first that is timed. */
#define WARM_UP		200
/* A page of the largest size that a processor may have for it. */
#define ALIGNMENT	(2UL << 20)

struct look {
	unsigned long long ns;
	unsigned long long idle_ns;
};

struct samples {
	unsigned long nr;
	long ns[MAX_REQUESTS];
};

static struct samples looks, transfers;
static int disk, clock_file;
static bool is_write;
static char *buffer;
static size_t bytes;
static __u64 places;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct look look(void)
{
	char text[64] = "";
	struct look now;

	if (pread(clock_file, text, sizeof(text) - 1, 0) <= 0 ||
	    sscanf(text, "%llu %llu", &now.ns, &now.idle_ns) != 2)
		die(CLOCK);
	return now;
}

static __u64 mix(__u64 x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static void transfer(unsigned long nr)
{
	off_t where = mix(nr) % places * bytes;
	ssize_t done;

	if (is_write)
		done = pwrite(disk, buffer, bytes, where);
	else
		done = pread(disk, buffer, bytes, where);
	if (done != (ssize_t)bytes)
		die("transfer");
}

static void add(struct samples *samples, long ns)
{
	samples->ns[samples->nr++] = ns;
}

static void transfer_timed(unsigned long nr)
{
	struct look before = look(), after;
	unsigned long long idle_ns;

	transfer(nr);
	after = look();
	idle_ns = after.idle_ns - before.idle_ns;
	if (idle_ns)
		add(&transfers, after.ns - before.ns - idle_ns);
}

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static double middle(struct samples *samples)
{
	unsigned long first = samples->nr / 4, last = samples->nr - first;
	unsigned long i;
	double sum = 0;

	qsort(samples->ns, samples->nr, sizeof(*samples->ns), compare);
	for (i = first; i < last; i++)
		sum += samples->ns[i];
	return sum / (last - first);
}

static double cost_of_look(void)
{
	struct look before;
	unsigned int i;

	for (i = 0; i < LOOKS; i++) {
		before = look();
		add(&looks, look().ns - before.ns);
	}
	return middle(&looks);
}

static void prepare(const char *path)
{
	disk = open(path, (is_write ? O_RDWR : O_RDONLY) | O_DIRECT);
	if (disk < 0)
		die(path);
	clock_file = open(CLOCK, O_RDONLY);
	if (clock_file < 0)
		die(CLOCK);
	places = lseek(disk, 0, SEEK_END) / bytes;
	buffer = aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) & -ALIGNMENT);
	if (!places || !buffer)
		die("prepare");
	/* One piece of memory if possible: the rest of an I/O is cheaper then. */
	madvise(buffer, ALIGNMENT, MADV_HUGEPAGE);
	memset(buffer, 0, bytes);
}

static unsigned long parse(const char *text, unsigned long max)
{
	unsigned long value = strtoul(text, NULL, 10);

	if (value && value <= max)
		return value;
	fprintf(stderr, "randio: '%s' is not a number from 1 to %lu\n", text, max);
	exit(2);
}

int main(int argc, char **argv)
{
	unsigned long requests, i;
	double cost;

	if (argc != 5 || (strcmp(argv[1], "read") && strcmp(argv[1], "write"))) {
		fprintf(stderr, "usage: randio read|write <block device> <KiB> <requests>\n");
		return 2;
	}
	is_write = !strcmp(argv[1], "write");
	bytes = parse(argv[3], MAX_KIB) << 10;
	requests = parse(argv[4], MAX_REQUESTS);
	prepare(argv[2]);
	for (i = 0; i < WARM_UP; i++)
		transfer(i);
	cost = cost_of_look();
	for (i = 0; i < requests; i++)
		transfer_timed(WARM_UP + i);
	printf("%lu %.1f\n", transfers.nr,
	       transfers.nr ? middle(&transfers) - cost : 0);
	return 0;
}
