#include <string.h>

#include "probe.h"

// The kinds of work of EEMBC's CoreMark: a linked list that is searched, reversed and sorted, products of small
// matrices of integers, a state machine over text, CRC-16 over the results. The program is our own.

enum { kItems = 200, kSize = 16, kRounds = 2500 };

typedef struct Item {
  struct Item* next;
  int16_t key;
  uint16_t place;
} Item;

static Item items[kItems];
static int16_t a[kSize][kSize], b[kSize][kSize];
static int32_t product[kSize][kSize];

static uint16_t crc16(uint16_t value, uint16_t crc) {
  for (int i = 0; i < 16; i++) {
    const int bit = (value ^ crc) & 1;
    crc = (uint16_t)(crc >> 1);
    value = (uint16_t)(value >> 1);
    if (bit) crc ^= 0xa001;
  }
  return crc;
}

static Item* make_list(uint64_t* random) {
  for (int i = 0; i < kItems; i++) {
    items[i].key = (int16_t)(next_random(random) >> 40);
    items[i].place = (uint16_t)i;
    items[i].next = i + 1 < kItems ? &items[i + 1] : NULL;
  }
  return items;
}

static Item* reverse(Item* list) {
  Item* reversed = NULL;
  while (list != NULL) {
    Item* const next = list->next;
    list->next = reversed;
    reversed = list;
    list = next;
  }
  return reversed;
}

static int find(const Item* list, int16_t key) {
  int place = 0;
  for (; list != NULL; list = list->next, place++) {
    if ((list->key & 0xff) == (key & 0xff)) return place;
  }
  return -1;
}

typedef int (*Order)(const Item*, const Item*);

static int by_key(const Item* left, const Item* right) { return left->key - right->key; }
static int by_place(const Item* left, const Item* right) { return left->place - right->place; }

static Item* merge(Item* left, Item* right, Order order) {
  Item head;
  Item* last = &head;
  while (left != NULL && right != NULL) {
    Item** const smaller = order(left, right) <= 0 ? &left : &right;
    last->next = *smaller;
    last = *smaller;
    *smaller = last->next;
  }
  last->next = left != NULL ? left : right;
  return head.next;
}

static Item* sort(Item* list, Order order) {
  if (list == NULL || list->next == NULL) return list;
  Item* middle = list;
  for (Item* end = list->next; end != NULL && end->next != NULL; end = end->next->next) middle = middle->next;
  Item* const rest = middle->next;
  middle->next = NULL;
  return merge(sort(list, order), sort(rest, order), order);
}

static uint16_t multiply(int16_t seed) {
  int32_t sum = 0;
  for (int i = 0; i < kSize; i++) {
    for (int j = 0; j < kSize; j++) {
      a[i][j] = (int16_t)(seed + i * 3 + j);
      b[i][j] = (int16_t)(seed - i + j * 5);
    }
  }
  for (int i = 0; i < kSize; i++) {
    for (int j = 0; j < kSize; j++) {
      int32_t dot = 0;
      for (int k = 0; k < kSize; k++) dot += ((a[i][k] * b[k][j]) >> 2) & 0x7f;
      product[i][j] = dot;
      sum += dot > 400 ? dot >> 3 : dot;
    }
  }
  return (uint16_t)sum;
}

typedef enum { kStart, kSign, kWhole, kFraction, kExponent, kWord, kStates } State;

static State advance(State state, char c) {
  const int digit = c >= '0' && c <= '9';
  switch (state) {
    case kStart:
      return digit ? kWhole : c == '-' || c == '+' ? kSign : c == ' ' ? kStart : kWord;
    case kSign:
      return digit ? kWhole : kWord;
    case kWhole:
      return digit ? kWhole : c == '.' ? kFraction : c == 'e' ? kExponent : kWord;
    case kFraction:
      return digit ? kFraction : c == 'e' ? kExponent : kWord;
    case kExponent:
      return digit || c == '-' ? kExponent : kWord;
    default:
      return kWord;
  }
}

static uint16_t scan(const char* text) {
  unsigned counts[kStates] = {0};
  State state = kStart;
  for (; *text != '\0'; text++) {
    if (*text == ',') {
      counts[state]++;
      state = kStart;
    } else {
      state = advance(state, *text);
    }
  }
  uint16_t crc = 0;
  for (int i = 0; i < kStates; i++) crc = crc16((uint16_t)counts[i], crc);
  return crc;
}

static const char kText[] =
    "5012,-874,+122,35.54400,.1234500,-110.700,+0.64400,5.500e3,-.123e-2,-87e+832,+0.6e-12,T0.3e-1F,-T.T++Tq,"
    "1T3.4e4z,34.0e-T^,word,12,99.5,1e9,-7,hello,3.14159,2.71828e0,00042,-,+,e,end,";

uint64_t probe_coremark(void) {
  uint64_t random = 12345;
  uint16_t crc = 0;
  for (int round = 0; round < kRounds; round++) {
    Item* list = make_list(&random);
    for (int i = 0; i < 20; i++) {
      crc = crc16((uint16_t)find(list, (int16_t)(i * 13 + round)), crc);
      list = reverse(list);
    }
    list = sort(list, by_key);
    crc = crc16((uint16_t)list->key, crc);
    list = sort(list, by_place);
    crc = crc16((uint16_t)list->key, crc);
    crc = crc16(multiply((int16_t)round), crc);
    for (int i = 0; i < 4; i++) crc = crc16(scan((const char*)opaque((uint64_t)kText)), crc);
  }
  return crc;
}
