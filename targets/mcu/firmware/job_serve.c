/* An image that serves a line: its plan lies in memory (in flash, beside the firmware), its inputs come in parts, and it
 * answers one request at a time. targets/mcu/line holds the other side.
 *
 * A request is a frame as in frames.h, and so is every answer. A request may come twice, since an answer may be lost: what
 * was done is not done again, and what was found is sent again. Numbers are the other side's choice; it never uses one
 * for two inputs, so that an answer that comes late is not taken for another.
 *
 *   ASK n                      ID n versions, room, checksums, clock, counter, cycles now
 *   PUT n offset bytes         GOT n offset: part of the input of run n
 *   RUN n runs kept checksum   WAIT n, then RUN, OP, OUT, CRC, STACK, and END with their count and n
 *   TRY n which                a self-test (enum job_self_test)
 *
 * AGAIN: a request came damaged. LACK n: the input of run n is not (wholly) here, as after a reset. ERROR ends a request
 * that cannot be served. BOOT is sent once, unasked. */
#include "board.h"
#include "crc32.h"
#include "executor.h"
#include "frames.h"
#include "job.h"
#include "job_steps.h"
#include "memory.h"
#include "port.h"

#define LINE_BYTES 640u /* PUT with 256 bytes of input, and room */
#define RUNS_LIMIT 16u

struct served {
    struct execution execution;
    uint8_t *store; /* where inputs wait, NULL where there is no room beside the arena: they go into its tensors */
    uint32_t input_bytes;
    uint32_t image_checksum;
    uint32_t job_checksum;
    enum job_status status;
    enum plan_status plan_status;
    uint32_t number; /* of the input that is being put */
    uint32_t received;
    uint32_t done; /* the number of the last run, while `has_result` */
    uint32_t runs;
    bool has_result;
    struct run_ticks ticks[RUNS_LIMIT];
};

static struct served served;
static char line[LINE_BYTES];

static int hexadecimal(char character) {
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

/* The next field, a hexadecimal number. */
static bool take_number(const char **text, uint32_t *value) {
    const char *next = *text;
    if (*next++ != ' ' || hexadecimal(*next) < 0) {
        return false;
    }
    *value = 0;
    while (hexadecimal(*next) >= 0) {
        *value = *value << 4 | (uint32_t)hexadecimal(*next++);
    }
    *text = next;
    return true;
}

/* Reads a line that begins with '@' and checks it; what stands before the last '@' is of something that was lost.
 * Returns the frame's text, or NULL where it is damaged. */
static const char *read_request(void) {
    uint32_t length = 0;
    bool begun = false;
    for (;;) {
        int character = board_get_character();
        if (character < 0) {
            continue;
        }
        if (character == '@') {
            begun = true;
            length = 0;
        } else if (character == '\n') {
            if (!begun) {
                continue;
            }
            break;
        } else if (begun && character != '\r') {
            if (length == LINE_BYTES - 1) {
                return NULL;
            }
            line[length++] = (char)character;
        }
    }
    if (length < 10 || line[length - 10] != ' ' || line[length - 9] != '*') {
        return NULL;
    }
    uint32_t checksum = 0;
    for (uint32_t i = length - 8; i < length; i++) {
        int digit = hexadecimal(line[i]);
        if (digit < 0) {
            return NULL;
        }
        checksum = checksum << 4 | (uint32_t)digit;
    }
    line[length - 10] = '\0';
    return crc32_update(0, line, length - 10) == checksum ? line : NULL;
}

/* `text` behind the word, NULL where it begins with another. */
static const char *after(const char *text, const char *word) {
    while (*word != '\0') {
        if (*text++ != *word++) {
            return NULL;
        }
    }
    return text;
}

/* Where byte `offset` of an input goes, and how many bytes from there are in one piece. */
static uint8_t *input_place(uint32_t offset, uint32_t *bytes) {
    if (served.store != NULL) {
        *bytes = served.input_bytes - offset;
        return served.store + offset;
    }
    const struct plan_buffer *inputs = plan_inputs(&served.execution);
    while (offset >= inputs->bytes) {
        offset -= inputs->bytes;
        inputs++;
    }
    *bytes = inputs->bytes - offset;
    return served.execution.arena + inputs->reference + offset;
}

static uint32_t input_checksum(void) {
    uint32_t checksum = 0;
    uint32_t bytes;
    for (uint32_t offset = 0; offset < served.input_bytes; offset += bytes) {
        const uint8_t *place = input_place(offset, &bytes);
        checksum = crc32_update(checksum, place, bytes);
    }
    return checksum;
}

static void send_error(uint32_t status, uint32_t detail, uint32_t number) {
    const uint32_t fields[] = {status, detail, number};
    frame_send("ERROR", fields, 3);
}

static void answer_identity(uint32_t number) {
    if (served.status != JOB_OK) {
        send_error(served.status, served.plan_status, number);
        return;
    }
    const uint32_t fields[] = {number,
                               JOB_VERSION,
                               PLAN_VERSION,
                               served.execution.arena_bytes,
                               served.image_checksum,
                               served.job_checksum,
                               board_clock_hz(),
                               port_counts_cycles(),
                               served.store != NULL,
                               board_cycles()};
    frame_send("ID", fields, sizeof fields / sizeof fields[0]);
}

static void take_input(uint32_t number, const char *text) {
    uint32_t offset;
    if (!take_number(&text, &offset) || *text++ != ' ' || served.status != JOB_OK) {
        send_error(JOB_BAD_INPUTS, 0, number);
        return;
    }
    if (number != served.number) {
        served.number = number;
        served.received = 0;
        served.has_result = false;
    }
    if (served.has_result) { /* it came twice: the outputs may lie where it would go */
        const uint32_t fields[] = {number, offset};
        frame_send("GOT", fields, 2);
        return;
    }
    if (offset > served.received) {
        const uint32_t fields[] = {number, served.received};
        frame_send("LACK", fields, 2);
        return;
    }
    uint32_t next = offset;
    while (hexadecimal(text[0]) >= 0 && hexadecimal(text[1]) >= 0 && next < served.input_bytes) {
        uint32_t bytes;
        *input_place(next++, &bytes) = (uint8_t)(hexadecimal(text[0]) << 4 | hexadecimal(text[1]));
        text += 2;
    }
    if (*text != '\0') { /* more bytes than the model takes, or none at all */
        send_error(JOB_BAD_INPUTS, 0, number);
        return;
    }
    served.received = next > served.received ? next : served.received;
    const uint32_t fields[] = {number, offset};
    frame_send("GOT", fields, 2);
}

static void send_result(uint32_t number) {
    frame_restart();
    for (uint32_t run = 0; run < served.runs; run++) {
        job_send_run(number, run, &served.ticks[run]);
    }
    job_send_operator_ticks(&served.execution, number);
    job_send_outputs(&served.execution, number);
    const uint32_t stack[] = {port_stack_used(), port_stack_size(), number};
    frame_send("STACK", stack, 3);
    frame_finish_for(number);
}

static void run(uint32_t number, const char *text) {
    uint32_t runs, kept, checksum;
    if (!take_number(&text, &runs) || !take_number(&text, &kept) || !take_number(&text, &checksum) ||
        served.status != JOB_OK || runs == 0 || runs > RUNS_LIMIT || (served.store == NULL && runs > 1)) {
        send_error(JOB_TOO_LONG, 0, number);
        return;
    }
    if (served.has_result && served.done == number) {
        send_result(number);
        return;
    }
    if (number != served.number || served.received < served.input_bytes) {
        const uint32_t fields[] = {number, number == served.number ? served.received : 0};
        frame_send("LACK", fields, 2);
        return;
    }
    if (input_checksum() != checksum) {
        send_error(JOB_BAD_CHECKSUM, 0, number);
        return;
    }
    frame_send("WAIT", &number, 1);
    for (uint32_t i = 0; i < runs; i++) {
        served.execution.fresh_states = kept != 0 ? 0 : served.execution.header->state_count;
        enum plan_status status = job_infer(&served.execution, served.store, &served.ticks[i]);
        if (status != PLAN_OK) {
            send_error(JOB_STEP_FAILED, status, number);
            return;
        }
    }
    if (served.store == NULL) {
        served.received = 0; /* the run has written over them */
    }
    served.runs = runs;
    served.done = number;
    served.has_result = true;
    send_result(number);
}

static void answer(const char *request) {
    uint32_t number;
    const char *rest;
    if ((rest = after(request, "ASK")) != NULL && take_number(&rest, &number)) {
        answer_identity(number);
    } else if ((rest = after(request, "PUT")) != NULL && take_number(&rest, &number)) {
        take_input(number, rest);
    } else if ((rest = after(request, "RUN")) != NULL && take_number(&rest, &number)) {
        run(number, rest);
    } else if ((rest = after(request, "TRY")) != NULL && take_number(&rest, &number)) {
        uint32_t which;
        if (take_number(&rest, &which)) {
            port_self_test(which);
        }
    } else {
        frame_send("AGAIN", NULL, 0);
    }
}

static void open_job(const struct job_header *job, uint32_t limit, uint8_t *arena, uint32_t arena_bytes) {
    served.status = job_check(job, limit);
    if (served.status != JOB_OK) {
        return;
    }
    served.job_checksum = crc32_update(0, job, job->total_bytes);
    served.plan_status = plan_open(&served.execution, (const uint8_t *)job + job->plan_offset, job->plan_bytes, arena,
                                   arena_bytes);
    if (served.plan_status != PLAN_OK) {
        served.status = JOB_PLAN_REFUSED;
        return;
    }
    const struct execution *execution = &served.execution;
    served.input_bytes = job_total_bytes(plan_inputs(execution), execution->header->input_count);
    if (served.input_bytes != job->input_bytes) {
        served.status = JOB_BAD_INPUTS;
        return;
    }
    uint32_t used = (execution->arena_bytes + 15u) & ~15u;
    if (used <= arena_bytes && served.input_bytes <= arena_bytes - used) {
        served.store = arena + used;
    }
}

void job_main(const void *job, uint32_t limit, void *arena, uint32_t arena_bytes) {
    served.image_checksum = board_image_checksum();
    open_job(job, limit, arena, arena_bytes);
    frame_send("BOOT", &served.image_checksum, 1);
    for (;;) {
        const char *request = read_request();
        if (request == NULL) {
            frame_send("AGAIN", NULL, 0);
        } else {
            answer(request);
        }
    }
}
