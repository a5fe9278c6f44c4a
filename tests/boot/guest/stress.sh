# stress-ng checks its own results: processor, floating point without vectors, memory, atomics. $1: seconds
set -eu
stress-ng --verify --oomable --timeout "${1}s" \
  --cpu 1 --cpu-method all --fp 1 --fma 1 --matrix 1 --trig 1 \
  --vm 1 --vm-bytes 32M --memcpy 1 --memrate 1 --memrate-bytes 16M --malloc 1 --malloc-bytes 16M \
  --atomic 2 --mutex 1 --futex 1 2>&1
