/* Of Arduino's core what a sketch with a sensor, buttons and a lamp calls, over the port of a board in
 * QEMU: the sensor and the buttons give rows of a script, one a reading. */
#ifndef WIRE_H
#define WIRE_H

#include "Arduino.h"

enum { LOW = 0, HIGH = 1, OUTPUT = 1, INPUT_PULLUP = 2, LED_BUILTIN = 13, USER_BTN = 23 };

void pinMode(int pin, int mode);
int digitalRead(int pin);
void digitalWrite(int pin, int level);

class TwoWire {
public:
    void begin();
    void setClock(uint32_t hz);
    void beginTransmission(int address);
    size_t write(uint8_t byte);
    int endTransmission(bool stop = true);
    int requestFrom(int address, int n_bytes);
    int read();

private:
    uint8_t sent_[2];
    int n_sent_, at_;
};

extern TwoWire Wire;

#endif
