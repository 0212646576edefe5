/* int16 sums, which are proven to fit: two columns of a word are multiplied at once, and what a lane
 * carries into the next one is taken back with it. Per word of four biased weights u0 u2 u1 u3:
 * A = sum of x (u0 + 2^8 u2 + 2^16 u1 + 2^24 u3), B = sum of x (u2 + 2^16 u3); then A - (B << 8) holds
 * columns 0 and 1 and B holds 2 and 3, exact modulo 2^32. */
#include <string.h>

#include "fixed.h"
#include "kernels.h"

/* at[0] + 2^16 at[1] = sums modulo 2^32 */
static void store_lanes(int16_t *at, uint32_t sums, int32_t kept)
{
    int16_t low = (int16_t)(uint16_t)sums;
    int16_t high = (int16_t)(uint16_t)((sums >> 16) + ((sums >> 15) & 1u));
    at[0] = dassdp_narrow_s16((at[0] & kept) + low);
    at[1] = dassdp_narrow_s16((at[1] & kept) + high);
}

void dassdp_k_analogue_a16(const dassdp_projection_t *projection, void *acc, const int8_t *x,
                           uint32_t adds)
{
    const uint8_t *image = projection->factory;
    const int32_t kept = -(int32_t)adds;
    int32_t x_sum = 0;
    for (uint32_t j = 0; j < projection->n_pre; j++) {
        x_sum += x[j];
    }
    const uint32_t bias = ((uint32_t)x_sum << (projection->weight_bits - 1u)) * 0x00010001u;
    for (uint32_t i = 0; i < projection->row_bytes; i += 4u) {
        uint32_t all = 0;
        uint32_t odd = 0;
        for (uint32_t j = 0; j < projection->n_pre; j++) {
            uint32_t word;
            memcpy(&word, image + j * projection->row_bytes + i, sizeof word);
            all += (uint32_t)(int32_t)x[j] * word;
            odd += (uint32_t)(int32_t)x[j] * ((word >> 8) & 0x00FF00FFu);
        }
        int16_t *at = (int16_t *)acc + i;
        store_lanes(at, all - (odd << 8) - bias, kept);
        store_lanes(at + 2, odd - bias, kept);
    }
}
