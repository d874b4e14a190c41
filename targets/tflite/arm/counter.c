/* A QEMU plugin that counts the instructions of the emulated process and notes the count where the process asks for it.
 *
 * The process asks by `isatty` of a file descriptor that cannot be: the ioctl behind it is seen here before it fails.
 * -MARK notes the count; -(MARK + 1 + w) writes all that was noted, as 64-bit integers, to descriptor w and forgets it.
 *
 * QEMU ships its header with its sources alone, so what is used of the interface is declared here. PLUGIN_VERSION is
 * what the QEMU at hand takes: 1 up to QEMU 8, 2 from QEMU 9 on, which no longer has the inline counter of version 1.
 */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <unistd.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
typedef void translated_callback(plugin_id, struct qemu_plugin_tb *);
typedef void executed_callback(unsigned vcpu, void *data);
typedef void syscall_callback(plugin_id, unsigned vcpu, int64_t number, uint64_t, uint64_t, uint64_t, uint64_t,
                              uint64_t, uint64_t, uint64_t, uint64_t);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, translated_callback *);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id, syscall_callback *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, executed_callback *, int flags, void *data);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int operation, void *counter, uint64_t value)
    __attribute__((weak));

enum { IOCTL = 29, MARK = 0x4d4c5248, LARGEST_DESCRIPTOR = 65535, MOST_MARKS = 8192, NO_REGISTERS = 0, ADD = 0 };

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int qemu_plugin_version = PLUGIN_VERSION;

static uint64_t executed, marks[MOST_MARKS];
static size_t marked;

static void block_executed(unsigned vcpu, void *instructions)
{
    (void)vcpu;
    executed += (uintptr_t)instructions;
}

static void block_translated(plugin_id id, struct qemu_plugin_tb *block)
{
    size_t instructions = qemu_plugin_tb_n_insns(block);
    (void)id;
    if (qemu_plugin_register_vcpu_tb_exec_inline)
        qemu_plugin_register_vcpu_tb_exec_inline(block, ADD, &executed, instructions);
    else
        qemu_plugin_register_vcpu_tb_exec_cb(block, block_executed, NO_REGISTERS, (void *)(uintptr_t)instructions);
}

static void system_called(plugin_id id, unsigned vcpu, int64_t number, uint64_t descriptor, uint64_t a, uint64_t b,
                          uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g)
{
    int64_t asked = -(int64_t)(int32_t)descriptor - MARK;
    (void)id, (void)vcpu, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g;
    if (number != IOCTL || asked < 0 || asked > 1 + LARGEST_DESCRIPTOR)
        return;
    if (asked > 0) {
        ssize_t written = write((int)asked - 1, marks, marked * sizeof marks[0]);
        (void)written; /* a reader that gets too little says so */
        marked = 0;
    } else if (marked < MOST_MARKS) {
        marks[marked++] = executed;
    }
}

/* A fork of the process ends with the one that it was forked from, in whatever state it is. */
static void forked(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

EXPORTED int qemu_plugin_install(plugin_id id, const void *information, int count, char **arguments)
{
    (void)information, (void)count, (void)arguments;
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    qemu_plugin_register_vcpu_syscall_cb(id, system_called);
    return pthread_atfork(NULL, NULL, forked);
}
