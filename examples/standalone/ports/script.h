/* What the scripted sensor gives: x, y, z and the buttons that are down, row by row. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdint.h>

extern const int16_t script_rows[][4];

#endif
