// A driver that breaks the rules of VIRTIO 1.2 on a device in memory: queues anywhere, filled with loops, wild
// addresses and lengths, and registers written at random. For the programs of this folder, each of which says first
// where things are (kArena with 1 MiB for rings and data that is the driver's alone, kRamEnd, kEdge for another end of
// memory, kFirstSlot, kSlotSize, kSlots) and gives random_number() and fence().

#pragma once

enum { kDescriptors = 64 };

enum Register {
  kMagic = 0x00,
  kDeviceId = 0x08,
  kDeviceFeatures = 0x10,
  kDeviceFeaturesSelect = 0x14,
  kDriverFeatures = 0x20,
  kDriverFeaturesSelect = 0x24,
  kQueueSelect = 0x30,
  kQueueSize = 0x38,
  kQueueReady = 0x44,
  kNotify = 0x50,
  kInterruptStatus = 0x60,
  kInterruptAcknowledge = 0x64,
  kStatus = 0x70,
  kQueueDescriptors = 0x80,
  kQueueDriver = 0x90,
  kQueueDevice = 0xa0,
};
enum { kAcknowledge = 1, kDriver = 2, kDriverOk = 4, kFeaturesOk = 8, kBlockDevice = 2 };

struct Descriptor {
  uint64_t address;
  uint32_t length;
  uint16_t flags, next;
};
enum { kNext = 1, kWrite = 2, kIndirect = 4 };

struct BlockHeader {
  uint32_t type, reserved;
  uint64_t sector;
};

static uint64_t random_below(uint64_t limit) { return random_number() % limit; }

static void write32(uint64_t address, uint32_t value) { *(volatile uint32_t*)address = value; }
static uint32_t read32(uint64_t address) { return *(volatile uint32_t*)address; }
static void write_pair(uint64_t address, uint64_t value) {
  write32(address, (uint32_t)value);
  write32(address + 4, (uint32_t)(value >> 32));
}
// Somewhere in the arena for the most part, else at an edge or where there is no memory.
static uint64_t wild_address(void) {
  const uint64_t near_end = kRamEnd - random_below(64);
  switch (random_below(16)) {
    case 0:
      return 0;
    case 1:
      return random_number();
    case 2:
      return near_end;
    case 3:
      return ~random_below(256);
    case 4:
      return kEdge - 1 - random_below(64);
    case 5:
      return kFirstSlot - 0x1000 + random_below(0x20000);
    case 6:
      return kArena + random_below(1 << 20);
    default:
      return kArena + random_below(16) * 0x1000;
  }
}
static uint32_t wild_length(void) {
  static const uint32_t lengths[] = {0, 1, 16, 17, 512, 4096, 65536, 0x7fffffff, 0xfffffff0, 0xffffffff};
  return random_below(4) ? lengths[random_below(sizeof lengths / sizeof *lengths)] : (uint32_t)random_below(8192);
}

// The first pages of the arena hold the rings and indirect tables; both ring formats read them as they like.
static void fill_rings(void) {
  for (uint64_t page = 0; page < 16; ++page) {
    struct Descriptor* table = (struct Descriptor*)(kArena + page * 0x1000);
    for (unsigned i = 0; i < kDescriptors; ++i) {
      table[i].address = wild_address();
      table[i].length = wild_length();
      table[i].flags = (uint16_t)(random_below(4) ? random_below(8) : random_number());
      table[i].next = (uint16_t)(random_below(8) ? random_below(kDescriptors) : random_number());
    }
    uint16_t* ring = (uint16_t*)(kArena + page * 0x1000 + 0x800);
    ring[0] = (uint16_t)random_below(2);
    ring[1] = (uint16_t)(random_below(8) ? random_below(kDescriptors) : random_number());
    for (unsigned i = 2; i < 512; ++i)
      ring[i] = (uint16_t)(random_below(8) ? random_below(kDescriptors) : random_number());
    if (random_below(2)) {
      // The head of a request that a disk understands.
      const struct BlockHeader header = {(uint32_t)random_below(16), 0,
                                         random_below(4) ? random_below(64) : random_number()};
      *(struct BlockHeader*)(kArena + page * 0x1000) = header;
    }
  }
}

static void reset(uint64_t slot) {
  write32(slot + kStatus, 0);
  while (read32(slot + kStatus) != 0) {
  }
}
static int is_device(uint64_t slot) { return read32(slot + kMagic) == 0x74726976 && read32(slot + kDeviceId) != 0; }

static void negotiate(uint64_t slot, uint64_t wanted) {
  write32(slot + kStatus, kAcknowledge | kDriver);
  for (uint32_t half = 0; half < 2; ++half) {
    write32(slot + kDeviceFeaturesSelect, half);
    write32(slot + kDriverFeaturesSelect, half);
    write32(slot + kDriverFeatures, read32(slot + kDeviceFeatures) & (uint32_t)(wanted >> (32 * half)));
  }
  write32(slot + kStatus, kAcknowledge | kDriver | kFeaturesOk);
}

static void set_queue(uint64_t slot, uint32_t index, uint32_t size, uint64_t descriptors, uint64_t driver,
                      uint64_t device) {
  write32(slot + kQueueSelect, index);
  write32(slot + kQueueSize, size);
  write_pair(slot + kQueueDescriptors, descriptors);
  write_pair(slot + kQueueDriver, driver);
  write_pair(slot + kQueueDevice, device);
  write32(slot + kQueueReady, 1);
}

static void disturb(uint64_t slot) {
  // Another hart may start the device again meanwhile.
  for (unsigned i = 0; i < 1000 && read32(slot + kStatus) != 0; ++i) write32(slot + kStatus, 0);
  const uint64_t version_1 = (uint64_t)1 << 32;
  negotiate(slot, random_below(8) ? random_number() | random_number() | version_1 : random_number());
  for (uint32_t queue = 0; queue < 6; ++queue) {
    const uint32_t size = random_below(4) ? 1u << random_below(8) : (uint32_t)random_below(2048);
    const uint64_t ring = kArena + random_below(16) * 0x1000;
    if (random_below(4))
      set_queue(slot, queue, size, ring, ring + 0x800, ring + 0xc00);
    else
      set_queue(slot, queue, size, wild_address(), wild_address(), wild_address());
  }
  fill_rings();
  fence();
  write32(slot + kStatus, kAcknowledge | kDriver | kFeaturesOk | kDriverOk);
  for (unsigned i = 0; i < 8; ++i) {
    write32(slot + kNotify, random_below(8) ? (uint32_t)random_below(6) : (uint32_t)random_number());
    const uint64_t where = slot + random_below(0x200);
    // Every size, also misaligned ones.
    switch (random_below(8)) {
      case 0:
        *(volatile uint8_t*)where = (uint8_t)random_number();
        break;
      case 1:
        *(volatile uint16_t*)(where & ~(uint64_t)1) = (uint16_t)random_number();
        break;
      case 2:
        *(volatile uint32_t*)(where & ~(uint64_t)3) = (uint32_t)random_number();
        break;
      case 3:
        *(volatile uint64_t*)(where & ~(uint64_t)7) = random_number();
        break;
      case 4:
        (void)*(volatile uint64_t*)(where & ~(uint64_t)7);
        break;
      case 5:
        fill_rings();
        break;
      default:
        break;
    }
    write32(slot + kInterruptAcknowledge, read32(slot + kInterruptStatus));
  }
}

// One request of a driver that keeps to the rules; the status that the device gives.
static uint8_t block_request(uint64_t slot, uint32_t type, uint64_t sector, uint8_t* data) {
  static volatile struct Descriptor table[4] __attribute__((aligned(16)));
  static volatile uint16_t available[8], used[20] __attribute__((aligned(8)));
  static struct BlockHeader header;
  static volatile uint8_t status;
  for (unsigned i = 0; i < 8; ++i) available[i] = 0;
  for (unsigned i = 0; i < 20; ++i) used[i] = 0;
  header.type = type;
  header.sector = sector;
  status = 0xff;
  const struct Descriptor chain[] = {
      {(uint64_t)&header, sizeof header, kNext, 1},
      {(uint64_t)data, 512, (uint16_t)(type == 0 ? kNext | kWrite : kNext), 2},
      {(uint64_t)&status, 1, kWrite, 0},
  };
  for (unsigned i = 0; i < 3; ++i) table[i] = chain[i];
  reset(slot);
  negotiate(slot, (uint64_t)1 << 32);
  set_queue(slot, 0, 4, (uint64_t)table, (uint64_t)available, (uint64_t)used);
  write32(slot + kStatus, kAcknowledge | kDriver | kFeaturesOk | kDriverOk);
  available[1] = 1;
  fence();
  write32(slot + kNotify, 0);
  while (used[1] != 1) fence();
  reset(slot);
  return status;
}

static int disk_works(uint64_t slot) {
  static uint8_t out[512], in[512];
  for (unsigned i = 0; i < 512; ++i) out[i] = (uint8_t)random_number();
  if (block_request(slot, 1, 7, out) != 0 || block_request(slot, 0, 7, in) != 0) return 0;
  for (unsigned i = 0; i < 512; ++i)
    if (in[i] != out[i]) return 0;
  return 1;
}
