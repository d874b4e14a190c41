#include "frames.h"

#include "crc32.h"
#include "port.h"

#define TENSOR_BYTES_A_FRAME 64u

static uint32_t frame_crc;
static uint32_t frames_sent;

static void put(char character) {
    frame_crc = crc32_update(frame_crc, &character, 1);
    port_put_character(character);
}

static void put_hexadecimal(uint64_t value, int least_digits) {
    int digits = 16;
    while (digits > least_digits && value >> (4 * (digits - 1)) == 0) {
        digits--;
    }
    while (digits-- > 0) {
        put("0123456789abcdef"[value >> (4 * digits) & 15]);
    }
}

void frame_begin(const char *kind) {
    port_put_character('@');
    frame_crc = 0;
    while (*kind != '\0') {
        put(*kind++);
    }
}

void frame_number(uint64_t value) {
    put(' ');
    put_hexadecimal(value, 1);
}

void frame_bytes(const uint8_t *bytes, uint32_t count) {
    put(' ');
    while (count-- > 0) {
        put_hexadecimal(*bytes++, 2);
    }
}

void frame_end(void) {
    uint32_t crc = frame_crc;
    put(' ');
    put('*');
    put_hexadecimal(crc, 8);
    port_put_character('\n');
    frames_sent++;
}

void frame_send(const char *kind, const uint32_t *fields, uint32_t count) {
    frame_begin(kind);
    while (count-- > 0) {
        frame_number(*fields++);
    }
    frame_end();
}

void frame_tensor(uint32_t input_index, uint32_t position, const uint8_t *values, uint32_t count) {
    for (uint32_t offset = 0; offset < count; offset += TENSOR_BYTES_A_FRAME) {
        uint32_t left = count - offset;
        frame_begin("OUT");
        frame_number(input_index);
        frame_number(position);
        frame_number(offset);
        frame_bytes(values + offset, left < TENSOR_BYTES_A_FRAME ? left : TENSOR_BYTES_A_FRAME);
        frame_end();
    }
}

void frame_restart(void) {
    frames_sent = 0;
}

void frame_finish(void) {
    uint32_t sent = frames_sent;
    frame_send("END", &sent, 1);
}

void frame_finish_for(uint32_t number) {
    const uint32_t fields[] = {frames_sent, number};
    frame_send("END", fields, 2);
}
