/* The checksum of the firmware as it lies in the flash, so that the other side can tell which image answers. */
#include "board.h"
#include "crc32.h"

/* From the linker script: code and constants, then what data begins with. */
extern const uint8_t vector_table[];
extern const uint8_t data_start[], data_end[], data_load[];

uint32_t board_image_checksum(void) {
    uint32_t bytes = (uint32_t)(data_load - vector_table) + (uint32_t)(data_end - data_start);
    return crc32_update(0, vector_table, bytes);
}
