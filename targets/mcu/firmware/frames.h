/* Results as lines of text: "@KIND field field *CRC" with the CRC-32 of everything between '@' and " *".
 *
 * Fields are hexadecimal without a prefix. The first frame is HELLO, the last END, which holds how many went before it;
 * a reader that sees anything else treats the run as broken.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <stdint.h>

void frame_begin(const char *kind);
void frame_number(uint64_t value);
void frame_bytes(const uint8_t *bytes, uint32_t count);
void frame_end(void);

/* A frame of numbers alone. */
void frame_send(const char *kind, const uint32_t *fields, uint32_t count);

/* OUT frames: the bytes of one output, a few at a time, each with the numbers of the input and the output. */
void frame_tensor(uint32_t input_index, uint32_t position, const uint8_t *values, uint32_t count);

/* Counts frames from zero again. */
void frame_restart(void);

/* The END frame; the second with the number of the request that it answers. */
void frame_finish(void);
void frame_finish_for(uint32_t number);

#endif
