/* Where the checked build ends. */
#include <stdio.h>
#include <stdlib.h>

void dassdp_overflow(const char *file, int line);

void dassdp_overflow(const char *file, int line)
{
    fprintf(stderr, "a value left its proven range at %s:%d\n", file, line);
    abort();
}
