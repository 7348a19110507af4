/*
 * A wall clock that jumps, for one process: loaded before it (LD_PRELOAD).
 *
 * The file that TORTURE_CLOCK names holds the jump in nanoseconds, as one 64-bit number of the machine, and may change at
 * any time. Waits until a time of the wall clock follow a jump as the kernel's do: they last longer when it goes back.
 * Only what Millstream and librdkafka call is here. Time since the start of the machine stays true, and so do the times
 * of files.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
/* Waits look at the clock this often. */
#define SLICE (SECOND / 20)

static const volatile int64_t *jump;

__attribute__((constructor)) static void open_jump(void) {
    const char *path = getenv("TORTURE_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *seen = file >= 0 ? mmap(NULL, sizeof *jump, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
    if (seen == MAP_FAILED) _exit(99);
    jump = seen;
    close(file);
}

static int64_t true_time(void) {
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static int64_t wall_time(void) { return true_time() + (jump ? *jump : 0); }

static struct timespec spec(int64_t time) { return (struct timespec){.tv_sec = time / SECOND, .tv_nsec = time % SECOND}; }

int clock_gettime(clockid_t clock, struct timespec *found) {
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return (int)syscall(SYS_clock_gettime, clock, found);
    *found = spec(wall_time());
    return 0;
}

int gettimeofday(struct timeval *found, void *zone) {
    (void)zone;
    int64_t now = wall_time();
    *found = (struct timeval){.tv_sec = now / SECOND, .tv_usec = now % SECOND / 1000};
    return 0;
}

time_t time(time_t *found) {
    time_t now = wall_time() / SECOND;
    if (found) *found = now;
    return now;
}

int timespec_get(struct timespec *found, int base) {
    *found = spec(wall_time());
    return base;
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until) {
    static int (*wait)(cnd_t *, mtx_t *, const struct timespec *);
    if (!wait) wait = (int (*)(cnd_t *, mtx_t *, const struct timespec *))dlsym(RTLD_NEXT, "cnd_timedwait");
    for (;;) {
        int64_t left = until->tv_sec * SECOND + until->tv_nsec - wall_time();
        if (left <= 0) return thrd_timedout;
        struct timespec end = spec(true_time() + (left < SLICE ? left : SLICE));
        int ended = wait(condition, mutex, &end);
        if (ended != thrd_timedout) return ended;
    }
}
