/* What differs between boards: the serial port, where the job lies and how much room it has. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

void board_start_serial(void);
void board_put_character(char character);

extern const void *const board_job;
extern const uint32_t board_job_bytes;

/* From job_behind.ld: `job_room` is a number, not an address. */
extern const uint8_t job_start[], job_room[];

/* Of boards that serve a line alone. */

/* A character that has come, or -1. Never waits. */
int board_get_character(void);

/* The core's clock as its registers say it is set, 0 where they do not say. */
uint32_t board_clock_hz(void);

/* The core's cycle counter as it stands, 0 where there is none: how fast it counts, the other side can see. */
uint32_t board_cycles(void);

/* CRC-32 of the firmware as it lies in the flash. */
uint32_t board_image_checksum(void);

#endif
