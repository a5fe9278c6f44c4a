# Installs and removes packages, compiles a program of some 25,000 lines, and prints what came of it: the same wherever
# it runs.
export LC_ALL=C DEBIAN_FRONTEND=noninteractive DPKG_COLORS=never
sums() { sha256sum "$@" | cut -c1-16 | tr '\n' ' '; echo; }

main() {
  echo 'packages: begin'
  apt-get -qq update
  apt-cache search . | sort | sha256sum
  apt-get -qq -y -o Dpkg::Use-Pty=0 install lua5.4 sqlite3 m4 bc < /dev/null
  dpkg -l lua5.4 sqlite3 m4 bc libc6 | tail -n 5
  dpkg -V lua5.4 sqlite3 m4 bc
  for program in lua5.4 sqlite3 m4 bc; do dpkg -L "$program" | sort | sha256sum; sums "$(readlink -f "$(command -v "$program")")"; done
  lua5.4 -e 'local s = 0 for i = 1, 100000 do s = s + math.sin(i) / i end print(s)'
  sqlite3 :memory: 'with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000) select count(*), sum(i * i) from n'
  echo '2^200; scale = 30; 4 * a(1)' | bc -l
  apt-get -qq -y -o Dpkg::Use-Pty=0 remove m4 < /dev/null
  dpkg -i /var/lib/vireo/repository/m4_*.deb
  cut -d' ' -f3- /var/log/dpkg.log | sha256sum

  cd /tmp || exit 1
  cat > program.c <<'C'
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>
#define STB_TRUETYPE_IMPLEMENTATION
#include <stb/stb_truetype.h>
#define STB_DS_IMPLEMENTATION
#include <stb/stb_ds.h>
#define STB_SPRINTF_IMPLEMENTATION
#include <stb/stb_sprintf.h>

enum { kSize = 256 };
static unsigned char picture[kSize][kSize][3];

static unsigned long long sum(const void *data, size_t size) {
  unsigned long long value = 14695981039346656037u;
  for (size_t i = 0; i < size; i++) value = (value ^ ((const unsigned char *)data)[i]) * 1099511628211u;
  return value;
}

static void reload(const char *name) {
  int width, height, channels;
  unsigned char *data = stbi_load(name, &width, &height, &channels, 3);
  printf("%s: %d x %d, %016llx\n", name, width, height, data == NULL ? 0 : sum(data, (size_t)width * height * 3));
  free(data);
}

int main(void) {
  for (int y = 0; y < kSize; y++)
    for (int x = 0; x < kSize; x++)
      for (int c = 0; c < 3; c++) picture[y][x][c] = (unsigned char)(127 + 120 * sin(x * 0.05 * (c + 1)) * cos(y * 0.03));
  stbi_write_png("picture.png", kSize, kSize, 3, picture, 3 * kSize);
  stbi_write_jpg("picture.jpg", kSize, kSize, 3, picture, 90);
  stbi_write_tga("picture.tga", kSize, kSize, 3, picture);
  reload("picture.png");
  reload("picture.jpg");
  reload("picture.tga");
  struct { int key; int value; } *map = NULL;
  for (int i = 0; i < 100000; i++) hmput(map, i * 7919 % 10007, i);
  char text[64];
  stbsp_snprintf(text, sizeof(text), "%d keys, %.17g", (int)hmlen(map), sqrt(2));
  puts(text);
  return 0;
}
C
  for level in 1 2; do
    gcc -O$level -g -Wall -c program.c -o program-$level.o && gcc program-$level.o -lm -o program-$level
    sums program-$level.o program-$level
    ./program-$level
    sums picture.*
  done
  echo 'packages: end'
}
main 2>&1 | cat  # no terminal, no progress bars
