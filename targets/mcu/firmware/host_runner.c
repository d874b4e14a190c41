/* The job runner as a program: `job-runner ARENA_BYTES JOB…` prints the frames of each job after a line with its number.
 *
 * Made for the sanitisers: each job and each arena is a block of its own, of exactly its size. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "job.h"
#include "port.h"

#define SECONDS_A_JOB 20

void port_put_character(char character) {
    putchar(character);
}

void port_start_ticks(void) {
}

uint64_t port_ticks(void) {
    return 0;
}

uint32_t port_stack_used(void) {
    return 0;
}

uint32_t port_stack_size(void) {
    return 0;
}

void port_self_test(uint32_t which) {
    (void)which;
}

/* A file in a block of its own, aligned as on the board; NULL where it cannot be read. */
static void *read_file(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        return NULL;
    }
    long size = ftell(file);
    rewind(file);
    void *content = NULL;
    if (size < 0 || posix_memalign(&content, 16, size > 0 ? (size_t)size : 1) != 0) {
        return NULL;
    }
    *bytes = fread(content, 1, (size_t)size, file);
    fclose(file);
    return content;
}

int main(int count, char **arguments) {
    size_t arena_bytes = count > 1 ? strtoul(arguments[1], NULL, 10) : 0;
    for (int i = 2; i < count; i++) {
        size_t bytes = 0;
        void *job = read_file(arguments[i], &bytes);
        void *arena = NULL;
        if (job == NULL || posix_memalign(&arena, 16, arena_bytes) != 0) {
            return 2;
        }
        printf("JOB %d\n", i - 2);
        fflush(stdout);
        alarm(SECONDS_A_JOB);
        job_run(job, (uint32_t)bytes, arena, (uint32_t)arena_bytes);
        fflush(stdout);
        free(arena);
        free(job);
    }
    return 0;
}
