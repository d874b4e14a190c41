/* What differs between boards: the serial port, where the job lies and how much room it has. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

void board_start_serial(void);
void board_put_character(char character);

extern const void *const board_job;
extern const uint32_t board_job_bytes;

#endif
