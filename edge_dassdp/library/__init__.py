"""Models inside somebody's own firmware: the runtime as one flat library whose kernels the
compiler's macros choose, the models and their input contract in C, and what a build system wants
around them.
"""
