#include "vmm/cli/cli.h"

int main(int argc, char** argv) { return vmm::run_cli(argc, argv); }
