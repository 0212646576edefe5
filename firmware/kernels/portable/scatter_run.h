/* A run by calls of the kernel for one spike. */
#include "kernels.h"
#include "volume.h"

#define DASSDP_SCATTER_RUN(kernel)                                                                 \
    const uint32_t *dassdp_k_scatter_run_##kernel(const dassdp_run_t *run, const uint32_t *next,   \
                                                  const uint32_t *end)                             \
    {                                                                                              \
        for (uint32_t at; next != end && (at = *next - run->begin) < run->n; next++) {             \
            const uint32_t place = dassdp_divide(at, &run->by_channels);                           \
            const uint32_t channel = at - place * run->n_channels;                                 \
            dassdp_k_scatter_##kernel(                                                             \
                run->acc + (place * run->patch.place_bytes + channel * run->group_bytes),          \
                run->image + channel * run->channel_bytes, &run->patch, 1);                        \
        }                                                                                          \
        return next;                                                                               \
    }
