/* Signs, gains and offsets of channels, fitted from class means and standard deviations. */
#ifndef DASSDP_CHANNELS_H
#define DASSDP_CHANNELS_H

#include <stdint.h>

/* All n_classes x n_channels. */
typedef struct {
    const int16_t *then_mean; /* the factory's */
    const int16_t *then_std;  /* the factory's, of single readings, from 0 */
    const int32_t *mean_sums; /* sums of window means, as the sensor is worn now */
    const int32_t *std_sums;  /* sums of their standard deviations, from 0 */
    const uint16_t *n_seen;   /* n_classes: of how many windows; 0 leaves a class out */
    uint32_t n_classes;       /* at most 65,535 */
    uint32_t n_channels;
} dassdp_statistics_t;

/* n_channels gains and offsets of counts; with_gains 0: signs and offsets alone. Returns the classes
 * observed; of less than two both are left as they are. */
uint32_t dassdp_fit_channels(const dassdp_statistics_t *statistics, int with_gains,
                             int16_t *gain_q12, int16_t *offset);

#endif
