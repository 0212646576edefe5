/* A locked build answers reads to everybody and carries out what writes only for who has its key:
 * in a signed session each request bears a tag, HMAC-SHA-256 cut to DASSDP_LINK_TAG_BYTES, over its
 * frame and the number that the device drew for that session. An OPEN is signed over its frame alone.
 * Compiled where DASSDP_LOCKED is 1; any other build has none of it. docs/protocol.md has the rest. */
#ifndef DASSDP_LOCK_H
#define DASSDP_LOCK_H

#include "link.h"

#ifndef DASSDP_LOCKED
#define DASSDP_LOCKED 0
#endif

#if DASSDP_LOCKED

extern const uint8_t dassdp_lock_key[DASSDP_LINK_KEY_BYTES]; /* generated */

/* Of the OPEN that was received: 1 if it is signed, and then n_bytes without the tag, 0 if it is not,
 * DASSDP_E_LOCKED for the tag of another key. */
int dassdp_lock_opens(const dassdp_link_t *link, uint32_t *n_bytes);

/* A session begins with the OPEN that was received. */
void dassdp_lock_begin(dassdp_link_t *link, int is_signed);

/* Whether the session that runs is signed, or not, as an OPEN that confirms it. */
static inline int dassdp_lock_agrees(const dassdp_link_t *link, int is_signed)
{
    return link->is_signed == is_signed;
}

/* Writes the number of the session, of a signed one; returns how many bytes it has. */
uint32_t dassdp_lock_tell(const dassdp_link_t *link, uint8_t *bytes);

/* Of the request that was received: DASSDP_OK, and then n_bytes without the tag, or DASSDP_E_LOCKED. */
int dassdp_lock_admits(const dassdp_link_t *link, uint32_t *n_bytes);

#else

static inline int dassdp_lock_opens(const dassdp_link_t *link, uint32_t *n_bytes)
{
    (void)link;
    (void)n_bytes;
    return 0;
}

static inline void dassdp_lock_begin(dassdp_link_t *link, int is_signed)
{
    (void)link;
    (void)is_signed;
}

static inline int dassdp_lock_agrees(const dassdp_link_t *link, int is_signed)
{
    (void)link;
    (void)is_signed;
    return 1;
}

static inline uint32_t dassdp_lock_tell(const dassdp_link_t *link, uint8_t *bytes)
{
    (void)link;
    (void)bytes;
    return 0;
}

static inline int dassdp_lock_admits(const dassdp_link_t *link, uint32_t *n_bytes)
{
    (void)link;
    (void)n_bytes;
    return DASSDP_OK;
}

#endif
#endif
