#include "job.h"

#include "crc32.h"
#include "executor.h"
#include "frames.h"
#include "job_steps.h"
#include "memory.h"
#include "port.h"

#define TIMED_OPERATORS 256u /* the rest of a longer model is counted in its total alone */

struct operator_ticks {
    uint64_t last;
    uint64_t spent[TIMED_OPERATORS];
};

/* Static: two kilobytes have no place on a small stack. */
static struct operator_ticks operator_ticks;

static void count_step(void *context, uint32_t operator_index) {
    struct operator_ticks *ticks = context;
    uint64_t now = port_ticks();
    if (operator_index < TIMED_OPERATORS) {
        ticks->spent[operator_index] += now - ticks->last;
    }
    ticks->last = now;
}

uint32_t job_total_bytes(const struct plan_buffer *buffers, uint32_t count) {
    uint32_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        /* Many forged ones must not add up to a few bytes. */
        total = buffers[i].bytes > UINT32_MAX - total ? UINT32_MAX : total + buffers[i].bytes;
    }
    return total;
}

static void write_inputs(const struct execution *execution, const uint8_t *values) {
    const struct plan_buffer *inputs = plan_inputs(execution);
    for (uint32_t i = 0; i < execution->header->input_count; i++) {
        memcpy(execution->arena + inputs[i].reference, values, inputs[i].bytes);
        values += inputs[i].bytes;
    }
}

void job_send_outputs(const struct execution *execution, uint32_t input_index) {
    const struct plan_buffer *outputs = plan_outputs(execution);
    uint32_t crc = 0;
    for (uint32_t i = 0; i < execution->header->output_count; i++) {
        const uint8_t *values = plan_read(execution, outputs[i].reference, outputs[i].bytes, 1);
        crc = crc32_update(crc, values, outputs[i].bytes);
        frame_tensor(input_index, i, values, outputs[i].bytes);
    }
    const uint32_t fields[] = {input_index, crc};
    frame_send("CRC", fields, 2);
}

void job_send_operator_ticks(const struct execution *execution, uint32_t input_index) {
    for (uint32_t i = 0; i < execution->header->operator_count && i < TIMED_OPERATORS; i++) {
        frame_begin("OP");
        frame_number(input_index);
        frame_number(i);
        frame_number(operator_ticks.spent[i]);
        frame_end();
    }
}

static void send_stack(void) {
    const uint32_t stack[] = {port_stack_used(), port_stack_size()};
    frame_send("STACK", stack, 2);
}

enum plan_status job_infer(const struct execution *execution, const uint8_t *values, struct run_ticks *ticks) {
    if (values != NULL) {
        write_inputs(execution, values);
    }
    memset(&operator_ticks, 0, sizeof operator_ticks);
    port_start_ticks();
    ticks->start = port_ticks();
    operator_ticks.last = ticks->start;
    enum plan_status status = plan_run(execution, count_step, &operator_ticks);
    ticks->end = port_ticks();
    return status;
}

void job_send_run(uint32_t input_index, uint32_t run, const struct run_ticks *ticks) {
    frame_begin("RUN");
    frame_number(input_index);
    frame_number(run);
    frame_number(ticks->start);
    frame_number(ticks->end);
    frame_end();
}

static bool infer(const struct execution *execution, const uint8_t *values, uint32_t input_index, uint32_t run) {
    struct run_ticks ticks;
    enum plan_status status = job_infer(execution, values, &ticks);
    if (status != PLAN_OK) {
        job_send_error(JOB_STEP_FAILED, status);
        return false;
    }
    job_send_run(input_index, run, &ticks);
    return true;
}

static void run_all(const struct job_header *job, struct execution *execution) {
    const uint8_t *values = (const uint8_t *)job + job->inputs_offset;
    for (uint32_t input = 0; input < job->input_count; input++) {
        for (uint32_t run = 0; run < job->runs; run++) {
            if (!infer(execution, values, input, run)) {
                return;
            }
            if (job->sequence != 0) {
                execution->fresh_states = 0;
            }
        }
        if (job->runs > 0) {
            job_send_operator_ticks(execution, input);
            job_send_outputs(execution, input);
            if (input == 0) {
                send_stack(); /* the host may have enough before the end */
            }
        }
        values += job->input_bytes;
    }
}

void job_run(const void *raw, uint32_t limit, void *arena, uint32_t arena_bytes) {
    const struct job_header *job = raw;
    struct execution execution;
    frame_restart();
    const uint32_t hello[] = {JOB_VERSION, PLAN_VERSION, arena_bytes};
    frame_send("HELLO", hello, 3);
    enum job_status status = job_check(job, limit);
    if (status != JOB_OK) {
        job_send_error(status, 0);
    } else if (job->self_test != JOB_RUNS) {
        port_self_test(job->self_test);
    } else {
        enum plan_status plan_status = plan_open(&execution, (const uint8_t *)job + job->plan_offset,
                                                 job->plan_bytes, arena, arena_bytes);
        if (plan_status != PLAN_OK) {
            job_send_error(JOB_PLAN_REFUSED, plan_status);
        } else if (job_total_bytes(plan_inputs(&execution), execution.header->input_count) != job->input_bytes) {
            job_send_error(JOB_BAD_INPUTS, 0);
        } else {
            const uint32_t fields[] = {job->input_count, job->runs, execution.header->arena_bytes,
                                       execution.header->crc32};
            frame_send("JOB", fields, 4);
            run_all(job, &execution);
        }
    }
    send_stack();
    frame_finish();
}
