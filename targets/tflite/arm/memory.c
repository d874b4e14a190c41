/* `malloc` for the emulated process, so that what a program executes does not follow from where its blocks lie.
 *
 * The C library's own looks at what lies beside a block, and gives it an address by what went before: a few instructions
 * more or less, and other paths in `memset`. Here a block is one of a size, from the list of those that were given back,
 * or else new; each begins at a multiple of 128, which is what XNNPACK asks for; and none is ever joined or split.
 *
 * `harness_heap` tells the bytes that are asked for and not given back, now and at most since it was last told to begin.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 128, STEPS = 4, CLASSES = 4 * 40, LARGE_BYTES = 1 << 18, CHUNK_BYTES = 1 << 22 };

/* Right before every block that is given out: the bytes asked for, its class or LARGE, and how far behind the beginning
 * of its memory it is. There the size of that memory is. */
struct header {
    size_t asked;
    uint32_t order;
    uint32_t offset;
};
struct empty {
    struct empty *next;
};

#define EXPORTED __attribute__((visibility("default")))
#define LARGE UINT32_MAX

static atomic_flag taken = ATOMIC_FLAG_INIT;
static struct empty *lists[CLASSES];
static char *fresh;
static size_t left;
static uint64_t live, most;

static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&taken, memory_order_acquire))
        ;
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&taken, memory_order_release);
}

static void *mapped(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static size_t page_rounded(size_t bytes)
{
    return (bytes + 4095) & ~(size_t)4095;
}

/* The least class that holds so many bytes, four to each doubling, and how many it has. */
static uint32_t class_of(size_t bytes, size_t *held)
{
    size_t units = (bytes + ALIGNMENT - 1) / ALIGNMENT;
    uint32_t exponent, step;
    if (units <= STEPS) {
        *held = units * ALIGNMENT;
        return (uint32_t)units;
    }
    exponent = 63u - (uint32_t)__builtin_clzll(units - 1); /* units - 1 is in [2^exponent, 2^(exponent + 1)) */
    step = (uint32_t)((units - 1) >> (exponent - 2)) & 3u;
    *held = (size_t)(STEPS + step + 1) * ALIGNMENT << (exponent - 2);
    return exponent * STEPS + step + 1;
}

static void *taken_from(size_t bytes, uint32_t *order, size_t *held)
{
    struct empty *found;
    if (bytes >= LARGE_BYTES) {
        *order = LARGE;
        *held = page_rounded(bytes);
        return mapped(*held);
    }
    *order = class_of(bytes, held);
    found = lists[*order];
    if (found) {
        lists[*order] = found->next;
        return found;
    }
    if (left < *held) {
        fresh = mapped(CHUNK_BYTES);
        left = fresh ? CHUNK_BYTES : 0;
        if (!fresh)
            return NULL;
    }
    fresh += *held;
    left -= *held;
    return fresh - *held;
}

static void *allocated(size_t bytes, size_t alignment)
{
    size_t offset = alignment > ALIGNMENT ? alignment : ALIGNMENT, held;
    size_t extra = alignment > ALIGNMENT ? 2 * alignment : ALIGNMENT;
    struct header *header;
    char *start, *block;
    uint32_t order;
    if (bytes > SIZE_MAX / 4 || alignment > UINT32_MAX / 4) {
        errno = ENOMEM;
        return NULL;
    }
    lock();
    start = taken_from(bytes + extra, &order, &held);
    if (start) {
        live += bytes;
        most = live > most ? live : most;
    }
    unlock();
    if (!start) {
        errno = ENOMEM;
        return NULL;
    }
    *(size_t *)start = held;
    block = (char *)(((uintptr_t)start + offset) & ~(uintptr_t)(offset - 1));
    header = (struct header *)block - 1;
    *header = (struct header){bytes, order, (uint32_t)(block - start)};
    return block;
}

EXPORTED void *malloc(size_t bytes)
{
    return allocated(bytes, ALIGNMENT);
}

EXPORTED void free(void *block)
{
    struct header *header = (struct header *)block - 1;
    char *start;
    size_t bytes;
    uint32_t order;
    if (!block)
        return;
    start = (char *)block - header->offset;
    bytes = header->asked;
    order = header->order;
    lock();
    live -= bytes;
    if (order != LARGE) {
        struct empty *empty = (struct empty *)start;
        empty->next = lists[order];
        lists[order] = empty;
    }
    unlock();
    if (order == LARGE) {
        int kept = errno;
        munmap(start, *(size_t *)start);
        errno = kept;
    }
}

EXPORTED void *calloc(size_t count, size_t each)
{
    size_t bytes;
    void *block;
    if (__builtin_mul_overflow(count, each, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    block = allocated(bytes, ALIGNMENT);
    if (block && ((struct header *)block - 1)->order != LARGE)
        memset(block, 0, bytes);
    return block;
}

EXPORTED void *realloc(void *block, size_t bytes)
{
    size_t asked;
    void *other;
    if (!block)
        return allocated(bytes, ALIGNMENT);
    if (!bytes) {
        free(block);
        return NULL;
    }
    asked = ((struct header *)block - 1)->asked;
    other = allocated(bytes, ALIGNMENT);
    if (other) {
        memcpy(other, block, asked < bytes ? asked : bytes);
        free(block);
    }
    return other;
}

EXPORTED void *memalign(size_t alignment, size_t bytes)
{
    return allocated(bytes, alignment);
}

EXPORTED void *aligned_alloc(size_t alignment, size_t bytes)
{
    return allocated(bytes, alignment);
}

EXPORTED int posix_memalign(void **block, size_t alignment, size_t bytes)
{
    *block = allocated(bytes, alignment);
    return *block ? 0 : ENOMEM;
}

EXPORTED void *valloc(size_t bytes)
{
    return allocated(bytes, 4096);
}

EXPORTED size_t malloc_usable_size(void *block)
{
    return block ? ((struct header *)block - 1)->asked : 0;
}

/* What is live now; `begin`: what was most is forgotten first. */
EXPORTED void harness_heap(int begin, uint64_t told[2])
{
    lock();
    if (begin)
        most = live;
    told[0] = live;
    told[1] = most;
    unlock();
}
