/* The firmware that serves a line as a program of this machine, to test both ends of the line without a board:
 * `job-server FIRMWARE JOB ARENA_BYTES CLOCK_HZ CYCLES` answers on its standard output what comes on its standard input,
 * and ends with it. Both files may be missing, as on a board that was never flashed. A step of a run takes CYCLES cycles
 * by a counter that there is not if that is 0. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "crc32.h"
#include "job.h"
#include "port.h"

static uint32_t clock_hz;
static uint32_t cycles_a_look;
static uint32_t looks;
static uint32_t image_checksum;

const void *const board_job = NULL;
const uint32_t board_job_bytes = 0;

void port_put_character(char character) {
    putchar(character);
    if (character == '\n') {
        fflush(stdout);
    }
}

int board_get_character(void) {
    int character = getchar();
    if (character == EOF) {
        exit(0);
    }
    return character;
}

uint32_t board_clock_hz(void) {
    return clock_hz;
}

uint32_t board_cycles(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t nanoseconds = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    return cycles_a_look == 0 ? 0 : (uint32_t)((double)nanoseconds * 1e-9 * clock_hz);
}

uint32_t board_image_checksum(void) {
    return image_checksum;
}

void port_start_ticks(void) {
}

/* Every eighth look comes a cycle late, so that there is a spread to be seen. */
uint64_t port_ticks(void) {
    looks++;
    return (uint64_t)looks * cycles_a_look + looks / 8;
}

uint32_t port_counts_cycles(void) {
    return cycles_a_look != 0;
}

uint32_t port_stack_used(void) {
    return 0;
}

uint32_t port_stack_size(void) {
    return 0;
}

void port_self_test(uint32_t which) {
    if (which == JOB_HANGS) {
        for (;;) {
            pause();
        }
    }
    exit(0);
}

static void *read_file(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    void *content = NULL;
    *bytes = 0;
    if (posix_memalign(&content, 16, 1u << 20) != 0) {
        return NULL;
    }
    if (file != NULL) {
        *bytes = fread(content, 1, 1u << 20, file);
        fclose(file);
    }
    return content;
}

int main(int count, char **arguments) {
    if (count != 6) {
        return 2;
    }
    size_t bytes = 0;
    void *firmware = read_file(arguments[1], &bytes);
    image_checksum = crc32_update(0, firmware, (uint32_t)bytes);
    void *job = read_file(arguments[2], &bytes);
    size_t arena_bytes = strtoul(arguments[3], NULL, 10);
    void *arena = NULL;
    clock_hz = (uint32_t)strtoul(arguments[4], NULL, 10);
    cycles_a_look = (uint32_t)strtoul(arguments[5], NULL, 10);
    if (firmware == NULL || job == NULL || posix_memalign(&arena, 16, arena_bytes > 0 ? arena_bytes : 1) != 0) {
        return 2;
    }
    job_main(job, (uint32_t)bytes, arena, (uint32_t)arena_bytes);
    return 0;
}
