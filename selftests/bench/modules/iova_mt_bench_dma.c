// SPDX-License-Identifier: GPL-2.0-only
/*
 * Long-lived DMA mappings of a device, and how long the CPUs were idle.
 *
 * Maps one page over and over, for a device of whichever driver, by the kernel's
 * DMA API: registered memory, as far as the IOVA allocator can tell. The
 * mappings stay until the module goes. In between it can replace some of them,
 * drawn at random, and says how long that took.
 *
 * The parameter clock has two numbers: nanoseconds since boot, and those of them
 * in which a CPU was idle, of all CPUs. With a clock that counts instructions
 * (scripts/vm --icount) the difference of two looks says how many there were, of
 * the idle loop the few around a halt excepted. Idle time has a resolution of two
 * microseconds: two numbers that the kernel rounds down.
 *
 * Locks: none. All is done while the module loads and goes.
 */
#define pr_fmt(fmt) "iova_mt_bench_dma: " fmt

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/kernel_stat.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/tick.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>

#define LARGEST_ORDER	9

static char *device = "";
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "PCI address, as 0000:00:04.0");

static uint mappings;
module_param(mappings, uint, 0444);
MODULE_PARM_DESC(mappings, "how many there are (default: 0)");

static uint order;
module_param(order, uint, 0444);
MODULE_PARM_DESC(order, "2^order pages a mapping, 0 to 9 (default: 0)");

static bool holes;
module_param(holes, bool, 0444);
MODULE_PARM_DESC(holes, "make twice as many, and unmap every second one (default: N)");

static uint replace;
module_param(replace, uint, 0444);
MODULE_PARM_DESC(replace, "so many times unmap one at random, and map another (default: 0)");

/* What all replacements took together. */
static u64 replace_ns;
module_param(replace_ns, ullong, 0444);
MODULE_PARM_DESC(replace_ns, "nanoseconds that this took");

static struct device *dev;
static struct page *page;
static dma_addr_t *addresses;

/* A CPU that has nothing to do is idle, or waits for I/O if a task of it does. */
static u64 idle_ns(void)
{
	unsigned int cpu;
	u64 us = 0;

	for_each_online_cpu(cpu)
		us += get_cpu_idle_time_us(cpu, NULL) +
		      get_cpu_iowait_time_us(cpu, NULL);
	return us * NSEC_PER_USEC;
}

static int clock_get(char *buffer, const struct kernel_param *kp)
{
	u64 idle = idle_ns();

	return sysfs_emit(buffer, "%llu %llu\n", ktime_get_ns(), idle);
}

static const struct kernel_param_ops clock_ops = { .get = clock_get };
module_param_cb(clock, &clock_ops, NULL, 0444);
MODULE_PARM_DESC(clock, "nanoseconds since boot, and how many of them were idle");

static int map_one(unsigned int i)
{
	dma_addr_t address;

	address = dma_map_page(dev, page, 0, PAGE_SIZE << order,
			       DMA_BIDIRECTIONAL);
	if (dma_mapping_error(dev, address))
		return -ENOSPC;
	addresses[i] = address;
	return 0;
}

static void unmap_one(unsigned int i)
{
	if (addresses[i] == DMA_MAPPING_ERROR)
		return;
	dma_unmap_page(dev, addresses[i], PAGE_SIZE << order,
		       DMA_BIDIRECTIONAL);
	addresses[i] = DMA_MAPPING_ERROR;
}

/* With holes, those that stay have even numbers. */
static unsigned int stride(void)
{
	return holes ? 2 : 1;
}

static int map_all(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < mappings * stride() && !ret; i++) {
		ret = map_one(i);
		cond_resched();
	}
	for (i = 1; holes && i < mappings * stride(); i += stride())
		unmap_one(i);
	return ret;
}

static void unmap_all(void)
{
	unsigned int i;

	for (i = 0; i < mappings * stride(); i++) {
		unmap_one(i);
		cond_resched();
	}
}

static int replace_some(void)
{
	u64 begun = ktime_get_ns(), state = 1;
	unsigned int i, victim;
	int ret = 0;

	for (i = 0; i < replace && !ret; i++) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		victim = mul_u64_u32_shr(state >> 32, mappings, 32) * stride();
		unmap_one(victim);
		ret = map_one(victim);
		cond_resched();
	}
	replace_ns = ktime_get_ns() - begun;
	return ret;
}

static int check_parameters(void)
{
	if (order > LARGEST_ORDER || mappings > S32_MAX / 2 ||
	    (replace && !mappings)) {
		pr_err("order %u, mappings %u, replace %u are not valid\n",
		       order, mappings, replace);
		return -EINVAL;
	}
	dev = bus_find_device_by_name(&pci_bus_type, NULL, device);
	if (!dev) {
		pr_err("there is no PCI device '%s'\n", device);
		return -ENODEV;
	}
	return 0;
}

static int prepare(void)
{
	unsigned int i, nr = mappings * stride();

	page = alloc_pages(GFP_KERNEL, order);
	addresses = vmalloc_array(nr + 1, sizeof(*addresses));
	if (!page || !addresses)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		addresses[i] = DMA_MAPPING_ERROR;
	return 0;
}

static void undo(void)
{
	if (page && addresses)
		unmap_all();
	vfree(addresses);
	if (page)
		__free_pages(page, order);
	put_device(dev);
}

static int __init bench_dma_init(void)
{
	int ret;

	ret = check_parameters();
	if (ret)
		return ret;
	ret = prepare();
	if (!ret)
		ret = map_all();
	if (!ret)
		ret = replace_some();
	if (ret)
		undo();
	return ret;
}
module_init(bench_dma_init);

static void __exit bench_dma_exit(void)
{
	undo();
}
module_exit(bench_dma_exit);

MODULE_DESCRIPTION("Keeps DMA mappings of a device, for iova_mt's benchmarks");
MODULE_LICENSE("GPL");
