#pragma once

#include <stdint.h>
#include <stdio.h>

/// Runs a command with its output in the file; the status as a shell gives it.
int run_command(char** command, int output);

/// FNV-1a, 64 bits, of all that is in the file.
uint64_t checksum_of(FILE* file);
