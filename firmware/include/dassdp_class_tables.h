/* edge_dassdp: what a model has beside its readout: class means of hidden spike counts, and outputs for
 * classes that are taught on the device; a part of dassdp_tables.h. */
#ifndef DASSDP_CLASS_TABLES_H
#define DASSDP_CLASS_TABLES_H

#include "dassdp_path_tables.h"

/* What `keep` does with means and names. */
enum { DASSDP_KEEP_COPY = 0, DASSDP_KEEP_PUT_BACK = 1, DASSDP_KEEP_FACTORY = 2 };

typedef struct {
    uint16_t n_known;      /* classes that it was trained on; the others, up to n_classes, are spare */
    uint16_t hidden;       /* index of the population whose counts have means */
    uint16_t n_hidden;     /* 0: no means */
    uint16_t n_examples;   /* of known classes, from which a new one is told; 0 without */
    const uint8_t *examples; /* rows of n_hidden: 255 x / |x| */
    const int32_t *away;   /* n_examples: squared, from the nearest mean */
    int32_t spread;        /* squared, of all from the mean of their own class */
    const uint8_t *means;  /* the factory's, n_classes rows of n_hidden: 255 x / |x| */
    const uint8_t *seen;   /* n_classes: 0 without a mean, else DASSDP_MEAN_SAMPLES */
    int32_t means_off;     /* uint8, means of the device, then means that were the factory's */
    int32_t seen_off;      /* uint8, likewise: how far each mean has come */
    int32_t limits_off;    /* int32 of each spare class: how much nearer its mean must be */
    int32_t names_off;     /* DASSDP_CLASS_NAME_BYTES of each spare class, zero padded; 0: not taught */
    int32_t direction_off; /* uint8 n_hidden: 255 x / |x| of the last sample */
    int32_t distance_off;  /* uint32 n_classes */
    int32_t found_off;     /* uint32: the class of the sample that ended, and whether x is 0 */
    int32_t copy_off;      /* uint8 kept_bytes, DASSDP_NONE where no copy is kept */
    int32_t kept_off;      /* means, limits and names, side by side */
    uint32_t kept_bytes;
    /* Logits of classes that were not taught become the least there is; NULL without spare ones. */
    void (*mask)(const dassdp_model_t *model, void *state);
    int (*is_known)(const dassdp_model_t *model, const void *state, uint32_t class_idx);
    /* The class of a sample whose logits are there; NULL without means. */
    void (*classify)(const dassdp_model_t *model, void *state);
    /* Means follow the sample that ended, or a stored one that ran again; NULL. */
    void (*learn)(const dassdp_model_t *model, void *state, uint32_t label);
    void (*learn_again)(const dassdp_model_t *model, void *state, uint32_t label,
                        uint32_t is_of_ring);
    /* DASSDP_KEEP_*: a copy of means and names, the copy back, or the factory's. */
    void (*keep)(const dassdp_model_t *model, void *state, uint32_t what);
    /* What came from outside: DASSDP_OK, or DASSDP_E_VALUE. */
    int (*check)(const dassdp_model_t *model, const void *state);
} dassdp_classes_t;

#endif
