/* Counts cycles of the core with its own counter (DWT, Armv7-M Architecture Reference Manual, C1.8): 32 bits in hardware,
 * the rest whenever it is looked at. SysTick looks at it ten times a second and more, so that no wrap is missed. */
#include "board.h"
#include "port.h"
#include "processor.h"

#define DEBUG_CONTROL REGISTER(0xe000edfc)
#define DEBUG_TRACE_ENABLE (1u << 24)
#define CYCLES_CONTROL REGISTER(0xe0001000)
#define CYCLES_ENABLE 1u
#define CYCLES_COUNT REGISTER(0xe0001004)
#define LOOK_AGAIN 0x1000000u

static volatile uint32_t high;
static volatile uint32_t last;

void systick_handler(void);

static void look(void) {
    uint32_t now = CYCLES_COUNT;
    if (now < last) {
        high++;
    }
    last = now;
}

void systick_handler(void) {
    look();
}

void port_start_ticks(void) {
    DEBUG_CONTROL |= DEBUG_TRACE_ENABLE;
    CYCLES_CONTROL |= CYCLES_ENABLE;
    SYSTICK_CONTROL = 0;
    INTERRUPT_CONTROL = 1u << 25; /* forget a wrap that is still pending */
    SYSTICK_RELOAD = LOOK_AGAIN - 1;
    SYSTICK_VALUE = 0; /* the same phase for every run */
    SYSTICK_CONTROL = SYSTICK_ENABLE | SYSTICK_INTERRUPT | SYSTICK_PROCESSOR_CLOCK;
}

uint64_t port_ticks(void) {
    __asm__ volatile("cpsid i" ::: "memory");
    look();
    uint64_t ticks = (uint64_t)high << 32 | last;
    __asm__ volatile("cpsie i" ::: "memory");
    return ticks;
}

uint32_t board_cycles(void) {
    return CYCLES_COUNT;
}

uint32_t port_counts_cycles(void) {
    port_start_ticks();
    uint32_t before = CYCLES_COUNT;
    __asm__ volatile("nop\nnop\nnop\nnop");
    return CYCLES_COUNT != before;
}
