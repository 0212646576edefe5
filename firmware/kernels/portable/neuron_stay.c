#include "kernels.h"

static inline int32_t number(const void *array, uint32_t bits, uint32_t k)
{
    return bits == 16u ? ((const int16_t *)array)[k] : ((const int32_t *)array)[k];
}

/* The next word of spikes; 0 where there is none. */
static inline uint32_t next_word(dassdp_fours_t *fours)
{
    if (fours->n_more != 0u) {
        fours->n_left = fours->n_more < 8u ? fours->n_more : 8u;
        fours->n_more -= fours->n_left;
        fours->before = *++fours->spk_bits;
        *fours->spk_bits = 0;
    }
    return fours->n_left;
}

/* Of copies, which no membrane can lie over. */
static inline dassdp_fours_t stay(dassdp_fours_t fours, uint32_t v_bits, uint32_t acc_bits)
{
    for (; fours.n_left != 0u || next_word(&fours) != 0u; fours.n_left--) {
        int32_t v[4];
        uint32_t any = fours.before & 15u, stops = any & fours.looks_back;
        for (uint32_t k = 0; k < 4u; k++) {
            const int32_t sum = number(fours.acc, acc_bits, k);
            const int32_t next = number(fours.v, v_bits, k)
                                 + (int32_t)((uint32_t)sum << fours.acc_lshift);
            any |= (uint32_t)sum;
            stops |= (uint32_t)(next >= fours.fire_at);
            v[k] = next < fours.lowest ? fours.lowest : next;
        }
        if (any != 0u && stops != 0u) {
            break;
        }
        for (uint32_t k = 0; any != 0u && k < 4u; k++) {
            if (v_bits == 16u) {
                ((int16_t *)fours.v)[k] = (int16_t)v[k];
            } else {
                ((int32_t *)fours.v)[k] = v[k];
            }
        }
        fours.acc = (const uint8_t *)fours.acc + acc_bits / 2u;
        fours.v = (uint8_t *)fours.v + v_bits / 2u;
        fours.before >>= 4;
    }
    return fours;
}

#define DASSDP_STAY(v_bits, acc_bits)                                                             \
    void dassdp_k_stay_v##v_bits##_a##acc_bits(dassdp_fours_t *fours)                             \
    {                                                                                             \
        *fours = stay(*fours, v_bits, acc_bits);                                                  \
    }

DASSDP_STAY(16, 16)
DASSDP_STAY(16, 32)
DASSDP_STAY(32, 16)
DASSDP_STAY(32, 32)
