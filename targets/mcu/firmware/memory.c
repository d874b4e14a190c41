/* Word at a time where both sides allow it: Armv7-M loads and stores unaligned words. */
#include "memory.h"

#include <stdint.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t bytes) {
    uint8_t *to = destination;
    const uint8_t *from = source;
    for (; bytes >= 4; bytes -= 4) {
        uint32_t word;
        __builtin_memcpy(&word, from, 4);
        __builtin_memcpy(to, &word, 4);
        from += 4;
        to += 4;
    }
    for (; bytes > 0; bytes--) {
        *to++ = *from++;
    }
    return destination;
}

void *memmove(void *destination, const void *source, size_t bytes) {
    uint8_t *to = destination;
    const uint8_t *from = source;
    if (to <= from || to >= from + bytes) {
        while (bytes-- > 0) {
            *to++ = *from++;
        }
    } else {
        while (bytes-- > 0) {
            to[bytes] = from[bytes];
        }
    }
    return destination;
}

void *memset(void *destination, int value, size_t bytes) {
    uint8_t *to = destination;
    uint32_t word = (uint8_t)value * 0x01010101u;
    for (; bytes >= 4; bytes -= 4) {
        __builtin_memcpy(to, &word, 4);
        to += 4;
    }
    for (; bytes > 0; bytes--) {
        *to++ = (uint8_t)value;
    }
    return destination;
}
