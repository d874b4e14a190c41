/* Counts processor clocks with SysTick, 24 bits in hardware and the rest in its interrupt. On the emulators a clock is a
 * fixed share of an instruction, so ticks are instructions in another unit.
 *
 * The interrupt costs the measured code about twenty instructions every 2^24 ticks: less than three in a million. */
#include "port.h"
#include "processor.h"

#define PERIOD 0x1000000u

static volatile uint32_t wraps;

void systick_handler(void);

void systick_handler(void) {
    wraps++;
}

void port_start_ticks(void) {
    (void)SYSTICK_VALUE; /* an emulator that keeps time in blocks brings it up to date on a read, not on a write */
    SYSTICK_CONTROL = 0;
    INTERRUPT_CONTROL = 1u << 25; /* forget a wrap that is still pending */
    wraps = 0;
    SYSTICK_RELOAD = PERIOD - 1;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = SYSTICK_ENABLE | SYSTICK_INTERRUPT | SYSTICK_PROCESSOR_CLOCK;
}

uint64_t port_ticks(void) {
    uint32_t before;
    uint32_t value;
    do {
        before = wraps;
        value = SYSTICK_VALUE;
    } while (before != wraps); /* a wrap between the two reads: take both again */
    /* The counter reloads one tick after it reads 0, and right after the start it reads 0 too. */
    return (uint64_t)before * PERIOD + (value == 0 ? 0 : PERIOD - value);
}
