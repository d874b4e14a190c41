/* A job: one plan, many inputs, a number of runs of each. It lies at a fixed address, put there by the emulator.
 *
 * A header, then the plan (16-byte aligned), then the inputs, each the model's input tensors one after the other.
 */
#ifndef JOB_H
#define JOB_H

#include <stdint.h>

#define JOB_MAGIC 0x424f4a48u /* "HJOB" */
#define JOB_VERSION 1u
#define JOB_INFERENCES_LIMIT 10000u /* a forged count must not run for ever */

enum job_self_test { JOB_RUNS = 0, JOB_FAULTS = 1, JOB_OVERFLOWS_STACK = 2, JOB_HANGS = 3 };

struct job_header {
    uint32_t magic;
    uint32_t version;
    uint32_t total_bytes;
    uint32_t crc32; /* of the rest of the header and of the inputs; the plan carries its own */
    uint32_t plan_offset;
    uint32_t plan_bytes;
    uint32_t inputs_offset;
    uint32_t input_bytes; /* of one inference */
    uint32_t input_count;
    uint32_t runs;
    uint32_t self_test;
    uint32_t sequence; /* not 0: the inferences are one stream, so that state is kept from each to the next */
};

enum job_status {
    JOB_OK = 0,
    JOB_TRUNCATED = 1,
    JOB_BAD_MAGIC = 2,
    JOB_BAD_VERSION = 3,
    JOB_BAD_CHECKSUM = 4,
    JOB_BAD_INPUTS = 5,      /* the inputs are not of the size that the plan asks for */
    JOB_PLAN_REFUSED = 6,    /* the second field of the frame is an enum plan_status */
    JOB_STEP_FAILED = 7,     /* likewise, while running */
    JOB_TOO_LONG = 8         /* more inferences than JOB_INFERENCES_LIMIT */
};

/* Whether the header, its limits and the checksum of the inputs are sound. */
enum job_status job_check(const struct job_header *job, uint32_t limit);

/* The ERROR frame; `status` is of `enum job_status` or the runtime's own. */
void job_send_error(uint32_t status, uint32_t detail);

/* Frames sent: HELLO; JOB; for each input OUT, CRC, OP and RUN; STACK; END. An ERROR frame replaces what cannot be. */
void job_run(const void *job, uint32_t limit, void *arena, uint32_t arena_bytes);

/* What an image does once it is up: run the job that lies in memory (job_once.c), or serve a line (job_serve.c). */
void job_main(const void *job, uint32_t limit, void *arena, uint32_t arena_bytes);

#endif
