// SPDX-License-Identifier: GPL-2.0
/*
 * Holds the lock of a PCI device as long as it is loaded, as a driver does that
 * takes its time to be bound.
 */
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>

static char *device = "";
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "the PCI device, as 0000:00:04.0");

static struct device *dev;
static struct task_struct *holder;
static DECLARE_COMPLETION(held);

static int hold(void *unused)
{
	device_lock(dev);
	complete(&held);
	while (!kthread_should_stop())
		schedule_timeout_idle(HZ / 10);
	device_unlock(dev);
	return 0;
}

static int __init lock_device_init(void)
{
	dev = bus_find_device_by_name(&pci_bus_type, NULL, device);
	if (!dev)
		return -ENODEV;
	holder = kthread_run(hold, NULL, "iova_mt_lock_device");
	if (IS_ERR(holder)) {
		put_device(dev);
		return PTR_ERR(holder);
	}
	wait_for_completion(&held);
	return 0;
}
module_init(lock_device_init);

static void __exit lock_device_exit(void)
{
	kthread_stop(holder);
	put_device(dev);
}
module_exit(lock_device_exit);

MODULE_DESCRIPTION("Holds the lock of a device, for iova_mt's tests");
MODULE_LICENSE("GPL");
