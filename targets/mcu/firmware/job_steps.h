/* The parts of a job that are the same whether its inputs lie in memory (job.c) or come over a line (job_serve.c). */
#ifndef JOB_STEPS_H
#define JOB_STEPS_H

#include <stdint.h>

#include "executor.h"

struct run_ticks {
    uint64_t start;
    uint64_t end;
};

/* Runs the plan on one input's bytes, or on what its input tensors hold where `values` is NULL; counts the whole and each
 * operator. */
enum plan_status job_infer(const struct execution *execution, const uint8_t *values, struct run_ticks *ticks);

uint32_t job_total_bytes(const struct plan_buffer *buffers, uint32_t count);

/* The RUN frame; the OP frames of the last run; the OUT frames and the CRC frame of what the arena holds now. */
void job_send_run(uint32_t input_index, uint32_t run, const struct run_ticks *ticks);
void job_send_operator_ticks(const struct execution *execution, uint32_t input_index);
void job_send_outputs(const struct execution *execution, uint32_t input_index);

#endif
