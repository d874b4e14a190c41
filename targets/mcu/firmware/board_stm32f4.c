/* STM32F405/407 (Renode's stm32f4_discovery, QEMU's netduinoplus2): USART1, job in the flash behind the firmware. */
#include "board.h"
#include "processor.h"

#define CLOCK_ENABLE_APB2 REGISTER(0x40023844)
#define CLOCK_ENABLE_USART1 (1u << 4)
#define SERIAL_DATA REGISTER(0x40011004)
#define SERIAL_DIVIDER REGISTER(0x40011008)
#define SERIAL_CONTROL REGISTER(0x4001100c)
#define SERIAL_ENABLE (1u << 13)
#define SERIAL_TRANSMIT (1u << 3)

const void *const board_job = job_start;
const uint32_t board_job_bytes = (uint32_t)(uintptr_t)job_room;

void board_start_serial(void) {
    CLOCK_ENABLE_APB2 |= CLOCK_ENABLE_USART1;
    SERIAL_DIVIDER = 16;
    SERIAL_CONTROL = SERIAL_ENABLE | SERIAL_TRANSMIT;
}

/* Both emulators take a character at once. To read the state first would wake QEMU's other thread each time, and take
 * twice as long as all else for long outputs. */
void board_put_character(char character) {
    SERIAL_DATA = (uint8_t)character;
}
