/* A sketch in QEMU, told over its UART from which row of the script to which, as ports/scripted.c. */
#include "Wire.h"

#include "app.h"
extern "C" {
#include "script.h"
}

/* The board's port, whose functions were renamed: a library brings its own. */
extern "C" {
void board_port_init(void);
int board_port_get(void);
void board_port_put(uint8_t byte);
void board_port_wait(void);
uint32_t board_port_ticks(void);

}

HardwareSerial Serial;
TwoWire Wire;
static uint32_t row, is_lit;

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
    return 0;
}

int HardwareSerial::read()
{
    return -1;
}

static uint32_t last_ticks, ms;

unsigned long millis()
{
    uint32_t n_ms = (board_port_ticks() - last_ticks) / TICKS_PER_MS;
    last_ticks += n_ms * TICKS_PER_MS;
    ms += n_ms;
    return ms;
}

/* ---- a LIS3DH, that is asked for nothing but what the sketch needs of it ---- */

void TwoWire::begin()
{
}

void TwoWire::setClock(uint32_t)
{
}

void TwoWire::beginTransmission(int)
{
    n_sent_ = 0;
}

size_t TwoWire::write(uint8_t byte)
{
    sent_[n_sent_++ % 2] = byte;
    return 1;
}

int TwoWire::endTransmission(bool)
{
    return 0;
}

int TwoWire::requestFrom(int, int n_bytes)
{
    at_ = 0;
    row += 1;
    return n_sent_ == 1 && sent_[0] == 0xA8 ? n_bytes : 0;
}

int TwoWire::read()
{
    uint16_t raw = static_cast<uint16_t>(script_rows[row - 1][at_ / 2] * 16);
    return at_++ % 2 == 0 ? raw & 0xFF : raw >> 8;
}

/* ---- pins ---- */

void pinMode(int, int)
{
}

int digitalRead(int pin)
{
    int button = pin == USER_BTN ? APP_BUTTON_B : APP_BUTTON_A;
    return script_rows[row - 1][3] & button ? LOW : HIGH;
}

void digitalWrite(int, int level)
{
    is_lit = static_cast<uint32_t>(level);
}

/* ---- main ---- */

static uint32_t receive_word()
{
    uint32_t word = 0;
    for (uint32_t shift = 0; shift < 32; shift += 8) {
        int byte = board_port_get();
        while (byte < 0) {
            board_port_wait();
            byte = board_port_get();
        }
        word |= static_cast<uint32_t>(byte) << shift;
    }
    return word;
}

static void say(const char *text)
{
    while (*text != '\0') {
        board_port_put(static_cast<uint8_t>(*text++));
    }
}

int main()
{
    board_port_init();
    setup();
    for (;;) {
        row = receive_word();
        uint32_t end = receive_word();
        last_ticks = board_port_ticks(); /* while it was waiting for words no time went by */
        while (row < end) {
            uint32_t before = row;
            loop();
            ms += row == before ? 1 : 0; /* it had nothing to do: as if it had for as long as that */
        }
        while (app_poll()) {
        }
        say(is_lit != 0 ? "end lit\n" : "end dark\n");
    }
}
