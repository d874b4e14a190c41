/* The job runner with TensorFlow Lite Micro behind it: the same job and the same frames as ../../firmware/job.c, with the
 * model itself where that one has a plan. */
#include <cstddef>
#include <cstdint>
#include <new>

#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "timed_resolver.h"

extern "C" {
#include "crc32.h"
#include "frames.h"
#include "job.h"
#include "port.h"

typedef void initializer(void);
extern initializer* initializers_start[];
extern initializer* initializers_end[];
}

/* Generated for each model: kModelOperators, AddModelOperators(resolver) and kModelVariables. */
#include "model_operators.h"

namespace harness {

uint32_t operators_seen;
uint64_t operator_ticks[kTimedOperators];

TfLiteStatus Counted(TfLiteStatus (*kernel)(TfLiteContext*, TfLiteNode*), TfLiteContext* context, TfLiteNode* node) {
    const uint32_t index = operators_seen++;
    const uint64_t before = port_ticks();
    const TfLiteStatus status = kernel(context, node);
    if (index < kTimedOperators) {
        operator_ticks[index] = port_ticks() - before;
    }
    return status;
}

}  // namespace harness

namespace {

/* Beside those of job.h; the second field of the frame is how many operators had been reached. */
enum MicroStatus : uint32_t { kBadModel = 32, kNotAllocated = 33, kNotInvoked = 34 };

using Resolver = tflite::MicroMutableOpResolver<kModelOperators>;
using Timed = harness::TimedResolver<kModelOperators>;

alignas(Resolver) uint8_t resolver_room[sizeof(Resolver)];
alignas(Timed) uint8_t timed_room[sizeof(Timed)];
alignas(tflite::MicroInterpreter) uint8_t interpreter_room[sizeof(tflite::MicroInterpreter)];

/* What an interpreter is made of. */
struct Parts {
    const tflite::Model* model;
    const Timed* resolver;
    uint8_t* arena;
    uint32_t arena_bytes;
};

/* An interpreter with its tensors allocated, NULL where that fails; the last one that was made is no more. */
tflite::MicroInterpreter* MakeInterpreter(const Parts& parts) {
    tflite::MicroInterpreter* interpreter;
    harness::operators_seen = 0;
    if constexpr (kModelVariables > 0) {
        tflite::MicroAllocator* allocator = tflite::MicroAllocator::Create(parts.arena, parts.arena_bytes);
        tflite::MicroResourceVariables* variables =
            tflite::MicroResourceVariables::Create(allocator, kModelVariables);
        interpreter =
            new (interpreter_room) tflite::MicroInterpreter(parts.model, *parts.resolver, allocator, variables);
    } else {
        interpreter = new (interpreter_room)
            tflite::MicroInterpreter(parts.model, *parts.resolver, parts.arena, parts.arena_bytes);
    }
    return interpreter->AllocateTensors() == kTfLiteOk ? interpreter : nullptr;
}

/* State as it begins: `Reset` makes zeros of resource variables and does not run CALL_ONCE again. */
bool Renew(const Parts& parts, tflite::MicroInterpreter** interpreter) {
    if constexpr (kModelVariables > 0) {
        (*interpreter)->~MicroInterpreter();
        *interpreter = MakeInterpreter(parts);
        return *interpreter != nullptr;
    } else {
        (void)parts;
        return (*interpreter)->Reset() == kTfLiteOk;
    }
}

void WriteInputs(tflite::MicroInterpreter* interpreter, const uint8_t* values) {
    for (size_t i = 0; i < interpreter->inputs_size(); i++) {
        TfLiteTensor* tensor = interpreter->input(i);
        memcpy(tensor->data.raw, values, tensor->bytes);
        values += tensor->bytes;
    }
}

void SendOutputs(tflite::MicroInterpreter* interpreter, uint32_t input_index) {
    uint32_t crc = 0;
    for (size_t i = 0; i < interpreter->outputs_size(); i++) {
        const TfLiteTensor* tensor = interpreter->output(i);
        const uint32_t bytes = static_cast<uint32_t>(tensor->bytes);
        const uint8_t* values = reinterpret_cast<const uint8_t*>(tensor->data.raw);
        crc = crc32_update(crc, values, bytes);
        frame_tensor(input_index, i, values, bytes);
    }
    const uint32_t fields[] = {input_index, crc};
    frame_send("CRC", fields, 2);
}

void SendOperatorTicks(uint32_t input_index) {
    for (uint32_t i = 0; i < harness::operators_seen && i < harness::kTimedOperators; i++) {
        frame_begin("OP");
        frame_number(input_index);
        frame_number(i);
        frame_number(harness::operator_ticks[i]);
        frame_end();
    }
}

bool Infer(tflite::MicroInterpreter* interpreter, const uint8_t* values, uint32_t input_index, uint32_t run) {
    WriteInputs(interpreter, values);
    harness::operators_seen = 0;
    port_start_ticks();
    const uint64_t start = port_ticks();
    const TfLiteStatus status = interpreter->Invoke();
    const uint64_t end = port_ticks();
    if (status != kTfLiteOk) {
        job_send_error(kNotInvoked, harness::operators_seen);
        return false;
    }
    frame_begin("RUN");
    frame_number(input_index);
    frame_number(run);
    frame_number(start);
    frame_number(end);
    frame_end();
    return true;
}

void SendStack() {
    const uint32_t stack[] = {port_stack_used(), port_stack_size()};
    frame_send("STACK", stack, 2);
}

void RunAll(const job_header* job, const Parts& parts, tflite::MicroInterpreter* interpreter) {
    const uint8_t* values = reinterpret_cast<const uint8_t*>(job) + job->inputs_offset;
    for (uint32_t input = 0; input < job->input_count; input++) {
        for (uint32_t run = 0; run < job->runs; run++) {
            /* Runs of a job do not depend on each other, unless they are a stream. */
            const bool fresh = job->sequence == 0 || (input == 0 && run == 0);
            if (fresh && !Renew(parts, &interpreter)) {
                job_send_error(kNotInvoked, 0);
                return;
            }
            if (!Infer(interpreter, values, input, run)) {
                return;
            }
        }
        if (job->runs > 0) {
            SendOperatorTicks(input);
            SendOutputs(interpreter, input);
            if (input == 0) {
                SendStack();  // the host may have enough before the end
            }
        }
        values += job->input_bytes;
    }
}

uint32_t InputBytes(tflite::MicroInterpreter* interpreter) {
    uint32_t total = 0;
    for (size_t i = 0; i < interpreter->inputs_size(); i++) {
        total += static_cast<uint32_t>(interpreter->input(i)->bytes);
    }
    return total;
}

void RunJob(const job_header* job, uint8_t* arena, uint32_t arena_bytes) {
    const tflite::Model* model = tflite::GetModel(reinterpret_cast<const uint8_t*>(job) + job->plan_offset);
    if (model->version() != TFLITE_SCHEMA_VERSION) {
        job_send_error(kBadModel, 0);
        return;
    }
    Resolver* resolver = new (resolver_room) Resolver();
    if (AddModelOperators(resolver) != kTfLiteOk) {
        job_send_error(kNotAllocated, 0);
        return;
    }
    const Parts parts = {model, new (timed_room) Timed(*resolver), arena, arena_bytes};
    tflite::MicroInterpreter* interpreter = MakeInterpreter(parts);
    if (interpreter == nullptr) {
        job_send_error(kNotAllocated, harness::operators_seen);
        return;
    }
    if (InputBytes(interpreter) != job->input_bytes) {
        job_send_error(JOB_BAD_INPUTS, 0);
        return;
    }
    const uint32_t fields[] = {job->input_count, job->runs, static_cast<uint32_t>(interpreter->arena_used_bytes()), 0};
    frame_send("JOB", fields, 4);
    RunAll(job, parts, interpreter);
}

}  // namespace

extern "C" void job_run(const void* raw, uint32_t limit, void* arena, uint32_t arena_bytes) {
    for (initializer** next = initializers_start; next < initializers_end; next++) {
        (*next)();
    }
    const job_header* job = static_cast<const job_header*>(raw);
    frame_restart();
    const uint32_t hello[] = {JOB_VERSION, TFLITE_SCHEMA_VERSION, arena_bytes};
    frame_send("HELLO", hello, 3);
    const uint32_t status = job_check(job, limit);
    if (status != JOB_OK) {
        job_send_error(status, 0);
    } else if (job->self_test != JOB_RUNS) {
        port_self_test(job->self_test);
    } else {
        RunJob(job, static_cast<uint8_t*>(arena), arena_bytes);
    }
    SendStack();
    frame_finish();
}

/* Micro's classes have virtual destructors, which name these; nothing is ever made with `new`. */
void operator delete(void*) noexcept {}
void operator delete(void*, size_t) noexcept {}
