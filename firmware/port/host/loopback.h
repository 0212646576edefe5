/* The link inside one process: received bytes in, sent bytes out. One device, no threads. */
#ifndef DASSDP_LOOPBACK_H
#define DASSDP_LOOPBACK_H

#include <stdint.h>

#include "host_flash.h"

/* Power on: the newest save of dassdp_host_flash or factory weights, no session, nothing half received.
 * Returns DASSDP_OK. */
int dassdp_loopback_boot(void);

/* The same by the reset pin: the device counts it. */
int dassdp_loopback_reset(void);

/* Feeds n_bytes to the device. Returns how many bytes it sent meanwhile; the first `capacity` of
 * them are in `sent`, the rest is lost as on a full cable. */
uint32_t dassdp_loopback_feed(const uint8_t *bytes, uint32_t n_bytes, uint8_t *sent,
                              uint32_t capacity);

#endif
