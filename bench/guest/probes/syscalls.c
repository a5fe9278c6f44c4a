#include <unistd.h>

#include <sys/syscall.h>

#include "probe.h"

uint64_t probe_syscalls(void) {
  const long parent = syscall(SYS_getppid);
  uint64_t same = 0;
  for (int i = 0; i < 500000; i++) same += syscall(SYS_getppid) == parent;
  return same;
}
