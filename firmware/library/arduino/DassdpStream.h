/* The link over an Arduino Stream: Serial of any board, USB or UART. There is one at a time.
 *
 *     static uint8_t request[GESTURES_LINK_REQUEST_BYTES], response[GESTURES_LINK_RESPONSE_BYTES];
 *     dassdp_init(&gestures_model, &state);
 *     host.begin(Serial, gestures_model, &state, request, response); // in setup()
 *     host.poll();                                                   // in loop()
 */
#ifndef DASSDP_STREAM_H
#define DASSDP_STREAM_H

#include <Arduino.h>

#include "dassdp_link.h"

class DassdpStream {
public:
    /* Once, after dassdp_init. DASSDP_OK, or DASSDP_E_SIZE for buffers of another model. */
    template <uint32_t request_bytes, uint32_t response_bytes>
    int begin(Stream &stream, const dassdp_model_t &model, void *state,
              uint8_t (&request)[request_bytes], uint8_t (&response)[response_bytes])
    {
        take(stream);
        return dassdp_link_init(&link_, &model, state, request, request_bytes, response,
                                response_bytes);
    }

    /* Answers what has come in. A request has up to 96 bytes, and many cores keep 64 of them: call it
     * often, and whatever takes long between two requests. */
    void poll();

private:
    void take(Stream &stream);

    dassdp_link_t link_;
};

#endif
