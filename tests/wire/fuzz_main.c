/* Feeds standard input to the device and its answers to standard output: a program, so that the
 * address sanitizer can watch it. */
#include <stdio.h>

#include "loopback.h"

int main(void)
{
    static uint8_t received[4096];
    static uint8_t sent[1 << 16];
    size_t n = 0;
    if (dassdp_loopback_boot() != 0) {
        return 2;
    }
    while ((n = fread(received, 1, sizeof received, stdin)) != 0) {
        (void)fwrite(sent, 1, dassdp_loopback_feed(received, (uint32_t)n, sent, sizeof sent), stdout);
    }
    return 0;
}
