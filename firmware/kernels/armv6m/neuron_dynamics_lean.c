#include "neuron_lean_loops.h"
