/* Nucleo-L476RG (STM32L476RG, UM1724): USART2 on PA2 and PA3, which the board's ST-LINK passes on over USB; 80 MHz from the
 * internal 16 MHz oscillator, which is true to 1 %.
 *
 * Registers and limits: RM0351, the chapters on flash, clocks, pins and USART. After a reset the core is at
 * voltage range 1, as 80 MHz needs it. The job lies in the upper part of the flash, beside the firmware. */
#include "board.h"
#include "processor.h"

#define CLOCK_CONTROL REGISTER(0x40021000)
#define CLOCK_CHOICE REGISTER(0x40021008)
#define CLOCK_PLL REGISTER(0x4002100c)
#define CLOCK_ENABLE_AHB2 REGISTER(0x4002104c)
#define CLOCK_ENABLE_APB1 REGISTER(0x40021058)
#define INTERNAL_ON (1u << 8)
#define INTERNAL_READY (1u << 10)
#define PLL_ON (1u << 24)
#define PLL_READY (1u << 25)
#define PLL_FROM_INTERNAL 2u
#define PLL_OUT (1u << 24)
#define CHOICE_PLL 3u
#define CHOICE_STATE(value) ((value) >> 2 & 3u)
#define ENABLE_PORT_A (1u << 0)
#define ENABLE_USART2 (1u << 17)
#define FLASH_CONTROL REGISTER(0x40022000)
#define FLASH_FOUR_WAITS 4u /* 64 to 80 MHz in range 1 */
#define FLASH_CACHES (7u << 8) /* prefetch, instructions, data */
#define PINS_A_MODE REGISTER(0x48000000)
#define PINS_A_PULL REGISTER(0x4800000c)
#define PINS_A_FUNCTION_LOW REGISTER(0x48000020)
#define SERIAL_CONTROL REGISTER(0x40004400)
#define SERIAL_DIVIDER REGISTER(0x4000440c)
#define SERIAL_STATE REGISTER(0x4000441c)
#define SERIAL_CLEAR REGISTER(0x40004420)
#define SERIAL_RECEIVE_DATA REGISTER(0x40004424)
#define SERIAL_TRANSMIT_DATA REGISTER(0x40004428)
#define SERIAL_OVERRUN (1u << 3)
#define SERIAL_RECEIVED (1u << 5)
#define SERIAL_EMPTY (1u << 7)
#define SERIAL_ENABLE (1u << 0)
#define SERIAL_RECEIVE (1u << 2)
#define SERIAL_TRANSMIT (1u << 3)

#define INTERNAL_HZ 16000000u
#define RESET_HZ 4000000u /* of the oscillator that runs after a reset */
#define PATIENCE 200000u  /* looks at a flag that may never come */

#ifndef BOARD_BAUD
#define BOARD_BAUD 115200u
#endif

const void *const board_job = job_start;
const uint32_t board_job_bytes = (uint32_t)(uintptr_t)job_room;

static uint32_t wait_for(volatile uint32_t *place, uint32_t flag) {
    for (uint32_t i = 0; i < PATIENCE; i++) {
        if (*place & flag) {
            return 1;
        }
    }
    return 0;
}

static void start_clock(void) {
    CLOCK_CONTROL |= INTERNAL_ON;
    if (!wait_for(&CLOCK_CONTROL, INTERNAL_READY)) {
        return;
    }
    /* 16 MHz in, times 10, halved: 80 MHz. */
    CLOCK_PLL = PLL_OUT | 0u << 25 | 10u << 8 | 0u << 4 | PLL_FROM_INTERNAL;
    CLOCK_CONTROL |= PLL_ON;
    if (!wait_for(&CLOCK_CONTROL, PLL_READY)) {
        return;
    }
    FLASH_CONTROL = FLASH_CACHES | FLASH_FOUR_WAITS;
    for (uint32_t i = 0; i < PATIENCE && (FLASH_CONTROL & 7u) != FLASH_FOUR_WAITS; i++) {
    }
    CLOCK_CHOICE = CHOICE_PLL;
    for (uint32_t i = 0; i < PATIENCE && CHOICE_STATE(CLOCK_CHOICE) != CHOICE_PLL; i++) {
    }
}

/* Known for the oscillator and the PLL that are set above, 0 for what else there might be. */
uint32_t board_clock_hz(void) {
    uint32_t control = CLOCK_CONTROL;
    uint32_t choice = CLOCK_CHOICE;
    if (!(control & INTERNAL_READY) || (choice >> 4 & 15u) >= 8) {
        return 0;
    }
    if (CHOICE_STATE(choice) == 1) {
        return INTERNAL_HZ;
    }
    uint32_t pll = CLOCK_PLL;
    if (CHOICE_STATE(choice) != CHOICE_PLL || !(control & PLL_READY) || (pll & 3u) != PLL_FROM_INTERNAL) {
        return 0;
    }
    return INTERNAL_HZ / ((pll >> 4 & 7u) + 1) * (pll >> 8 & 127u) / (((pll >> 25 & 3u) + 1) * 2);
}

void board_start_serial(void) {
    start_clock();
    CLOCK_ENABLE_AHB2 |= ENABLE_PORT_A;
    CLOCK_ENABLE_APB1 |= ENABLE_USART2;
    (void)CLOCK_ENABLE_APB1; /* before the first access */
    PINS_A_FUNCTION_LOW = (PINS_A_FUNCTION_LOW & ~(0xffu << 8)) | 0x77u << 8; /* function 7: USART2 */
    PINS_A_PULL = (PINS_A_PULL & ~(15u << 4)) | 5u << 4;
    PINS_A_MODE = (PINS_A_MODE & ~(15u << 4)) | 10u << 4;
    uint32_t clock = board_clock_hz();
    SERIAL_DIVIDER = ((clock == 0 ? RESET_HZ : clock) + BOARD_BAUD / 2) / BOARD_BAUD;
    SERIAL_CONTROL = SERIAL_ENABLE | SERIAL_TRANSMIT | SERIAL_RECEIVE;
}

void board_put_character(char character) {
    while (!(SERIAL_STATE & SERIAL_EMPTY)) {
    }
    SERIAL_TRANSMIT_DATA = (uint8_t)character;
}

int board_get_character(void) {
    uint32_t state = SERIAL_STATE;
    if (state & SERIAL_OVERRUN) {
        SERIAL_CLEAR = SERIAL_OVERRUN; /* the checksum tells of the character that was lost */
    }
    return state & SERIAL_RECEIVED ? (int)(SERIAL_RECEIVE_DATA & 0xffu) : -1;
}
