/* SHA-256 (FIPS 180-4) and HMAC (RFC 2104), a byte at a time and small: no table but the 64 constants,
 * 100 bytes of state. No branch and no address depends on a byte that is hashed. */
#ifndef DASSDP_SHA256_H
#define DASSDP_SHA256_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { DASSDP_SHA256_BYTES = 32, DASSDP_SHA256_BLOCK_BYTES = 64 };

typedef struct {
    uint32_t hash[8];
    uint32_t words[16]; /* of the block that fills, then of its schedule */
    uint32_t n_bytes;   /* so far, below 2^29 */
} dassdp_sha256_t;

void dassdp_sha256_begin(dassdp_sha256_t *sha);
void dassdp_sha256_add(dassdp_sha256_t *sha, const uint8_t *bytes, uint32_t n_bytes);
void dassdp_sha256_end(dassdp_sha256_t *sha, uint8_t hash[DASSDP_SHA256_BYTES]);

/* HMAC-SHA-256 with a key of n_key bytes, at most a block: begin, add as above, end. */
void dassdp_hmac_begin(dassdp_sha256_t *sha, const uint8_t *key, uint32_t n_key);
void dassdp_hmac_end(dassdp_sha256_t *sha, const uint8_t *key, uint32_t n_key,
                     uint8_t tag[DASSDP_SHA256_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
