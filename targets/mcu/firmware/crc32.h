#ifndef CRC32_H
#define CRC32_H

#include <stdint.h>

/* CRC-32 as zlib computes it; `seed` is the value of the bytes before, 0 at the start. */
uint32_t crc32_update(uint32_t seed, const void *bytes, uint32_t count);

#endif
