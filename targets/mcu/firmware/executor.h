/* Runs a binary plan in place. No allocation, no libc, no global state: everything is in the plan and the arena. */
#ifndef EXECUTOR_H
#define EXECUTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan_format.h"

#define PLAN_TURNS_LIMIT 262144u /* a forged loop must not run for ever */

enum plan_status {
    PLAN_OK = 0,
    PLAN_TRUNCATED = 1,      /* fewer bytes than the header or a table says */
    PLAN_BAD_MAGIC = 2,      /* not a plan */
    PLAN_BAD_VERSION = 3,    /* a plan of another version */
    PLAN_BAD_CHECKSUM = 4,   /* the bytes are not those the planner wrote */
    PLAN_ARENA_TOO_SMALL = 5,
    PLAN_BAD_STEP = 6,       /* a kind without a kernel in this image, or a size that is not this kind's */
    PLAN_OUT_OF_BOUNDS = 7,  /* a step reaches outside the arena or the constants */
    PLAN_BAD_GEOMETRY = 8,   /* a dimension, a stride or a shift outside what the kernels accept */
    PLAN_MISALIGNED = 9,     /* the plan or the arena does not start on a 16-byte boundary */
    PLAN_TOO_MANY_TURNS = 10, /* branches went back more than PLAN_TURNS_LIMIT times in one inference */
    PLAN_BRANCH_TAKEN = 11   /* of a branch's kernel to the executor; plan_run never returns it */
};

struct execution {
    const uint8_t *plan;
    const struct plan_header *header;
    const uint8_t *constants;
    uint8_t *arena;
    uint32_t arena_bytes; /* as the plan asks for, at most what there is */
    uint32_t fresh_states; /* how many states plan_run sets to their initial value: all of them, or none in a stream */
};

/* Called after each step with the operator it belongs to. */
typedef void (*step_hook)(void *context, uint32_t operator_index);

/* Checks the header, the checksum and the tables; steps are checked when they run. */
enum plan_status plan_open(struct execution *execution, const void *plan, uint32_t plan_bytes, void *arena,
                           uint32_t arena_bytes);

/* Sets as many states to their initial value as `fresh_states` says, then runs all steps. */
enum plan_status plan_run(const struct execution *execution, step_hook hook, void *context);

const struct plan_buffer *plan_inputs(const struct execution *execution);
const struct plan_buffer *plan_outputs(const struct execution *execution);

/* Pointer to `bytes` bytes behind a reference, NULL where they are not all inside or not so aligned. */
const void *plan_read(const struct execution *execution, uint32_t reference, uint32_t bytes, uint32_t alignment);
/* As plan_read, of constants alone: what a kernel has checked there stays as it is while it writes. */
const void *plan_constant(const struct execution *execution, uint32_t reference, uint32_t bytes, uint32_t alignment);
void *plan_write(const struct execution *execution, uint32_t reference, uint32_t bytes, uint32_t alignment);

#endif
