/* What a board, or the host, provides to the job runner. */
#ifndef PORT_H
#define PORT_H

#include <stdint.h>

void port_put_character(char character);

/* Starts counting anew, always in the same phase, so that equal work gives equal counts. The count right after need not be
 * zero: what matters is the difference of two. */
void port_start_ticks(void);
uint64_t port_ticks(void);

/* Whether ticks are cycles of the core's own counter, and that counter counts. */
uint32_t port_counts_cycles(void);

/* Deepest use of the stack since start-up, and its size, in bytes; both 0 where they are not known. */
uint32_t port_stack_used(void);
uint32_t port_stack_size(void);

/* Provokes a fault, an endless loop or a stack overflow, to test that each is reported (enum job_self_test). */
void port_self_test(uint32_t which);

#endif
