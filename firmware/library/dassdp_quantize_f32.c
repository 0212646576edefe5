#include <string.h>

#include "dassdp_quantize.h"

static uint32_t exponent(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits >> 23 & 0xFFu;
}

static float power_of_2(int32_t n)
{
    uint32_t bits = (uint32_t)(127 + n) << 23;
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

int dassdp_value_f32(const void *values, uint32_t idx, int32_t frac_bits, int64_t *scaled,
                     int *is_whole)
{
    static const int32_t MOST = 62; /* of an int64 */
    float v = ((const float *)values)[idx];
    if (exponent(v) == 0xFFu) { /* NaN or an infinity, whatever -ffast-math assumes */
        return DASSDP_E_VALUE;
    }
    *is_whole = 0;
    if ((int32_t)exponent(v) - 127 + frac_bits >= MOST) {
        *scaled = v < 0.0f ? -((int64_t)1 << MOST) : (int64_t)1 << MOST;
        return DASSDP_OK;
    }
    v *= power_of_2(frac_bits); /* exact, or so small that it rounds to 0 all the same */
    int64_t below = (int64_t)v;
    below -= (float)below > v ? 1 : 0;
    float rest = v - (float)below;
    *is_whole = !(rest > 0.0f);
    *scaled = below + (rest >= 0.5f ? 1 : 0);
    return DASSDP_OK;
}
