#include "lock.h"

#if DASSDP_LOCKED

#include "port.h"
#include "sha256.h"
#include "wire.h"

#define WRITES_OF(NAME, function, n_bytes, open_end, needs_whole, writes)                          \
    [DASSDP_KIND_##NAME] = writes,
static const uint8_t writes_of[] = {DASSDP_LINK_REQUESTS(WRITES_OF)};
#undef WRITES_OF

/* The tag of n_bytes of the frame that was received and n_more others, whole. */
static void sign(const dassdp_link_t *link, uint32_t n_bytes, const uint8_t *more, uint32_t n_more,
                 uint8_t tag[DASSDP_SHA256_BYTES])
{
    dassdp_sha256_t sha;
    dassdp_hmac_begin(&sha, dassdp_lock_key, sizeof dassdp_lock_key);
    dassdp_sha256_add(&sha, link->request.bytes, n_bytes);
    dassdp_sha256_add(&sha, more, n_more);
    dassdp_hmac_end(&sha, dassdp_lock_key, sizeof dassdp_lock_key, tag);
}

/* Takes as long for a tag that is wrong in its first byte as for one that is right. */
static int is_signed_with(const dassdp_link_t *link, uint32_t n_bytes, const uint8_t *more,
                          uint32_t n_more)
{
    uint8_t tag[DASSDP_SHA256_BYTES];
    uint32_t differs = 0;
    sign(link, n_bytes, more, n_more, tag);
    for (uint32_t i = 0; i < DASSDP_LINK_TAG_BYTES; i++) {
        differs |= (uint32_t)(tag[i] ^ link->request.bytes[n_bytes + i]);
    }
    return differs == 0u;
}

int dassdp_lock_opens(const dassdp_link_t *link, uint32_t *n_bytes)
{
    if (*n_bytes != DASSDP_OPEN_REQUEST_BYTES + DASSDP_LINK_TAG_BYTES) {
        return 0;
    }
    *n_bytes -= DASSDP_LINK_TAG_BYTES;
    return is_signed_with(link, *n_bytes, 0, 0) ? 1 : DASSDP_E_LOCKED;
}

/* The pool moves on by what nobody without the key can compute, and never back: no number of a session
 * comes again while RAM is kept. Its second half is told to nobody. */
void dassdp_lock_begin(dassdp_link_t *link, int is_signed)
{
    link->is_signed = (uint8_t)is_signed;
    if (is_signed != 0) {
        uint8_t *pool = dassdp_port_pool();
        dassdp_put_u32(pool, dassdp_get_u32(pool) ^ dassdp_port_ticks());
        sign(link, DASSDP_OPEN_REQUEST_BYTES, pool, DASSDP_LINK_POOL_BYTES, pool);
    }
}

uint32_t dassdp_lock_tell(const dassdp_link_t *link, uint8_t *bytes)
{
    if (link->is_signed == 0u) {
        return 0;
    }
    const uint8_t *pool = dassdp_port_pool();
    for (uint32_t i = 0; i < DASSDP_LINK_NONCE_BYTES; i += 4) { /* no memmove */
        dassdp_put_u32(bytes + i, dassdp_get_u32(pool + i));
    }
    return DASSDP_LINK_NONCE_BYTES;
}

/* writes_of a kind: 0 never, 255 always, else where its frame has the byte that is not 0 then. */
static int writes(const uint8_t *frame, uint32_t n_bytes)
{
    uint8_t kind = frame[DASSDP_REQUEST_HEADER_KIND];
    uint32_t at = kind < sizeof writes_of ? writes_of[kind] : 0u;
    return at != 0u && (at >= n_bytes || frame[at] != 0u);
}

int dassdp_lock_admits(const dassdp_link_t *link, uint32_t *n_bytes)
{
    if (link->is_signed == 0u) {
        return writes(link->request.bytes, *n_bytes) ? DASSDP_E_LOCKED : DASSDP_OK;
    }
    if (*n_bytes < DASSDP_REQUEST_HEADER_BYTES + DASSDP_LINK_TAG_BYTES) {
        return DASSDP_E_LOCKED;
    }
    *n_bytes -= DASSDP_LINK_TAG_BYTES;
    return is_signed_with(link, *n_bytes, dassdp_port_pool(), DASSDP_LINK_NONCE_BYTES)
               ? DASSDP_OK
               : DASSDP_E_LOCKED;
}

#endif
