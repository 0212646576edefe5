/* port.h over standard input and output: what an application runs on here. The end of input ends it.
 * All that was answered is out before more is read, so whoever asks knows what a program died of. */
#include <stdio.h>
#include <stdlib.h>

#include "port.h"

void dassdp_port_init(void) {}

int dassdp_port_get(void)
{
    (void)fflush(stdout);
    int byte = getchar();
    if (byte == EOF) {
        exit(0);
    }
    return byte;
}

void dassdp_port_put(uint8_t byte)
{
    (void)putchar(byte);
}

void dassdp_port_wait(void) {}
