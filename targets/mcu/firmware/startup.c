/* Reset, vector table, stack guard and fault reports.
 *
 * The stack lies at the bottom of the RAM and grows down towards a region that the MPU forbids, so an overflow is a fault
 * and not silent damage. Faults are handled on a small stack of their own, because the one in use may be the reason. */
#include "board.h"
#include "frames.h"
#include "job.h"
#include "memory.h"
#include "port.h"
#include "processor.h"

#define STACK_PAINT 0xa5a5a5a5u
#define GUARD_BYTES 256u /* a power of two: the MPU's unit */

/* From the linker script. */
extern uint32_t stack_guard[], stack_bottom[], stack_top[], fault_stack_top[];
extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[];
extern uint8_t arena_start[], arena_end[];

void reset_handler(void);
void fault_handler(void);
void report_fault(const uint32_t *stacked, uint32_t return_code);
void systick_handler(void);

typedef void handler(void);

struct vector_table {
    const void *initial_stack;
    handler *handlers[15];
};

__attribute__((section(".vectors"), used)) const struct vector_table vector_table = {
    .initial_stack = stack_top,
    .handlers = {reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, 0, 0, 0, 0,
                 fault_handler, fault_handler, 0, fault_handler, systick_handler},
};

void port_put_character(char character) {
    board_put_character(character);
}

uint32_t port_stack_size(void) {
    return (uint32_t)((uintptr_t)stack_top - (uintptr_t)stack_bottom);
}

uint32_t port_stack_used(void) {
    const uint32_t *word = stack_bottom;
    while (word < stack_top && *word == STACK_PAINT) {
        word++;
    }
    return (uint32_t)((uintptr_t)stack_top - (uintptr_t)word);
}

/* The compiler cannot tell that this never ends, nor turn it into a loop: the frame is used after the call. */
__attribute__((noinline)) static uint32_t recurse(uint32_t depth, volatile uint32_t *limit) {
    volatile uint32_t frame[16];
    frame[depth % 16] = depth;
    return depth == *limit ? depth : recurse(depth + 1, limit) + frame[(depth + 1) % 16];
}

void port_self_test(uint32_t which) {
    if (which == JOB_FAULTS) {
        __asm__ volatile("udf #0");
    } else if (which == JOB_OVERFLOWS_STACK) {
        volatile uint32_t limit = UINT32_MAX;
        frame_number(recurse(0, &limit));
    } else {
        for (;;) {
            __asm__ volatile("");
        }
    }
}

static void forbid_stack_guard(void) {
    if (MPU_TYPE == 0) {
        return; /* no MPU: the paint still shows an overflow afterwards */
    }
    MPU_REGION_NUMBER = 0;
    MPU_REGION_BASE = (uint32_t)(uintptr_t)stack_guard;
    MPU_REGION_ATTRIBUTES = (1u << 28) | (7u << 1) | 1u; /* no access, never executed, 2^(7 + 1) bytes */
    MPU_CONTROL = 5u;                                    /* on, with the default map elsewhere */
}

static void restart(void) {
    RESET_CONTROL = 0x05fa0004u;
    for (;;) {
        __asm__ volatile("");
    }
}

/* r0: the registers that the core stacked (they may be lost if the stack overflowed), r1: the exception's return code. */
__attribute__((naked)) void fault_handler(void) {
    __asm__ volatile("mrs r0, msp\n"
                     "mov r1, lr\n"
                     "ldr r2, =fault_stack_top\n"
                     "mov sp, r2\n"
                     "b report_fault\n");
}

__attribute__((used)) void report_fault(const uint32_t *stacked, uint32_t return_code) {
    uint32_t sp = (uint32_t)(uintptr_t)stacked;
    uint32_t exception;
    __asm__ volatile("mrs %0, ipsr" : "=r"(exception));
    MPU_CONTROL = 0;
    uint32_t overflowed = sp < (uint32_t)(uintptr_t)stack_bottom + 32;
    uint32_t pc = overflowed ? 0 : stacked[6];
    const uint32_t fields[] = {overflowed, exception, pc,         sp, CONFIGURABLE_FAULT_STATUS, HARD_FAULT_STATUS,
                               MEMORY_FAULT_ADDRESS,  return_code};
    port_put_character('\n'); /* whatever line was being sent ends here */
    frame_send("FAULT", fields, sizeof fields / sizeof fields[0]);
    frame_finish();
    restart();
}

/* Called once the stack may be used as usual. */
__attribute__((used, noreturn)) static void main_program(void) {
    for (uint32_t *to = data_start, *from = data_load; to < data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = bss_start; to < bss_end;) {
        *to++ = 0;
    }
    VECTOR_TABLE_OFFSET = (uint32_t)(uintptr_t)&vector_table;
    SYSTEM_HANDLERS |= 7u << 16; /* memory, bus and usage faults are handled as such */
    forbid_stack_guard();
    board_start_serial();
    port_put_character('\n');
    job_main(board_job, board_job_bytes, arena_start, (uint32_t)(arena_end - arena_start));
    restart();
    for (;;) {
    }
}

__attribute__((naked, noreturn)) void reset_handler(void) {
    __asm__ volatile("ldr r0, =stack_bottom\n"
                     "ldr r1, =stack_top\n"
                     "mov sp, r1\n"
                     "ldr r2, =0xa5a5a5a5\n"
                     "1: cmp r0, r1\n"
                     "bhs 2f\n"
                     "str r2, [r0], #4\n"
                     "b 1b\n"
                     "2:\n"
#if defined(__ARM_FP)
                     /* The floating-point unit is off after a reset. */
                     "ldr r0, =0xe000ed88\n"
                     "ldr r1, [r0]\n"
                     "orr r1, r1, #0xf00000\n"
                     "str r1, [r0]\n"
                     "dsb\n"
                     "isb\n"
#endif
                     "b %c0\n"
                     :
                     : "i"(main_program));
}
