// SPDX-License-Identifier: GPL-2.0-only
/*
 * dmacheck - write a pattern to a block device by direct I/O and verify it
 *
 * Every 512-byte sector carries its own number and the seed, and is filled
 * with words that follow from both. A sector that is at the wrong place, left
 * over from an earlier run, or torn between two writes can be told apart.
 *
 * The range is cut into requests of mixed sizes which several threads issue in
 * a shuffled order; reading cuts the range differently from writing. All of it
 * follows from the seed, except for which thread gets which request.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECTOR_SIZE	512
#define SECTOR_WORDS	(SECTOR_SIZE / sizeof(__u64))
#define PAGE_KIB	4
#define MAX_KIB		16384
#define MAX_JOBS	64
#define MAX_REPORTS	10

/* First words of a sector; the rest is filler. */
enum { WORD_SECTOR, WORD_SEED, WORD_FILLER };

enum { EXIT_MISMATCH = 1, EXIT_USAGE = 2 };

struct request {
	__u64 offset;	/* bytes from the start of the device */
	__u32 bytes;
};

static struct {
	__u64 mib;
	__u64 offset_mib;
	__u64 seed;
	unsigned int jobs;
	unsigned int min_kib;
	unsigned int max_kib;
} opt = { .seed = 1, .jobs = 4, .min_kib = 4, .max_kib = 1024 };

/* One pass over the range; the threads share it. */
struct pass {
	bool write;
	int fd;
	struct request *requests;
	size_t nr;
	atomic_size_t next;
	atomic_ulong errors;
};

#define die(fmt, ...)							\
	do {								\
		fprintf(stderr, "dmacheck: " fmt "\n", ##__VA_ARGS__);	\
		exit(EXIT_USAGE);					\
	} while (0)

/* splitmix64: a good mix of one word */
static __u64 mix(__u64 x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static __u64 random_next(__u64 *state)
{
	return mix((*state)++);
}

/* --- pattern --- */

static void sector_fill(__u64 *words, __u64 sector)
{
	__u64 filler = mix(opt.seed ^ mix(sector));
	size_t i;

	words[WORD_SECTOR] = sector;
	words[WORD_SEED] = opt.seed;
	for (i = WORD_FILLER; i < SECTOR_WORDS; i++)
		words[i] = filler += 0x9e3779b97f4a7c15;
}

/* What a bad sector looks like, from the two words that name its origin. */
static const char *sector_diagnose(const __u64 *words, __u64 sector)
{
	if (words[WORD_SEED] != opt.seed)
		return words[WORD_SECTOR] == sector ? "stale: of another run" :
						      "foreign data";
	if (words[WORD_SECTOR] != sector)
		return "of another place";
	return "torn or corrupted";
}

static void sector_report(struct pass *pass, const __u64 *found,
			  const __u64 *expected, __u64 sector)
{
	size_t i = 0;

	if (atomic_fetch_add(&pass->errors, 1) >= MAX_REPORTS)
		return;
	while (found[i] == expected[i])
		i++;
	printf("# byte %llu: expected %016llx, found %016llx: %s (sector %llu of seed %llu)\n",
	       sector * SECTOR_SIZE + i * sizeof(*found), expected[i], found[i],
	       sector_diagnose(found, sector), found[WORD_SECTOR],
	       found[WORD_SEED]);
}

static void buffer_fill(__u64 *words, const struct request *request)
{
	__u64 sector = request->offset / SECTOR_SIZE;
	__u64 end = sector + request->bytes / SECTOR_SIZE;

	for (; sector < end; sector++, words += SECTOR_WORDS)
		sector_fill(words, sector);
}

static void buffer_verify(struct pass *pass, const __u64 *words,
			  const struct request *request)
{
	__u64 sector = request->offset / SECTOR_SIZE;
	__u64 end = sector + request->bytes / SECTOR_SIZE;
	__u64 expected[SECTOR_WORDS];

	for (; sector < end; sector++, words += SECTOR_WORDS) {
		sector_fill(expected, sector);
		if (memcmp(words, expected, SECTOR_SIZE))
			sector_report(pass, words, expected, sector);
	}
}

/* --- requests --- */

/*
 * Sizes are spread evenly over the powers of two, and within each over all
 * multiples of a page: small ones are as frequent as large ones, and most are
 * no power of two.
 */
static __u32 random_bytes(__u64 *state)
{
	unsigned int low = opt.min_kib / PAGE_KIB, high = opt.max_kib / PAGE_KIB;
	unsigned int steps = 0, pages;

	while (low << steps < high)
		steps++;
	pages = low << (random_next(state) % (steps + 1));
	pages += random_next(state) % pages;
	return (pages < high ? pages : high) * PAGE_KIB * 1024;
}

static void requests_shuffle(struct pass *pass, __u64 *state)
{
	size_t i, j;

	for (i = pass->nr; i > 1; i--) {
		struct request tmp = pass->requests[i - 1];

		j = random_next(state) % i;
		pass->requests[i - 1] = pass->requests[j];
		pass->requests[j] = tmp;
	}
}

static void requests_cut(struct pass *pass)
{
	__u64 state = mix(opt.seed) + pass->write;
	__u64 pos = opt.offset_mib << 20, end = pos + (opt.mib << 20);
	size_t max = (opt.mib << 10) / opt.min_kib + 1;

	pass->requests = calloc(max, sizeof(*pass->requests));
	if (!pass->requests)
		die("out of memory");
	while (pos < end) {
		__u32 bytes = random_bytes(&state);

		if (bytes > end - pos)
			bytes = end - pos;
		pass->requests[pass->nr++] = (struct request){ pos, bytes };
		pos += bytes;
	}
	requests_shuffle(pass, &state);
}

/* Returns false when the transfer failed; the verdict on data is separate. */
static bool request_transfer(struct pass *pass, void *buffer,
			     const struct request *request)
{
	ssize_t done;

	if (pass->write)
		done = pwrite(pass->fd, buffer, request->bytes, request->offset);
	else
		done = pread(pass->fd, buffer, request->bytes, request->offset);
	if (done == (ssize_t)request->bytes)
		return true;
	if (atomic_fetch_add(&pass->errors, 1) < MAX_REPORTS)
		printf("# %s of %u bytes at byte %llu: %s\n",
		       pass->write ? "write" : "read", request->bytes,
		       request->offset,
		       done < 0 ? strerror(errno) : "short transfer");
	return false;
}

static void *job(void *arg)
{
	struct pass *pass = arg;
	void *buffer = aligned_alloc(4096, opt.max_kib * 1024);
	size_t i;

	if (!buffer)
		die("out of memory");
	while ((i = atomic_fetch_add(&pass->next, 1)) < pass->nr) {
		const struct request *request = &pass->requests[i];

		if (pass->write)
			buffer_fill(buffer, request);
		else
			memset(buffer, 0xa5, request->bytes);
		if (request_transfer(pass, buffer, request) && !pass->write)
			buffer_verify(pass, buffer, request);
	}
	free(buffer);
	return NULL;
}

/* Returns the number of errors. */
static unsigned long pass_run(int fd, bool write)
{
	struct pass pass = { .write = write, .fd = fd };
	struct timespec start, end;
	pthread_t threads[MAX_JOBS];
	unsigned long errors;
	double seconds;
	unsigned int i;

	requests_cut(&pass);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; i < opt.jobs; i++)
		if (pthread_create(&threads[i], NULL, job, &pass))
			die("cannot start %u jobs", opt.jobs);
	for (i = 0; i < opt.jobs; i++)
		pthread_join(threads[i], NULL);
	if (write && fsync(fd)) {
		printf("# fsync: %s\n", strerror(errno));
		pass.errors++;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	free(pass.requests);

	errors = pass.errors;
	seconds = end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9;
	printf("dmacheck: %s %llu MiB in %zu requests of %u to %u KiB, %u jobs",
	       write ? "wrote" : "verified", opt.mib, pass.nr, opt.min_kib,
	       opt.max_kib, opt.jobs);
	printf(", %.1f s: %lu errors\n", seconds, errors);
	return errors;
}

/* --- command line --- */

static void bad_usage(void)
{
	fprintf(stderr,
		"usage: dmacheck write|verify|both <block device> --mib <n> [option...]\n"
		"  --mib <n>          how much\n"
		"  --offset <MiB>     from where (0)\n"
		"  --seed <n>         of the data, the sizes and their order (1)\n"
		"  --jobs <n>         threads, 1 to %d (4)\n"
		"  --sizes <min,max>  KiB a request, multiples of %d up to %d (4,1024)\n"
		"exit status: 0 good, 1 mismatch or I/O error, 2 bad usage\n",
		MAX_JOBS, PAGE_KIB, MAX_KIB);
	exit(EXIT_USAGE);
}

static __u64 parse_number(const char *name, const char *text, __u64 min, __u64 max)
{
	__u64 value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' ||
	    value < min || value > max)
		die("--%s '%s' is not a number from %llu to %llu", name, text,
		    min, max);
	return value;
}

static void parse_sizes(char *text)
{
	char *comma = strchr(text, ',');

	if (!comma)
		die("--sizes '%s' is not <min,max>", text);
	*comma = '\0';
	opt.min_kib = parse_number("sizes", text, PAGE_KIB, MAX_KIB);
	opt.max_kib = parse_number("sizes", comma + 1, opt.min_kib, MAX_KIB);
	if (opt.min_kib % PAGE_KIB || opt.max_kib % PAGE_KIB)
		die("--sizes must be multiples of %d KiB", PAGE_KIB);
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mib", required_argument, NULL, 'm' },
		{ "offset", required_argument, NULL, 'o' },
		{ "seed", required_argument, NULL, 's' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "sizes", required_argument, NULL, 'z' },
		{ }
	};
	const __u64 max_mib = 1 << 24;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'm')
			opt.mib = parse_number("mib", optarg, 1, max_mib);
		else if (c == 'o')
			opt.offset_mib = parse_number("offset", optarg, 0, max_mib);
		else if (c == 's')
			opt.seed = parse_number("seed", optarg, 0, ULLONG_MAX);
		else if (c == 'j')
			opt.jobs = parse_number("jobs", optarg, 1, MAX_JOBS);
		else if (c == 'z')
			parse_sizes(optarg);
		else
			bad_usage();
	}
	if (argc - optind != 2 || !opt.mib)
		bad_usage();
}

static int open_device(const char *path, bool write)
{
	int fd = open(path, (write ? O_RDWR : O_RDONLY) | O_DIRECT);
	__u64 size;
	struct stat st;

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	if (fstat(fd, &st) || !S_ISBLK(st.st_mode) || ioctl(fd, BLKGETSIZE64, &size))
		die("%s is not a block device", path);
	if ((opt.offset_mib + opt.mib) << 20 > size)
		die("%s has only %llu MiB", path, size >> 20);
	return fd;
}

int main(int argc, char **argv)
{
	unsigned long errors = 0;
	bool write, verify;
	int fd;

	parse_options(argc, argv);
	write = !strcmp(argv[optind], "write") || !strcmp(argv[optind], "both");
	verify = !strcmp(argv[optind], "verify") || !strcmp(argv[optind], "both");
	if (!write && !verify)
		bad_usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	fd = open_device(argv[optind + 1], write);
	if (write)
		errors += pass_run(fd, true);
	if (verify)
		errors += pass_run(fd, false);
	return errors ? EXIT_MISMATCH : EXIT_SUCCESS;
}
