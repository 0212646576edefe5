#include "Arduino.h"

/* The board's port, whose functions were renamed: a library brings its own. */
extern "C" {
void board_port_init(void);
int board_port_get(void);
void board_port_put(uint8_t byte);
uint32_t board_port_ticks(void);
}

HardwareSerial Serial;
static int waiting = -1;

void HardwareSerial::begin(unsigned long)
{
}

size_t HardwareSerial::write(uint8_t byte)
{
    board_port_put(byte);
    return 1;
}

int HardwareSerial::available()
{
    if (waiting < 0) {
        waiting = board_port_get();
    }
    return waiting < 0 ? 0 : 1;
}

int HardwareSerial::read()
{
    int byte = available() ? waiting : -1;
    waiting = -1;
    return byte;
}

size_t Print::print(const char *text)
{
    size_t n = 0;
    while (text[n] != '\0') {
        write(static_cast<uint8_t>(text[n++]));
    }
    return n;
}

size_t Print::println(const char *text)
{
    return print(text) + print("\r\n");
}

size_t Print::print(long number)
{
    char digits[24];
    size_t at = sizeof digits - 1;
    unsigned long rest = number < 0 ? 0UL - static_cast<unsigned long>(number) :
                                      static_cast<unsigned long>(number);
    digits[at] = '\0';
    do {
        digits[--at] = static_cast<char>('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0) {
        digits[--at] = '-';
    }
    return print(digits + at);
}

unsigned long micros()
{
    return board_port_ticks();
}

unsigned long millis()
{
    return board_port_ticks() / 1000;
}

int main()
{
    board_port_init();
    setup();
    for (;;) {
        loop();
    }
}
