/* STM32F4-Discovery (STM32F407VG, UM1472): USART2 on PA2 and PA3, 168 MHz from the 8 MHz crystal.
 *
 * Registers and limits: RM0090, the chapters on flash, power, clocks (of the F405/407), pins and USART. Where the crystal
 * does not start, the core runs from the internal oscillator through the same PLL. The job lies in the upper part of the
 * flash, beside the firmware. */
#include "board.h"
#include "processor.h"

#define CLOCK_CONTROL REGISTER(0x40023800)
#define CLOCK_PLL REGISTER(0x40023804)
#define CLOCK_CHOICE REGISTER(0x40023808)
#define CLOCK_ENABLE_AHB1 REGISTER(0x40023830)
#define CLOCK_ENABLE_APB1 REGISTER(0x40023840)
#define INTERNAL_ON (1u << 0)
#define INTERNAL_READY (1u << 1)
#define CRYSTAL_ON (1u << 16)
#define CRYSTAL_READY (1u << 17)
#define PLL_ON (1u << 24)
#define PLL_READY (1u << 25)
#define PLL_FROM_CRYSTAL (1u << 22)
#define CHOICE_PLL 2u
#define CHOICE_STATE(value) ((value) >> 2 & 3u)
#define APB1_BY_4 (5u << 10) /* at most 42 MHz */
#define APB2_BY_2 (4u << 13) /* at most 84 MHz */
#define ENABLE_PORT_A (1u << 0)
#define ENABLE_USART2 (1u << 17)
#define ENABLE_POWER (1u << 28)
#define POWER_CONTROL REGISTER(0x40007000)
#define POWER_SCALE_1 (1u << 14) /* needed above 144 MHz */
#define FLASH_CONTROL REGISTER(0x40023c00)
#define FLASH_FIVE_WAITS 5u /* 150 to 168 MHz at 2.7 to 3.6 V */
#define FLASH_CACHES (7u << 8) /* prefetch, instructions, data */
#define PINS_A_MODE REGISTER(0x40020000)
#define PINS_A_PULL REGISTER(0x4002000c)
#define PINS_A_FUNCTION_LOW REGISTER(0x40020020)
#define SERIAL_STATE REGISTER(0x40004400)
#define SERIAL_DATA REGISTER(0x40004404)
#define SERIAL_DIVIDER REGISTER(0x40004408)
#define SERIAL_CONTROL REGISTER(0x4000440c)
#define SERIAL_RECEIVED (1u << 5)
#define SERIAL_OVERRUN (1u << 3)
#define SERIAL_EMPTY (1u << 7)
#define SERIAL_ENABLE (1u << 13)
#define SERIAL_TRANSMIT (1u << 3)
#define SERIAL_RECEIVE (1u << 2)

#define CRYSTAL_HZ 8000000u
#define INTERNAL_HZ 16000000u
#define PATIENCE 200000u /* looks at a flag that may never come */

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
    CLOCK_ENABLE_APB1 |= ENABLE_POWER;
    POWER_CONTROL |= POWER_SCALE_1;
    CLOCK_CONTROL |= CRYSTAL_ON;
    uint32_t crystal = wait_for(&CLOCK_CONTROL, CRYSTAL_READY);
    uint32_t divided = crystal ? CRYSTAL_HZ / 1000000u : INTERNAL_HZ / 1000000u;
    /* 1 MHz in, times 336, halved: 168 MHz; the 7 gives USB its 48. */
    CLOCK_PLL = 7u << 24 | (crystal ? PLL_FROM_CRYSTAL : 0) | 0u << 16 | 336u << 6 | divided;
    CLOCK_CONTROL |= PLL_ON;
    if (!wait_for(&CLOCK_CONTROL, PLL_READY)) {
        return;
    }
    FLASH_CONTROL = FLASH_CACHES | FLASH_FIVE_WAITS;
    for (uint32_t i = 0; i < PATIENCE && (FLASH_CONTROL & 7u) != FLASH_FIVE_WAITS; i++) {
    }
    CLOCK_CHOICE = APB1_BY_4 | APB2_BY_2 | CHOICE_PLL;
    for (uint32_t i = 0; i < PATIENCE && CHOICE_STATE(CLOCK_CHOICE) != CHOICE_PLL; i++) {
    }
}

/* An oscillator's frequency, 0 while it does not run. */
static uint32_t oscillator(uint32_t ready, uint32_t hz) {
    return CLOCK_CONTROL & ready ? hz : 0;
}

static uint32_t system_clock(void) {
    switch (CHOICE_STATE(CLOCK_CHOICE)) {
    case 0:
        return oscillator(INTERNAL_READY, INTERNAL_HZ);
    case 1:
        return oscillator(CRYSTAL_READY, CRYSTAL_HZ);
    case 2:
        break;
    default:
        return 0;
    }
    uint32_t pll = CLOCK_PLL;
    uint32_t source = pll & PLL_FROM_CRYSTAL ? oscillator(CRYSTAL_READY, CRYSTAL_HZ)
                                             : oscillator(INTERNAL_READY, INTERNAL_HZ);
    uint32_t divisor = pll & 63u;
    if (!(CLOCK_CONTROL & PLL_READY) || divisor < 2) {
        return 0;
    }
    return source / divisor * (pll >> 6 & 511u) / (((pll >> 16 & 3u) + 1) * 2);
}

uint32_t board_clock_hz(void) {
    static const uint8_t shifts[8] = {1, 2, 3, 4, 6, 7, 8, 9};
    uint32_t division = CLOCK_CHOICE >> 4 & 15u;
    return division < 8 ? system_clock() : system_clock() >> shifts[division - 8];
}

static uint32_t peripheral_clock(void) {
    uint32_t division = CLOCK_CHOICE >> 10 & 7u;
    uint32_t core = board_clock_hz();
    core = core == 0 ? INTERNAL_HZ : core; /* it runs, or this would not */
    return division < 4 ? core : core >> (division - 3);
}

void board_start_serial(void) {
    start_clock();
    CLOCK_ENABLE_AHB1 |= ENABLE_PORT_A;
    CLOCK_ENABLE_APB1 |= ENABLE_USART2;
    (void)CLOCK_ENABLE_APB1; /* two cycles before the first access */
    PINS_A_FUNCTION_LOW = (PINS_A_FUNCTION_LOW & ~(0xffu << 8)) | 0x77u << 8; /* function 7: USART2 */
    PINS_A_PULL = (PINS_A_PULL & ~(15u << 4)) | 5u << 4;                      /* up: a line without a cable is quiet */
    PINS_A_MODE = (PINS_A_MODE & ~(15u << 4)) | 10u << 4;
    SERIAL_DIVIDER = (peripheral_clock() + BOARD_BAUD / 2) / BOARD_BAUD;
    SERIAL_CONTROL = SERIAL_ENABLE | SERIAL_TRANSMIT | SERIAL_RECEIVE;
}

void board_put_character(char character) {
    while (!(SERIAL_STATE & SERIAL_EMPTY)) {
    }
    SERIAL_DATA = (uint8_t)character;
}

int board_get_character(void) {
    uint32_t state = SERIAL_STATE;
    /* Reading the data after the state also forgets an overrun; the checksum tells of the character that was lost. */
    return state & (SERIAL_RECEIVED | SERIAL_OVERRUN) ? (int)(SERIAL_DATA & 0xffu) : -1;
}
