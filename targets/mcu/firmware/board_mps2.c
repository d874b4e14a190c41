/* Arm MPS2 with the images AN385 (Cortex-M3), AN386 (Cortex-M4) and their like: CMSDK serial port, job in the PSRAM. */
#include "board.h"
#include "processor.h"

#define SERIAL_DATA REGISTER(0x40004000)
#define SERIAL_STATE REGISTER(0x40004004)
#define SERIAL_CONTROL REGISTER(0x40004008)
#define SERIAL_DIVIDER REGISTER(0x40004010)
#define SERIAL_STATE_FULL 1u
#define SERIAL_TRANSMIT 1u

const void *const board_job = (const void *)0x21000000;
const uint32_t board_job_bytes = 16u << 20;

void board_start_serial(void) {
    SERIAL_DIVIDER = 16; /* the least the port accepts: as fast as it goes */
    SERIAL_CONTROL = SERIAL_TRANSMIT;
}

void board_put_character(char character) {
    while (SERIAL_STATE & SERIAL_STATE_FULL) {
    }
    SERIAL_DATA = (uint8_t)character;
}
