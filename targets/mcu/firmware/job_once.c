/* An image that runs the job it finds in memory: an emulator has put it there. */
#include "job.h"

void job_main(const void *job, uint32_t limit, void *arena, uint32_t arena_bytes) {
    job_run(job, limit, arena, arena_bytes);
}
