/* What every job goes through, whichever runtime takes it then. */
#include <stddef.h>

#include "crc32.h"
#include "frames.h"
#include "job.h"

void job_send_error(uint32_t status, uint32_t detail) {
    const uint32_t fields[] = {status, detail};
    frame_send("ERROR", fields, 2);
}

enum job_status job_check(const struct job_header *job, uint32_t limit) {
    if (limit < sizeof *job) {
        return JOB_TRUNCATED;
    }
    if (job->magic != JOB_MAGIC) {
        return JOB_BAD_MAGIC;
    }
    if (job->version != JOB_VERSION) {
        return JOB_BAD_VERSION;
    }
    if (job->total_bytes > limit || job->plan_offset > job->total_bytes || job->plan_offset % 16 != 0 ||
        job->plan_bytes > job->total_bytes - job->plan_offset || job->inputs_offset > job->total_bytes ||
        (uint64_t)job->input_bytes * job->input_count > job->total_bytes - job->inputs_offset) {
        return JOB_TRUNCATED;
    }
    if (job->input_count > JOB_INFERENCES_LIMIT || job->runs > JOB_INFERENCES_LIMIT ||
        job->input_count * job->runs > JOB_INFERENCES_LIMIT) {
        return JOB_TOO_LONG;
    }
    const uint8_t *bytes = (const uint8_t *)job;
    const uint32_t checked_from = offsetof(struct job_header, plan_offset);
    uint32_t crc = crc32_update(0, bytes + checked_from, sizeof *job - checked_from);
    crc = crc32_update(crc, bytes + job->inputs_offset, job->input_bytes * job->input_count);
    return crc == job->crc32 ? JOB_OK : JOB_BAD_CHECKSUM;
}
