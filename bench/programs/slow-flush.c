/*
 * A slower disk for one process: every flush takes FLUSH_DELAY_US microseconds longer. Preloaded (LD_PRELOAD) before
 * libc, whose fsync and fdatasync SQLite's addon, libuv and PostgreSQL call by name.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_longer(void) {
  const char *delay = getenv("FLUSH_DELAY_US");
  if (delay != NULL) usleep((useconds_t)atoi(delay));
}

int fsync(int file) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  wait_longer();
  return real(file);
}

int fdatasync(int file) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  wait_longer();
  return real(file);
}
