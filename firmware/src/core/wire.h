/* Little-endian numbers in byte buffers without alignment. */
#ifndef DASSDP_WIRE_H
#define DASSDP_WIRE_H

#include <stdint.h>

static inline uint16_t dassdp_get_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | (uint32_t)bytes[1] << 8);
}

static inline uint32_t dassdp_get_u32(const uint8_t *bytes)
{
    return dassdp_get_u16(bytes) | (uint32_t)dassdp_get_u16(bytes + 2) << 16;
}

static inline void dassdp_put_u16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static inline void dassdp_put_u32(uint8_t *bytes, uint32_t value)
{
    dassdp_put_u16(bytes, value);
    dassdp_put_u16(bytes + 2, value >> 16);
}

static inline void dassdp_copy(uint8_t *to, const uint8_t *from, uint32_t n_bytes)
{
    for (uint32_t i = 0; i < n_bytes; i++) {
        to[i] = from[i];
    }
}

#endif
