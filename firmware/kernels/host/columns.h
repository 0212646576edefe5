/* Vectors of columns, in GCC's vector extensions: any width compiles anywhere, the widest one is
 * that of the registers of the computer that runs the emulator. */
#ifndef DASSDP_COLUMNS_H
#define DASSDP_COLUMNS_H

#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "half-words hold (even, odd) bytes");

#define DASSDP_INLINE static inline __attribute__((always_inline))
#define DASSDP_VECTOR_OF(type, bytes) type __attribute__((vector_size(bytes)))

#if defined(__clang__)
#define DASSDP_SHUFFLE(type, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define DASSDP_SHUFFLE(type, a, b, ...) __builtin_shuffle(a, b, (type){__VA_ARGS__})
#endif

/* Words of two vectors in turn: those of their first halves, those of their second ones. */
#define DASSDP_FIRST_8 0, 2
#define DASSDP_SECOND_8 1, 3
#define DASSDP_FIRST_16 0, 4, 1, 5
#define DASSDP_SECOND_16 2, 6, 3, 7
#define DASSDP_FIRST_32 0, 8, 1, 9, 2, 10, 3, 11
#define DASSDP_SECOND_32 4, 12, 5, 13, 6, 14, 7, 15
#define DASSDP_FIRST_64 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define DASSDP_SECOND_64 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31

/* Image bytes are summed as half-words, two columns at once: all = sum of (even + 2^8 odd),
 * odd = sum of odd, both modulo 2^16. Of a group of four columns, even = all - 2^8 odd holds 0 and
 * 1, and odd holds 2 and 3, so their words alternate in
 *   acc = (acc & kept) + sum - bias,
 * which is exact because the result is proven to fit. */
#define DASSDP_COLUMNS_IN(bytes)                                                                  \
    typedef DASSDP_VECTOR_OF(uint8_t, bytes) dassdp_bytes_##bytes##_t;                            \
    typedef DASSDP_VECTOR_OF(uint16_t, bytes) dassdp_halves_##bytes##_t;                          \
    typedef DASSDP_VECTOR_OF(uint32_t, bytes) dassdp_words_##bytes##_t;                           \
    DASSDP_INLINE void dassdp_add_##bytes(int16_t *acc, dassdp_words_##bytes##_t sums,            \
                                          uint16_t bias, uint16_t kept)                           \
    {                                                                                             \
        dassdp_halves_##bytes##_t before;                                                         \
        memcpy(&before, acc, bytes);                                                              \
        before = (before & kept) + ((dassdp_halves_##bytes##_t)sums - bias);                      \
        memcpy(acc, &before, bytes);                                                              \
    }                                                                                             \
    DASSDP_INLINE void dassdp_store_##bytes(int16_t *acc, dassdp_halves_##bytes##_t all,          \
                                            dassdp_halves_##bytes##_t odd, uint16_t bias,         \
                                            uint16_t kept)                                        \
    {                                                                                             \
        dassdp_words_##bytes##_t low = (dassdp_words_##bytes##_t)(all - (odd << 8));              \
        dassdp_words_##bytes##_t high = (dassdp_words_##bytes##_t)odd;                            \
        dassdp_add_##bytes(                                                                       \
            acc, DASSDP_SHUFFLE(dassdp_words_##bytes##_t, low, high, DASSDP_FIRST_##bytes), bias, \
            kept);                                                                                \
        dassdp_add_##bytes(                                                                       \
            acc + (bytes) / 2,                                                                    \
            DASSDP_SHUFFLE(dassdp_words_##bytes##_t, low, high, DASSDP_SECOND_##bytes), bias,     \
            kept);                                                                                \
    }

DASSDP_COLUMNS_IN(8)
DASSDP_COLUMNS_IN(16)
#if defined(__AVX512BW__)
DASSDP_COLUMNS_IN(32)
DASSDP_COLUMNS_IN(64)
#define DASSDP_TILES(tile) tile(64, 4) tile(64, 2) tile(64, 1) tile(32, 1) tile(16, 1) tile(8, 1)
#elif defined(__AVX2__)
DASSDP_COLUMNS_IN(32)
#define DASSDP_TILES(tile) tile(32, 4) tile(32, 2) tile(32, 1) tile(16, 1) tile(8, 1)
#else
#define DASSDP_TILES(tile) tile(16, 4) tile(16, 2) tile(16, 1) tile(8, 1)
#endif

#endif
