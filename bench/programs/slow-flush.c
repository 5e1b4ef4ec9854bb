/*
 * A slower disk for one process and its children, and a count of their flushes. Preloaded (LD_PRELOAD) before libc,
 * whose fsync and fdatasync SQLite's addon, libuv and PostgreSQL call by name.
 *
 * FLUSH_DELAY_US   microseconds that every flush takes longer; none when absent
 * FLUSH_COUNT      a file of eight bytes that all of them count in
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t *counter;
static useconds_t delay;

__attribute__((constructor)) static void begin(void) {
  const char *file = getenv("FLUSH_COUNT");
  const char *micros = getenv("FLUSH_DELAY_US");
  if (micros != NULL) delay = (useconds_t)atoi(micros);
  if (file == NULL) return;
  int handle = open(file, O_RDWR);
  if (handle < 0) return;
  void *place = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
  if (place != MAP_FAILED) counter = place;
  close(handle);
}

static void flushed(void) {
  if (counter != NULL) __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
  if (delay > 0) usleep(delay);
}

int fsync(int file) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  flushed();
  return real(file);
}

int fdatasync(int file) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  flushed();
  return real(file);
}
