@ stack: 36
#include "neuron_touch_thumb.h"
