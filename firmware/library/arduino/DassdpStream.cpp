#ifdef ARDUINO
#include "DassdpStream.h"

#include "dassdp_port.h"

static Stream *stream; /* that answers go to */

void DassdpStream::take(Stream &taken)
{
    stream = &taken;
}

void DassdpStream::poll()
{
    for (int byte = stream->read(); byte >= 0; byte = stream->read()) {
        dassdp_link_receive(&link_, static_cast<uint8_t>(byte));
    }
}

/* What the link asks of a chip; dassdp_link_port.c says the rest. */
extern "C" void dassdp_port_put(uint8_t byte)
{
    stream->write(byte);
}

extern "C" uint32_t dassdp_port_ticks(void)
{
    return micros();
}

extern "C" uint32_t dassdp_port_tick_bits(void)
{
    return 32;
}
#endif
