/* The computer that runs the emulator, where a board's generated header would stand. */
#ifndef DASSDP_BOARD_H
#define DASSDP_BOARD_H

#define DASSDP_BOARD_NAME "host"
#define DASSDP_STORES 1

#endif
