#include <unistd.h>

#include <sys/wait.h>

#include "probe.h"

uint64_t probe_forkexec(void) {
  uint64_t done = 0;
  for (int i = 0; i < 200; i++) {
    const pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
      execl("/proc/self/exe", "probes", "--nothing", (char*)NULL);
      _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    done += WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  return done;
}
