/* The application of app.h as an Arduino sketch, for an accelerometer of ST's LIS3DH family on I2C. README.md
 * has the wiring. The library is what `edge-dassdp generate wrist.q.npz --for arduino --name wrist` wrote. */
#include <Arduino.h>
#include <Wire.h>
#include <dassdp_flash.h>
#include <wrist.h>

#include "app.h"

/* 1: Serial is a host's, who looks in with `edge-dassdp ... --target serial:PORT`; nothing is printed. */
#ifndef APP_LINK
#define APP_LINK 0
#endif
#if APP_LINK
#include <DassdpStream.h>

static DassdpStream host;
static uint8_t request[WRIST_LINK_REQUEST_BYTES], response[WRIST_LINK_RESPONSE_BYTES];
#endif

/* ---- the board ---- */

#if defined(ARDUINO_BBC_MICROBIT_V2) /* all on board: LSM303AGR, both buttons, a lamp of the matrix */
#define SENSOR_WIRE Wire1
enum { SENSOR_ADDRESS = 0x19, PIN_A = PIN_BUTTON_A, PIN_B = PIN_BUTTON_B, PIN_ALARM = 21 };
#define PIN_ALARM_LOW 4
#else /* a Nucleo: LIS3DH on SDA and SCL, a button from D2 to ground, the blue one, the green lamp */
#define SENSOR_WIRE Wire
enum { SENSOR_ADDRESS = 0x18, PIN_A = 2, PIN_B = USER_BTN, PIN_ALARM = LED_BUILTIN };
#endif

/* ---- flash: two slots at its end ---- */

#if defined(NRF51) || defined(NRF52) || defined(NRF52_SERIES) || defined(NRF52833_XXAA)
#define HAS_SLOTS 1
enum { WRITE_BYTES = 4, SLOT_BYTES = 4096 };
#if defined(NRF51)
enum { FLASH_END = 0x40000, ERASE_BYTES = 1024 };
#else
enum { FLASH_END = 0x80000, ERASE_BYTES = 4096 };
#endif
enum { SLOTS = FLASH_END - 2 * SLOT_BYTES };

static volatile uint32_t &nvmc(uint32_t offset)
{
    return *reinterpret_cast<volatile uint32_t *>(0x4001E000UL + offset);
}

/* Mode 1: a word is written; 2: a page is erased, by its address in ERASEPAGE. */
static int nvmc_store(uint32_t mode, volatile uint32_t &at, uint32_t value)
{
    nvmc(0x504) = mode;
    at = value;
    while ((nvmc(0x400) & 1U) == 0U) {
    }
    nvmc(0x504) = 0;
    return 0;
}

int dassdp_flash_erase(uint32_t address)
{
    return nvmc_store(2, nvmc(0x508), address);
}

int dassdp_flash_write(uint32_t address, const uint32_t *unit)
{
    return nvmc_store(1, *reinterpret_cast<volatile uint32_t *>(address), *unit);
}

#elif defined(STM32L4xx)
#define HAS_SLOTS 1
enum { WRITE_BYTES = 8, ERASE_BYTES = 2048, SLOT_BYTES = 4096 };
static const uint32_t SLOTS = 0x08100000UL - 2 * SLOT_BYTES; /* of 1 MB: the end of the second bank */

int dassdp_flash_erase(uint32_t address)
{
    FLASH_EraseInitTypeDef what = {};
    uint32_t failed;
    what.TypeErase = FLASH_TYPEERASE_PAGES;
    what.Banks = FLASH_BANK_2;
    what.Page = (address - 0x08080000UL) / ERASE_BYTES;
    what.NbPages = 1;
    HAL_FLASH_Unlock();
    __HAL_FLASH_CLEAR_FLAG(FLASH_FLAG_ALL_ERRORS);
    int status = HAL_FLASHEx_Erase(&what, &failed) == HAL_OK ? 0 : 1;
    HAL_FLASH_Lock();
    return status;
}

int dassdp_flash_write(uint32_t address, const uint32_t *unit)
{
    HAL_FLASH_Unlock();
    uint64_t both = static_cast<uint64_t>(unit[1]) << 32 | unit[0];
    int status = HAL_FLASH_Program(FLASH_TYPEPROGRAM_DOUBLEWORD, address, both) == HAL_OK ? 0 : 1;
    HAL_FLASH_Lock();
    return status;
}

#else /* no driver: a save says "not saved" */
enum { SLOTS = 0, SLOT_BYTES = 0, ERASE_BYTES = 4, WRITE_BYTES = 4 };
static const uint32_t nothing[16] = {};

int dassdp_flash_erase(uint32_t)
{
    return 1;
}

int dassdp_flash_write(uint32_t, const uint32_t *)
{
    return 1;
}
#endif

const uint8_t *dassdp_flash_at(uint32_t address)
{
#if defined(HAS_SLOTS)
    return reinterpret_cast<const uint8_t *>(address);
#else
    (void)address;
    return reinterpret_cast<const uint8_t *>(nothing);
#endif
}

static uint32_t unit_written[WRITE_BYTES / 4];

extern const dassdp_slots_t app_port_slots = {
    &wrist_model, 0, SLOTS, SLOT_BYTES, ERASE_BYTES, WRITE_BYTES, 0, unit_written,
};

/* ---- sensor, buttons, lamp ---- */

static void sensor_write(uint8_t address, uint8_t value)
{
    SENSOR_WIRE.beginTransmission(SENSOR_ADDRESS);
    SENSOR_WIRE.write(address);
    SENSOR_WIRE.write(value);
    SENSOR_WIRE.endTransmission();
}

/* 50 Hz, +-4 g in 12 bits at the left of 16: a sixteenth of it has 512 to 1 g. */
static void sensor_begin()
{
    SENSOR_WIRE.begin();
    SENSOR_WIRE.setClock(400000);
    sensor_write(0x20, 0x47); /* CTRL_REG1: 50 Hz, x, y, z */
    sensor_write(0x23, 0x98); /* CTRL_REG4: whole readings, +-4 g, high resolution */
}

int app_port_read(int16_t counts[APP_N_CHANNELS])
{
    SENSOR_WIRE.beginTransmission(SENSOR_ADDRESS);
    SENSOR_WIRE.write(static_cast<uint8_t>(0x28 | 0x80)); /* OUT_X_L, and what follows */
    if (SENSOR_WIRE.endTransmission(false) != 0 ||
        SENSOR_WIRE.requestFrom(SENSOR_ADDRESS, 2 * APP_N_CHANNELS) != 2 * APP_N_CHANNELS) {
        return 1;
    }
    for (int c = 0; c < APP_N_CHANNELS; c++) {
        int low = SENSOR_WIRE.read(), high = SENSOR_WIRE.read();
        counts[c] = static_cast<int16_t>(static_cast<int16_t>(high << 8 | low) >> 4);
    }
    return 0;
}

uint32_t app_port_buttons(void)
{
    return (digitalRead(PIN_A) == LOW ? APP_BUTTON_A : 0) |
           (digitalRead(PIN_B) == LOW ? APP_BUTTON_B : 0);
}

uint32_t app_port_ms(void)
{
    return millis();
}

void app_port_alarm(int is_on)
{
    digitalWrite(PIN_ALARM, is_on ? HIGH : LOW);
}

void app_port_report(const app_report_t *report)
{
    char line[APP_LINE_BYTES];
    uint32_t n_bytes = APP_LINK ? 0 : app_text(report, line);
    for (uint32_t i = 0; i < n_bytes; i++) {
        Serial.write(static_cast<uint8_t>(line[i]));
    }
}

/* ---- when a reading is due: Wire needs interrupts, so it is read between steps, not in one ---- */

static uint32_t due_ms;

void app_port_poll(void)
{
    uint32_t now_ms = millis();
    if (static_cast<int32_t>(now_ms - due_ms) >= 0) {
        due_ms += APP_PERIOD_MS;
        if (static_cast<int32_t>(now_ms - due_ms) >= 0) {
            due_ms = now_ms + APP_PERIOD_MS; /* too late for the one before: app_tick counts it */
        }
        app_tick();
    }
}

void setup()
{
    Serial.begin(115200);
    pinMode(PIN_A, INPUT_PULLUP);
    pinMode(PIN_B, INPUT_PULLUP);
    pinMode(PIN_ALARM, OUTPUT);
#if defined(PIN_ALARM_LOW)
    pinMode(PIN_ALARM_LOW, OUTPUT);
    digitalWrite(PIN_ALARM_LOW, LOW);
#endif
    sensor_begin();
    app_start();
#if APP_LINK
    host.begin(Serial, wrist_model, app_state(), request, response);
#endif
    due_ms = millis() + APP_PERIOD_MS;
}

void loop()
{
    app_port_poll();
    app_poll();
#if APP_LINK
    if (Serial.available() > 0) {
        host.poll();
        app_was_asked();
    }
#endif
}
