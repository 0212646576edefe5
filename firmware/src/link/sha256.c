#include "sha256.h"

enum { INNER = 0x36, OUTER = 0x5C, LENGTH_AT = 56 };

static const uint32_t constants[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
};

static uint32_t rotated(uint32_t x, uint32_t n)
{
    return x >> n | x << (32u - n);
}

/* The next word of the schedule, in the place of the one 16 before it. */
static uint32_t next_word(uint32_t *words, uint32_t t)
{
    uint32_t early = words[(t + 1u) & 15u];
    uint32_t late = words[(t + 14u) & 15u];
    words[t & 15u] += words[(t + 9u) & 15u] +
                      (rotated(early, 7) ^ rotated(early, 18) ^ early >> 3) +
                      (rotated(late, 17) ^ rotated(late, 19) ^ late >> 10);
    return words[t & 15u];
}

static void compress(dassdp_sha256_t *sha)
{
    uint32_t v[8]; /* a to h */
    for (uint32_t i = 0; i < 8u; i++) {
        v[i] = sha->hash[i];
    }
    for (uint32_t t = 0; t < 64u; t++) {
        uint32_t w = t < 16u ? sha->words[t] : next_word(sha->words, t);
        uint32_t t1 = v[7] + (rotated(v[4], 6) ^ rotated(v[4], 11) ^ rotated(v[4], 25)) +
                      ((v[4] & v[5]) ^ (~v[4] & v[6])) + constants[t] + w;
        uint32_t t2 = (rotated(v[0], 2) ^ rotated(v[0], 13) ^ rotated(v[0], 22)) +
                      ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        for (uint32_t i = 7; i > 0u; i--) {
            v[i] = v[i - 1u];
        }
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (uint32_t i = 0; i < 8u; i++) {
        sha->hash[i] += v[i];
    }
}

/* One copy of it: whoever adds a byte is rare, and flash is dear. */
__attribute__((noinline)) static void add_byte(dassdp_sha256_t *sha, uint32_t byte)
{
    uint32_t *word = &sha->words[sha->n_bytes >> 2 & 15u];
    *word = *word << 8 | byte;
    sha->n_bytes++;
    if ((sha->n_bytes & (DASSDP_SHA256_BLOCK_BYTES - 1u)) == 0u) {
        compress(sha);
    }
}

void dassdp_sha256_begin(dassdp_sha256_t *sha)
{
    *sha = (dassdp_sha256_t){.hash = {
        0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
        0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
    }};
}

void dassdp_sha256_add(dassdp_sha256_t *sha, const uint8_t *bytes, uint32_t n_bytes)
{
    for (uint32_t i = 0; i < n_bytes; i++) {
        add_byte(sha, bytes[i]);
    }
}

static void put_words(const uint32_t *words, uint8_t *bytes)
{
    for (uint32_t i = 0; i < DASSDP_SHA256_BYTES; i++) {
        bytes[i] = (uint8_t)(words[i >> 2] >> (24u - 8u * (i & 3u)));
    }
}

void dassdp_sha256_end(dassdp_sha256_t *sha, uint8_t hash[DASSDP_SHA256_BYTES])
{
    uint32_t n_bytes = sha->n_bytes;
    add_byte(sha, 0x80);
    while ((sha->n_bytes & (DASSDP_SHA256_BLOCK_BYTES - 1u)) != LENGTH_AT) {
        add_byte(sha, 0);
    }
    uint64_t n_bits = (uint64_t)n_bytes << 3;
    for (uint32_t shift = 64; shift > 0u; shift -= 8u) {
        add_byte(sha, (uint8_t)(n_bits >> (shift - 8u)));
    }
    put_words(sha->hash, hash);
}

__attribute__((noinline)) static void begin_with(dassdp_sha256_t *sha, const uint8_t *key, uint32_t n_key, uint32_t pad)
{
    dassdp_sha256_begin(sha);
    for (uint32_t i = 0; i < DASSDP_SHA256_BLOCK_BYTES; i++) {
        add_byte(sha, (i < n_key ? key[i] : 0u) ^ pad);
    }
}

void dassdp_hmac_begin(dassdp_sha256_t *sha, const uint8_t *key, uint32_t n_key)
{
    begin_with(sha, key, n_key, INNER);
}

void dassdp_hmac_end(dassdp_sha256_t *sha, const uint8_t *key, uint32_t n_key,
                     uint8_t tag[DASSDP_SHA256_BYTES])
{
    dassdp_sha256_end(sha, tag);
    begin_with(sha, key, n_key, OUTER);
    dassdp_sha256_add(sha, tag, DASSDP_SHA256_BYTES);
    dassdp_sha256_end(sha, tag);
}
