/* What a fault run can turn on in a running node, preloaded (LD_PRELOAD) into the process: an fsync that is slow or fails (and a
 * write that is one: to a file that is open with O_DSYNC), a wall clock that is off or drifts. The switches are seven numbers in a file that GONGZHENG_SWITCHES names and that is mapped here, so that whoever writes
 * the file changes the node at once (switches.ts). The monotonic clock is left alone: it is the wall clock that people set. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct switches {
  volatile int64_t fsync_delay_us;
  volatile int64_t fsync_errno;
  volatile int64_t fsync_count;
  /* wall clock shown = real + offset + (real - since) * rate_ppm / 10^6 */
  volatile int64_t wall_offset_ms;
  volatile int64_t wall_since_ms;
  volatile int64_t wall_rate_ppm;
  volatile int64_t wall_count;
};

static struct switches off;
static struct switches *on = &off;

__attribute__((constructor)) static void open_switches(void) {
  const char *path = getenv("GONGZHENG_SWITCHES");
  if (path == NULL) return;
  /* Nothing of a run outlives it, not even when the run itself is killed. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int fd = open(path, O_RDWR);
  if (fd < 0) abort();
  void *mapped = mmap(NULL, sizeof(struct switches), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) abort();
  close(fd);
  on = mapped;
}

static int held_up(void) {
  __sync_fetch_and_add(&on->fsync_count, 1);
  /* In slices: a disk that is well again lets go of what it held. */
  for (int64_t waited = 0; waited < on->fsync_delay_us; waited += 10000) usleep(10000);
  if (on->fsync_errno == 0) return 0;
  errno = (int)on->fsync_errno;
  return -1;
}

int fsync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = dlsym(RTLD_NEXT, "fsync");
  return held_up() != 0 ? -1 : real(fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = dlsym(RTLD_NEXT, "fdatasync");
  return held_up() != 0 ? -1 : real(fd);
}

static ssize_t write_at(const char *name, int fd, const void *bytes, size_t count, off_t offset) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (real == NULL) real = dlsym(RTLD_NEXT, name);
  ssize_t written = real(fd, bytes, count, offset);
  int flags = fcntl(fd, F_GETFL);
  /* As on a real disk that fails: whoever reads the file again finds the bytes. */
  return written >= 0 && flags >= 0 && (flags & O_DSYNC) != 0 && held_up() != 0 ? -1 : written;
}

/* The same function under two names, where off_t has 64 bits. */
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  return write_at("pwrite", fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) {
  return write_at("pwrite64", fd, bytes, count, offset);
}

static int real_clock(clockid_t clock, struct timespec *out) {
  static int (*real)(clockid_t, struct timespec *);
  if (real == NULL) real = dlsym(RTLD_NEXT, "clock_gettime");
  return real(clock, out);
}

static void shift(struct timespec *time) {
  int64_t offset = on->wall_offset_ms, rate = on->wall_rate_ppm;
  __sync_fetch_and_add(&on->wall_count, 1);
  if (offset == 0 && rate == 0) return;
  int64_t ns = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
  ns += offset * 1000000 + (ns / 1000000 - on->wall_since_ms) * rate;
  time->tv_sec = ns / 1000000000;
  time->tv_nsec = ns % 1000000000;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
  int result = real_clock(clock, out);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) shift(out);
  return result;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}
