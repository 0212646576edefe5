/* Feeds standard input to the device: a program, so that the address sanitizer can watch it. */
#include <stdio.h>

#include "loopback.h"

int main(void)
{
    static uint8_t received[4096];
    static uint8_t sent[1 << 16];
    uint64_t n_sent = 0;
    size_t n = 0;
    if (dassdp_loopback_boot() != 0) {
        return 2;
    }
    while ((n = fread(received, 1, sizeof received, stdin)) != 0) {
        n_sent += dassdp_loopback_feed(received, (uint32_t)n, sent, sizeof sent);
    }
    printf("%llu\n", (unsigned long long)n_sent);
    return 0;
}
