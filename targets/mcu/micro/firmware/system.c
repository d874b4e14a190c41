/* What the C and C++ libraries ask of a system that is not there. Nothing here is meant to be called: what calls it meets a
 * fault, which is reported as one. */
#include <stddef.h>

void abort(void);
void _exit(int status);
void *_sbrk(ptrdiff_t increment);
int _kill(int process, int signal);
int _getpid(void);
int _write(int file, const void *bytes, size_t count);
int _read(int file, void *bytes, size_t count);
int _close(int file);
int _fstat(int file, void *state);
int _isatty(int file);
int _lseek(int file, int offset, int from);

void *__dso_handle = NULL;

__attribute__((noreturn)) static void stop(void) {
    for (;;) {
        __asm__ volatile("udf #1");
    }
}

void abort(void) {
    stop();
}

void _exit(int status) {
    (void)status;
    stop();
}

void *_sbrk(ptrdiff_t increment) {
    (void)increment;
    return (void *)-1; /* there is no heap */
}

int _kill(int process, int signal) {
    (void)process;
    (void)signal;
    return -1;
}

int _getpid(void) {
    return 1;
}

int _write(int file, const void *bytes, size_t count) {
    (void)file;
    (void)bytes;
    (void)count;
    return -1;
}

int _read(int file, void *bytes, size_t count) {
    (void)file;
    (void)bytes;
    (void)count;
    return -1;
}

int _close(int file) {
    (void)file;
    return -1;
}

int _fstat(int file, void *state) {
    (void)file;
    (void)state;
    return -1;
}

int _isatty(int file) {
    (void)file;
    return 0;
}

int _lseek(int file, int offset, int from) {
    (void)file;
    (void)offset;
    (void)from;
    return -1;
}
