// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: whose DMA an owned domain serves.
 *
 * A domain does not know its devices: the kernel's struct iova_domain lies
 * inside of the private part ("cookie") of the IOMMU domain of a group of
 * devices, and nothing in it points back. So this goes the other way, from each
 * device to its IOMMU domain, to its cookie, and sees whether an owned struct
 * iova_domain lies in there.
 *
 * Why that is sound:
 *  - Only devices with a driver are looked at, under the device's lock. A driver
 *    is bound and unbound under that lock, and while one is bound that leaves
 *    its DMA to the kernel, the IOMMU core neither changes nor frees the
 *    default domain of the device's group: iommu_device_use_default_domain()
 *    has counted it. That is the time in which iommu_get_domain_for_dev() may be
 *    called, and its result used. Drivers that manage DMA themselves (vfio) are
 *    left out; what they do is not the DMA API's, and no owned domain is in it.
 *  - A cookie of the kind for the DMA API, which is a question that the IOMMU
 *    domain answers, is one object that has the struct iova_domain as a member,
 *    near its beginning. So it is at least as large, and what begins within that
 *    many bytes of it is in the same object: an owned struct iova_domain there
 *    is the cookie's own. (6.12 has it at byte 8, 7.2 at 0. A kernel that put it
 *    further back would not be misread: its devices would not be listed.)
 *  - Addresses are compared, under the lock of the list of owned domains.
 *    Neither the cookie nor the struct iova_domain is looked at.
 *
 * What remains: a driver that has left its DMA to the kernel and attaches an
 * IOMMU domain of its own all the same, and frees it without the device's lock
 * (usnic can). Then two words of a free object may be read here, and compared.
 *
 * Locks: the device's, then the one of the list of owned domains. The device's
 * is also held when the kernel makes a domain, so nothing that is held there may
 * be held here: not the mutex of the takeover, nor that of the list of domains.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "devices.h"
#include "owned.h"

/* Enough for whatever is not slow. */
#define PATIENCE	100

/* Does its driver leave DMA to the kernel? */
static bool uses_default_domain(struct device *dev)
{
	device_lock_assert(dev);
	if (!dev->driver)
		return false;
	if (dev_is_pci(dev))
		return !to_pci_driver(dev->driver)->driver_managed_dma;
	return !to_platform_driver(dev->driver)->driver_managed_dma;
}

/* Return: number of the owned domain that serves it, 0 if none does. */
static unsigned int owned_domain_of(struct device *dev)
{
	struct iommu_domain *domain;
	const void *cookie;

	if (!uses_default_domain(dev))
		return 0;
	domain = iommu_get_domain_for_dev(dev);
	if (!domain)
		return 0;
	cookie = IOVA_MT_IOVA_COOKIE(domain);
	return cookie ? iova_mt_owned_near(cookie) : 0;
}

/**
 * struct walk - a walk over the devices
 * @fn: told of each that an owned domain serves
 * @arg: for @fn
 * @patience: how often it may wait for a device, a millisecond or two each time
 */
struct walk {
	iova_mt_devices_fn fn;
	void *arg;
	unsigned int patience;
};

/*
 * Whoever binds or unbinds a driver holds the lock, for seconds if the device is
 * slow; others have it for a moment only. So it is waited for, but not long.
 */
static bool lock_soon(struct device *dev, struct walk *walk)
{
	while (!device_trylock(dev)) {
		if (!walk->patience)
			return false;
		walk->patience--;
		usleep_range(1000, 2000);
	}
	return true;
}

/* Most devices have no IOMMU, so nothing of them is asked, nor waited for. */
static int visit(struct device *dev, void *arg)
{
	struct walk *walk = arg;
	unsigned int id;

	if (!device_iommu_mapped(dev))
		return 0;
	if (!lock_soon(dev, walk)) {
		walk->fn(dev, 0, walk->arg);
		return 0;
	}
	id = owned_domain_of(dev);
	device_unlock(dev);
	if (id)
		walk->fn(dev, id, walk->arg);
	return 0;
}

/**
 * iova_mt_devices_for_each() - look at the devices that owned domains serve
 * @fn: called for each of them that has a driver, and, with the number 0, for
 *	each whose driver is being bound or unbound: what serves it is not known
 * @arg: for @fn
 *
 * One pass; nobody is waited for longer than a fraction of a second in all.
 *
 * Context: Process, may sleep.
 */
void iova_mt_devices_for_each(iova_mt_devices_fn fn, void *arg)
{
	struct walk walk = { .fn = fn, .arg = arg, .patience = PATIENCE };

	if (!iova_mt_owned_count())
		return;
	bus_for_each_dev(&pci_bus_type, NULL, &walk, visit);
	bus_for_each_dev(&platform_bus_type, NULL, &walk, visit);
}

static void show_device(struct device *dev, unsigned int id, void *m)
{
	if (id)
		seq_printf(m, "%u %s/%s\n", id, dev->bus->name, dev_name(dev));
	else
		seq_printf(m, "# not known: %s/%s is busy, its driver is being bound or unbound\n",
			   dev->bus->name, dev_name(dev));
}

/**
 * iova_mt_devices_show() - print which devices owned domains serve
 * @m: where to
 *
 * And, for domains that are not the DMA API's, which part of the kernel.
 *
 * Context: Process, may sleep.
 */
void iova_mt_devices_show(struct seq_file *m)
{
	seq_puts(m, "# domain and device, of those that have a driver; or module, if it is not the DMA API's; no snapshot: drivers come and go\n");
	iova_mt_devices_for_each(show_device, m);
	iova_mt_owned_show_others(m);
}
