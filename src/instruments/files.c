// SPDX-License-Identifier: GPL-2.0
/*
 * Files: what the files in debugfs have in common.
 *
 * Responsible for one way to read a word from a user, and one form of output:
 * lines of "name: value". No locks.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <iova_mt/ops.h>

#include "instruments/files.h"

/**
 * iova_mt_files_word() - take what a user has written as one word
 * @word: gets it, without the newline at its end
 * @from: what was written
 * @count: its length in bytes
 *
 * Context: Process, may sleep.
 * Return: 0; -EFAULT; -EINVAL, with a ratelimited message, when no file takes
 * such a word.
 */
int iova_mt_files_word(char word[IOVA_MT_FILES_WORD_SIZE],
		       const char __user *from, size_t count)
{
	if (count >= IOVA_MT_FILES_WORD_SIZE) {
		pr_err_ratelimited("debugfs: %zu bytes are not valid; valid: one word of up to %d\n",
				   count, IOVA_MT_FILES_WORD_SIZE - 1);
		return -EINVAL;
	}
	if (copy_from_user(word, from, count))
		return -EFAULT;
	if (count && word[count - 1] == '\n')
		count--;
	word[count] = '\0';
	if (strlen(word) != count) {
		pr_err_ratelimited("debugfs: a word with a 0 byte in it is not valid\n");
		return -EINVAL;
	}
	return 0;
}

/**
 * iova_mt_files_choice() - take what a user has written as one of a few words
 * @name: of the file, for the message
 * @words: those that are valid, a few characters in all
 * @nr: how many
 * @from: what was written
 * @count: its length in bytes
 *
 * Context: Process, may sleep.
 * Return: which one, from 0 on; -EFAULT; -EINVAL with a ratelimited message that
 * lists @words.
 */
int iova_mt_files_choice(const char *name, const char *const *words, size_t nr,
			 const char __user *from, size_t count)
{
	char word[IOVA_MT_FILES_WORD_SIZE], valid[32];
	size_t i, len = 0;
	int ret;

	ret = iova_mt_files_word(word, from, count);
	if (ret)
		return ret;
	for (i = 0; i < nr; i++) {
		if (!strcmp(word, words[i]))
			return i;
		len += scnprintf(valid + len, sizeof(valid) - len, "%s%s",
				 i ? ", " : "", words[i]);
	}
	pr_err_ratelimited("%s: '%*pE' is not valid; valid: %s\n", name,
			   (int)strlen(word), word, valid);
	return -EINVAL;
}

/**
 * iova_mt_files_counters() - print counters
 * @m: to here
 * @prefix: name of the allocator they belong to, NULL for counters of domains
 * @names: their names
 * @values: their values
 * @nr: how many
 *
 * Context: Process.
 */
void iova_mt_files_counters(struct seq_file *m, const char *prefix,
			    const char *const *names, const u64 *values,
			    unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		seq_printf(m, "%s%s%s: %llu\n", prefix ?: "", prefix ? "." : "",
			   names[i], values[i]);
}

/**
 * iova_mt_files_backlog() - print a backlog
 * @m: to here
 * @backlog: the backlog
 *
 * Context: Process.
 */
void iova_mt_files_backlog(struct seq_file *m,
			   const struct iova_mt_backlog *backlog)
{
#define PRINT(_name, _add, _what) \
	seq_printf(m, "%s: %llu\n", #_name, backlog->_name);
	IOVA_MT_BACKLOG_FIELDS(PRINT)
#undef PRINT
}
