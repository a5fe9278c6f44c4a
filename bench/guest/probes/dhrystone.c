#include <string.h>

#include "probe.h"

// The mix of Weicker's synthetic benchmark (1984): assignments of records through pointers, enumerations, string copies
// and comparisons, two-dimensional arrays, small procedures. The program is our own.

typedef enum { kRed, kGreen, kBlue, kBlack, kWhite } Colour;

typedef struct Record {
  struct Record* next;
  Colour colour;
  int level;
  int total;
  char text[32];
} Record;

static int grid[50][50];
static int row[50];
static int switches;

static __attribute__((noinline)) Colour after(Colour colour, int level) {
  switch (colour) {
    case kRed:
      return level > 100 ? kGreen : kBlack;
    case kGreen:
      return kBlue;
    case kBlue:
      return level & 1 ? kWhite : kRed;
    case kBlack:
      return kGreen;
    default:
      return kRed;
  }
}

static __attribute__((noinline)) void step(Record* record) {
  Record* next = record->next;
  *next = *record;
  record->level = 5;
  next->level = record->level + next->total % 10;
  next->next = record;
  next->colour = after(record->colour, next->level);
  if (next->colour == kRed) {
    next->level = 6;
    next->total += 3;
  } else {
    next->total = record->total + 1;
  }
}

static __attribute__((noinline)) int is_later(const char* left, const char* right) {
  size_t i = 2;
  while (i <= 2) {
    if (left[i] == right[i + 1]) {
      switches++;
      i = 7;
    } else {
      i++;
    }
  }
  return strcmp(left, right) > 0;
}

static __attribute__((noinline)) void spread(int at, int value) {
  const int place = at + 5;
  row[place] = value;
  row[place + 1] = row[place];
  row[place + 30] = place;
  for (int i = place; i <= place + 1; i++) grid[place][i] = place;
  grid[place][place - 1] += 1;
  grid[place + 20][place] = row[place];
}

uint64_t probe_dhrystone(void) {
  Record* first = allocate(sizeof(Record));
  Record* second = allocate(sizeof(Record));
  memset(first, 0, sizeof(Record));
  memset(second, 0, sizeof(Record));
  first->next = second;
  strcpy(first->text, "A STRING OF SOME LETTERS, NO. 1");
  uint64_t checksum = 0;
  for (int i = 0; i < 3000000; i++) {
    char left[32];
    char right[32];
    strcpy(left, "A STRING OF SOME LETTERS, NO. 1");
    strcpy(right, i & 3 ? "A STRING OF SOME LETTERS, NO. 2" : "A STRING OF OTHER LETTERS");
    const int later = is_later(left, (const char*)opaque((uint64_t)right));
    spread(i % 7, i + later);
    first->total = i % 1000;
    first->next = second;
    step(first);
    const int quotient = (i * 7 + second->level) / (1 + (i & 7));
    checksum = checksum * 31 + (uint64_t)(quotient + second->total + (int)second->colour + later);
  }
  checksum += (uint64_t)(grid[8][8] + grid[25][5] + row[35] + switches);
  release(first, sizeof(Record));
  release(second, sizeof(Record));
  return checksum;
}
