#include "executor.h"

#include "crc32.h"
#include "kernels.h"
#include "memory.h"
#include "steps_control.h"

static bool inside(uint32_t offset, uint32_t bytes, uint32_t limit) {
    return offset <= limit && bytes <= limit - offset;
}

const void *plan_read(const struct execution *execution, uint32_t reference, uint32_t bytes, uint32_t alignment) {
    uint32_t offset = reference & ~PLAN_CONSTANT_BIT;
    if (offset % alignment != 0) {
        return NULL;
    }
    if (reference & PLAN_CONSTANT_BIT) {
        return inside(offset, bytes, execution->header->constants_bytes) ? execution->constants + offset : NULL;
    }
    return inside(offset, bytes, execution->arena_bytes) ? execution->arena + offset : NULL;
}

const void *plan_constant(const struct execution *execution, uint32_t reference, uint32_t bytes, uint32_t alignment) {
    return reference & PLAN_CONSTANT_BIT ? plan_read(execution, reference, bytes, alignment) : NULL;
}

void *plan_write(const struct execution *execution, uint32_t reference, uint32_t bytes, uint32_t alignment) {
    if (reference % alignment != 0 || !inside(reference, bytes, execution->arena_bytes)) {
        return NULL;
    }
    return execution->arena + reference;
}

static bool table_inside(const struct plan_header *header, uint32_t offset, uint32_t count, uint32_t entry_bytes) {
    return offset % 4 == 0 && count <= header->total_bytes / entry_bytes &&
           inside(offset, count * entry_bytes, header->total_bytes);
}

static bool buffers_valid(const struct execution *execution, uint32_t offset, uint32_t count, bool writable) {
    const struct plan_buffer *buffers = (const struct plan_buffer *)(execution->plan + offset);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t reference = buffers[i].reference;
        if (writable ? plan_write(execution, reference, buffers[i].bytes, 1) == NULL
                     : plan_read(execution, reference, buffers[i].bytes, 1) == NULL) {
            return false;
        }
    }
    return true;
}

enum plan_status plan_open(struct execution *execution, const void *plan, uint32_t plan_bytes, void *arena,
                           uint32_t arena_bytes) {
    const struct plan_header *header = plan;
    if ((uintptr_t)plan % 16 != 0 || (uintptr_t)arena % 16 != 0) {
        return PLAN_MISALIGNED;
    }
    if (plan_bytes < sizeof *header) {
        return PLAN_TRUNCATED;
    }
    if (header->magic != PLAN_MAGIC) {
        return PLAN_BAD_MAGIC;
    }
    if (header->version != PLAN_VERSION) {
        return PLAN_BAD_VERSION;
    }
    if (header->total_bytes > plan_bytes || header->total_bytes < sizeof *header) {
        return PLAN_TRUNCATED;
    }
    const uint32_t checked_from = offsetof(struct plan_header, arena_bytes);
    if (crc32_update(0, (const uint8_t *)plan + checked_from, header->total_bytes - checked_from) != header->crc32) {
        return PLAN_BAD_CHECKSUM;
    }
    if (!table_inside(header, header->inputs_offset, header->input_count, sizeof(struct plan_buffer)) ||
        !table_inside(header, header->outputs_offset, header->output_count, sizeof(struct plan_buffer)) ||
        !table_inside(header, header->states_offset, header->state_count, sizeof(struct plan_buffer)) ||
        !table_inside(header, header->steps_offset, header->step_count, sizeof(struct step_header)) ||
        header->constants_offset % 16 != 0 ||
        !inside(header->constants_offset, header->constants_bytes, header->total_bytes)) {
        return PLAN_TRUNCATED;
    }
    if (header->arena_bytes > arena_bytes) {
        return PLAN_ARENA_TOO_SMALL;
    }
    execution->plan = plan;
    execution->header = header;
    execution->constants = (const uint8_t *)plan + header->constants_offset;
    execution->arena = arena;
    execution->arena_bytes = header->arena_bytes;
    execution->fresh_states = header->state_count;
    if (!buffers_valid(execution, header->inputs_offset, header->input_count, true) ||
        !buffers_valid(execution, header->outputs_offset, header->output_count, false) ||
        !buffers_valid(execution, header->states_offset, header->state_count, true)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    return PLAN_OK;
}

const struct plan_buffer *plan_inputs(const struct execution *execution) {
    return (const struct plan_buffer *)(execution->plan + execution->header->inputs_offset);
}

const struct plan_buffer *plan_outputs(const struct execution *execution) {
    return (const struct plan_buffer *)(execution->plan + execution->header->outputs_offset);
}

static void reset_states(const struct execution *execution) {
    const struct plan_buffer *states =
        (const struct plan_buffer *)(execution->plan + execution->header->states_offset);
    for (uint32_t i = 0; i < execution->fresh_states; i++) {
        memset(execution->arena + states[i].reference, (int)states[i].fill, states[i].bytes);
    }
}

/* Where a run stands: a step, and where it is from the start of the plan. */
struct position {
    uint32_t step;
    uint32_t offset;
};

/* Runs steps from `at` on until the last, one that fails or a branch that is taken, at which `at` is left. */
static enum plan_status run_steps(const struct execution *execution, struct position *at, step_hook hook,
                                  void *context) {
    const struct plan_header *header = execution->header;
    uint32_t offset = at->offset;
    for (uint32_t i = at->step; i < header->step_count; i++) {
        /* Never negative: the first step, the end of a step that was checked and a branch's target are all inside. */
        uint32_t room = header->total_bytes - offset;
        if (room < sizeof(struct step_header)) {
            return PLAN_TRUNCATED;
        }
        const struct step_header *step = (const struct step_header *)(execution->plan + offset);
        if (step->kind >= STEP_KIND_END || step->operator_index >= header->operator_count) {
            return PLAN_BAD_STEP;
        }
        const struct kernel_entry *kernel = &kernel_table[kernel_index[step->kind]];
        if (kernel->run == NULL || step->words * 4 != kernel->bytes) {
            return PLAN_BAD_STEP;
        }
        if (kernel->bytes > room) {
            return PLAN_TRUNCATED;
        }
        enum plan_status status = kernel->run(execution, step);
        if (status != PLAN_OK) {
            at->step = i;
            at->offset = offset;
            return status;
        }
        if (hook != NULL) {
            hook(context, step->operator_index);
        }
        offset += step->words * 4;
    }
    return PLAN_OK;
}

/* Goes from a branch to its target. Apart, so that it costs plans without branches no instruction. */
__attribute__((noinline)) static enum plan_status take_branch(const struct execution *execution, struct position *at,
                                                              uint32_t *turns) {
    const struct plan_header *header = execution->header;
    const struct branch_step *branch = (const struct branch_step *)(execution->plan + at->offset);
    if (branch->target_step > header->step_count || branch->target_offset % 4 != 0 ||
        branch->target_offset > header->total_bytes - header->steps_offset) {
        return PLAN_BAD_STEP;
    }
    if (branch->target_step <= at->step && ++*turns > PLAN_TURNS_LIMIT) {
        return PLAN_TOO_MANY_TURNS;
    }
    at->step = branch->target_step;
    at->offset = header->steps_offset + branch->target_offset;
    return PLAN_OK;
}

enum plan_status plan_run(const struct execution *execution, step_hook hook, void *context) {
    struct position at = {0, execution->header->steps_offset};
    uint32_t turns = 0;
    reset_states(execution);
    for (;;) {
        enum plan_status status = run_steps(execution, &at, hook, context);
        if (status != PLAN_BRANCH_TAKEN) {
            return status;
        }
        status = take_branch(execution, &at, &turns);
        if (status != PLAN_OK) {
            return status;
        }
    }
}
