#include "neuron_touch_thumb.h"
