/* Of Arduino's core what a library of models and its sketches call, over the port of a board in QEMU. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stddef.h>
#include <stdint.h>

class Print {
public:
    virtual size_t write(uint8_t byte) = 0;
    size_t print(const char *text);
    size_t println(const char *text);
    size_t print(long number);
};

class Stream : public Print {
public:
    virtual int available() = 0;
    virtual int read() = 0;
};

class HardwareSerial final : public Stream {
public:
    void begin(unsigned long baud);
    size_t write(uint8_t byte) override;
    int available() override;
    int read() override;
};

extern HardwareSerial Serial;

unsigned long micros(void);
unsigned long millis(void);

void setup(void);
void loop(void);

#endif
