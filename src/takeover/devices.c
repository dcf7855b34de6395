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
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "devices.h"
#include "owned.h"

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

/* A value other than 0 ends the walk: the reader was interrupted. */
static int show_device(struct device *dev, void *m)
{
	unsigned int id;
	int ret;

	ret = device_lock_interruptible(dev);
	if (ret)
		return ret;
	id = owned_domain_of(dev);
	device_unlock(dev);
	if (id)
		seq_printf(m, "%u %s/%s\n", id, dev->bus->name, dev_name(dev));
	return 0;
}

/**
 * iova_mt_devices_show() - print which devices owned domains serve
 * @m: where to
 *
 * A device whose driver is being bound or unbound is waited for.
 *
 * Context: Process, may sleep.
 */
void iova_mt_devices_show(struct seq_file *m)
{
	int ret;

	seq_puts(m, "# domain and device, of those that have a driver; no snapshot: drivers come and go\n");
	ret = bus_for_each_dev(&pci_bus_type, NULL, m, show_device);
	if (!ret)
		ret = bus_for_each_dev(&platform_bus_type, NULL, m, show_device);
	if (ret)
		seq_puts(m, "# interrupted: there may be more\n");
}
