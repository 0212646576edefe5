/* One rotation or reflection of a triad, fitted from class means. */
#ifndef DASSDP_ORIENTATION_H
#define DASSDP_ORIENTATION_H

#include <stdint.h>

/* A rotation, or a reflection of determinant -1, as a stored profile begins with it. */
typedef struct {
    int16_t det;
    int16_t q_q14[9]; /* row by row */
} dassdp_turn_t;

typedef struct {
    const int16_t *then;    /* n_classes x 3: the factory's class means of the polar triad */
    const int32_t *sums;    /* n_classes x 3: sums of window means, as the sensor is worn now */
    const uint16_t *n_seen; /* n_classes: of how many windows; 0 leaves a class out */
    uint32_t n_classes;     /* at most 65,535 */
    int32_t unit;           /* counts of one unit of the triad, 1 to 32,767 */
} dassdp_observed_t;

typedef struct {
    dassdp_turn_t turn;     /* then = Q now */
    int16_t verdict;        /* DASSDP_FIT_FACTORY, _TAKEN, _FEW or _UNDECIDED */
    uint16_t n_classes;     /* observed */
    int32_t residual;         /* squared distances of class means in one unit: behind Q, */
    int32_t residual_factory; /* and as they are */
} dassdp_orientation_t;

/* Unturned unless the verdict is DASSDP_FIT_TAKEN. */
void dassdp_fit_orientation(const dassdp_observed_t *observed, dassdp_orientation_t *made);

/* The rotation (3, 3) that maximizes sum_ij R_ij h_ij; h (3, 3), |h| < 2^30. */
void dassdp_horn(const int32_t *h, int16_t *q_q14);
/* The turn of that determinant which does; h is multiplied by it. */
void dassdp_horn_of(int32_t *h, int16_t det, dassdp_turn_t *turn);

#endif
