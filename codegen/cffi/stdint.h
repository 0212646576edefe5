/* Nothing: cffi knows the fixed-width types, and declares no others. */
