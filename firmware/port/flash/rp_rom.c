/* RP2040: its boot ROM erases and writes the flash chip, 4 KiB and 256 bytes at a time. Meanwhile nothing
 * can be read or run from flash, so what calls the ROM is copied to the stack and runs there, with
 * interrupts masked. Then flash is mapped again, by command 03h as by boot2, with its clock. */
#include <string.h>

#include "dassdp_board.h"
#include "flash.h"
#include "port.h"

#define FLASH_ORIGIN 0x10000000UL
#define FUNCTIONS 0x14UL /* in the ROM: the address of its table of functions, 16 bits */
#define LOOK_UP 0x18UL   /* and of what looks up in it */
#define CODE(a, b) ((uint32_t)(a) | (uint32_t)(b) << 8)
#define BLOCK_BYTES 0x10000UL
#define BLOCK_ERASE 0xD8UL
#define SCK_DIVIDER 4UL /* boot2's; the ROM leaves another */

enum { CODE_BYTES = 64 };

_Static_assert(DASSDP_STORE_ERASE_BYTES == 4096U && DASSDP_STORE_WRITE_BYTES == 256U,
               "sectors and pages of the flash chip");

typedef void *(*look_up_t)(const void *table, uint32_t code);
typedef struct work work_t;

/* What dassdp_rom_call reads, in its order. */
struct work {
    void *connect;
    void *exit_xip;
    void *function; /* erase or program, */
    uint32_t arguments[4];
    void *flush;
    void *enter_xip;
    uint32_t ssi;
    uint32_t divider;
    void (*run)(const work_t *work);
};

void dassdp_rom_call(const work_t *work);

/* Runs wherever it is copied to. It lowers the stack once by what the ROM takes of it, and raises it again:
 * who adds up frames has no other listing of the ROM. */
__asm(".syntax unified\n"
      "    .section .text.dassdp_rom_call, \"ax\", %progbits\n"
      "    .thumb\n"
      "    .align 2\n"
      "    .global dassdp_rom_call\n"
      "    .type dassdp_rom_call, %function\n"
      "    .thumb_func\n"
      "dassdp_rom_call:\n"
      "    push {r4, r5, r6, lr}\n"
      "    sub sp, #128\n"
      "    add sp, #128\n"
      "    mov r4, r0\n"
      "    mrs r5, primask\n"
      "    cpsid i\n"
      "    ldr r0, [r4]\n"
      "    blx r0\n"          /* connect the flash chip */
      "    ldr r0, [r4, #4]\n"
      "    blx r0\n"          /* it leaves the mode of mapped reads */
      "    ldr r0, [r4, #12]\n"
      "    ldr r1, [r4, #16]\n"
      "    ldr r2, [r4, #20]\n"
      "    ldr r3, [r4, #24]\n"
      "    ldr r6, [r4, #8]\n"
      "    blx r6\n"          /* erase or program */
      "    ldr r0, [r4, #28]\n"
      "    blx r0\n"          /* flush the cache, free chip select */
      "    ldr r0, [r4, #32]\n"
      "    blx r0\n"          /* map it */
      "    ldr r0, [r4, #36]\n"
      "    ldr r1, [r4, #40]\n"
      "    movs r2, #0\n"
      "    str r2, [r0, #0x08]\n" /* SSIENR: off while it is set up */
      "    str r1, [r0, #0x14]\n" /* BAUDR */
      "    movs r2, #1\n"
      "    str r2, [r0, #0x08]\n"
      "    msr primask, r5\n"
      "    pop {r4, r5, r6, pc}\n"
      "    .org 64\n" /* CODE_BYTES; of more it does not assemble */
      "    .size dassdp_rom_call, . - dassdp_rom_call\n"
      "    .text\n");

static const void *rom(uint32_t at) {
    __asm("" : "+r"(at)); /* the compiler takes no address so low for one */
    return (const void *)(uint32_t)*(const volatile uint16_t *)at;
}

static void *function(uint32_t code) {
    return ((look_up_t)rom(LOOK_UP))(rom(FUNCTIONS), code);
}

/* The ROM's function of that code, with these arguments. It tells nothing: what was written is read back. */
static int call(uint32_t code, uint32_t address, uint32_t second, uint32_t third, uint32_t fourth) {
    uint32_t code_in_ram[CODE_BYTES / 4];
    const uint8_t *begin = (const uint8_t *)((uint32_t)dassdp_rom_call & ~1UL);
    work_t work = {
        .connect = function(CODE('I', 'F')),
        .exit_xip = function(CODE('E', 'X')),
        .function = function(code),
        .arguments = {address - FLASH_ORIGIN, second, third, fourth},
        .flush = function(CODE('F', 'C')),
        .enter_xip = function(CODE('C', 'X')),
        .ssi = DASSDP_STORE_BASE,
        .divider = SCK_DIVIDER,
        .run = dassdp_rom_call,
    };
    memcpy(code_in_ram, begin, sizeof code_in_ram);
    __asm volatile("dsb\n\tisb" ::: "memory");
    work_t *in_ram = &work;
    in_ram->run = (void (*)(const work_t *))((uint32_t)code_in_ram | 1U);
    in_ram->run(in_ram);
    return 0;
}

int dassdp_flash_erase(uint32_t address) {
    dassdp_port_feed();
    return call(CODE('R', 'E'), address, DASSDP_STORE_ERASE_BYTES, BLOCK_BYTES, BLOCK_ERASE);
}

int dassdp_flash_write(uint32_t address, const uint32_t *unit) {
    return call(CODE('R', 'P'), address, (uint32_t)unit, DASSDP_STORE_WRITE_BYTES, 0);
}

const uint8_t *dassdp_flash_at(uint32_t address) {
    return (const uint8_t *)address;
}
