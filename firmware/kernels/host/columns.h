/* Vectors of columns, in GCC's vector extensions: any width compiles anywhere, the widest one is
 * that of the registers of the computer that runs the emulator. */
#ifndef DASSDP_COLUMNS_H
#define DASSDP_COLUMNS_H

#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "half-words hold (even, odd) bytes");

#define DASSDP_INLINE static inline __attribute__((always_inline))
#define DASSDP_VECTOR_OF(type, bytes) type __attribute__((vector_size(bytes)))

/* Image bytes are summed as half-words, two columns at once: all = sum of (even + 2^8 odd),
 * odd = sum of odd, both modulo 2^16. Of a group of four columns, even = all - 2^8 odd holds 0 and 1
 * and odd holds 2 and 3, so words of both alternate in
 *   acc = (acc & kept) + sum - bias,
 * which is exact because the result is proven to fit. half = bytes / 2. */
#define DASSDP_COLUMNS_IN(bytes, half)                                                            \
    typedef DASSDP_VECTOR_OF(uint8_t, bytes) dassdp_bytes_##bytes##_t;                            \
    typedef DASSDP_VECTOR_OF(uint16_t, bytes) dassdp_halves_##bytes##_t;                          \
    typedef DASSDP_VECTOR_OF(uint32_t, half) dassdp_pairs_##bytes##_t;                            \
    typedef DASSDP_VECTOR_OF(uint64_t, bytes) dassdp_groups_##bytes##_t;                          \
    DASSDP_INLINE void dassdp_store_##bytes(int16_t *acc, dassdp_halves_##bytes##_t all,          \
                                            dassdp_halves_##bytes##_t odd, uint16_t bias,         \
                                            uint16_t kept)                                        \
    {                                                                                             \
        dassdp_halves_##bytes##_t even = all - (odd << 8);                                        \
        DASSDP_STORE_HALF(bytes, half, 0)                                                         \
        DASSDP_STORE_HALF(bytes, half, half)                                                      \
    }

/* The columns of bytes `at` to at + half - 1 of even and odd. */
#define DASSDP_STORE_HALF(bytes, half, at)                                                        \
    {                                                                                             \
        dassdp_pairs_##bytes##_t first;                                                           \
        dassdp_pairs_##bytes##_t second;                                                          \
        memcpy(&first, (const uint8_t *)&even + (at), half);                                      \
        memcpy(&second, (const uint8_t *)&odd + (at), half);                                      \
        dassdp_groups_##bytes##_t groups =                                                        \
            __builtin_convertvector(first, dassdp_groups_##bytes##_t)                             \
            | (__builtin_convertvector(second, dassdp_groups_##bytes##_t) << 32);                 \
        dassdp_halves_##bytes##_t sums;                                                           \
        memcpy(&sums, acc + (at), bytes);                                                         \
        sums = (sums & kept) + (dassdp_halves_##bytes##_t)groups - bias;                          \
        memcpy(acc + (at), &sums, bytes);                                                         \
    }

DASSDP_COLUMNS_IN(8, 4)
DASSDP_COLUMNS_IN(16, 8)
#if defined(__AVX512BW__)
DASSDP_COLUMNS_IN(32, 16)
DASSDP_COLUMNS_IN(64, 32)
#define DASSDP_TILES(tile) tile(64, 4) tile(64, 2) tile(64, 1) tile(32, 1) tile(16, 1) tile(8, 1)
#elif defined(__AVX2__)
DASSDP_COLUMNS_IN(32, 16)
#define DASSDP_TILES(tile) tile(32, 4) tile(32, 2) tile(32, 1) tile(16, 1) tile(8, 1)
#else
#define DASSDP_TILES(tile) tile(16, 4) tile(16, 2) tile(16, 1) tile(8, 1)
#endif

#endif
