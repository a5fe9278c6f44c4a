#include <array>
#include <map>
#include <random>

#include "tests/unit/emu/riscv/privileged.h"
#include "tests/unit/emu/riscv/translated.h"

/// Random changes of page tables, each followed by the narrowest fence that orders it, between accesses in random modes
/// and address spaces: every access finds what a walk without any cache would find.
namespace emu::riscv::test {
namespace {

using namespace leaf;

constexpr uint64_t kGlobal = 32;
constexpr uint64_t kRegionSize = uint64_t{1} << 21;
constexpr size_t kSpaces = 12;       // more than there are inline tables
constexpr size_t kSlots = 24;        // pages of each space, in three regions of 2 MiB
constexpr size_t kLargeRegions = 2;  // the first regions may become one large page
constexpr size_t kFrames = 64;
constexpr uint64_t kCode = kRam + 0x10'0000;

class Storm {
 public:
  /// `engine`: by what loads and stores are carried out; the JIT looks behind the inline TLB by itself.
  Storm(uint32_t seed, const EngineConfig& engine)
      : random_(seed), board_(csr::satp::Mode::sv39, 1, Firmware::guest, engine) {
    board_.state().csr.menvcfg = 0;
    for (size_t frame = 0; frame < kFrames; ++frame) board_.put64(frame_address(frame), frame);
    for (size_t space = 0; space < kSpaces; ++space) {
      for (uint64_t region = 0; region < 3; ++region) {
        board_.put64(root(space), pte_of(middle(space), kV));
        board_.put64(middle(space) + region * 8, pte_of(table(space, region), kV));
      }
    }
    put_accesses(board_, kCode);
    enter(0);
  }

  void step() {
    switch (pick(9)) {
      case 0:
        return enter(pick(kSpaces));
      case 1:
        return change_page();
      case 2:
        return change_region();
      case 3:
        return change_mode();
      case 4:
        return flush_something();
      case 5:
        return come_back();
      default:
        return access(pick(kSlots));
    }
  }

  unsigned faults = 0;
  unsigned hits = 0;
  uint64_t refills() { return board_.state().jit.counters.refills; }

 private:
  struct Mapping {
    uint64_t entry = 0;
    size_t frame = 0;  ///< of the first page
  };

  static uint64_t root(size_t space) { return kRam + 0x20'0000 + space * 0x8000; }
  static uint64_t middle(size_t space) { return root(space) + 0x1000; }
  static uint64_t table(size_t space, uint64_t region) { return root(space) + 0x2000 + region * 0x1000; }
  /// Frames for large leaves come first: the region that begins with frame 0 is 2 MiB aligned.
  static uint64_t frame_address(size_t frame) { return kRam + 0x80'0000 + frame * 0x1000; }
  static uint64_t address_of(size_t slot) { return (slot / 8) * kRegionSize + (slot % 8) * 0x1000; }

  size_t pick(size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(random_); }
  uint64_t asid() const { return space_ + 1; }

  void enter(size_t space) {
    space_ = space;
    const uint64_t satp = uint64_t{8} << 60 | (space + 1) << csr::satp::kAsidShift | root(space) >> 12;
    const Privilege before = board_.state().privilege;
    board_.enter(Privilege::machine);
    write_csr(board_.state(), 0x180, satp);
    board_.enter(before);
  }

  void change_mode() {
    const uint64_t bits = csr::mstatus::kSum | (pick(4) == 0 ? csr::mstatus::kMxr : 0);
    board_.state().csr.mstatus &= ~(csr::mstatus::kSum | csr::mstatus::kMxr);
    board_.state().csr.mstatus |= pick(2) == 0 ? bits : 0;
    board_.enter(pick(2) == 0 ? Privilege::user : Privilege::supervisor);
  }

  uint64_t random_flags() {
    constexpr std::array<uint64_t, 6> kFlags = {kAll, kAll | kU, kV | kR | kA, kV | kR | kX | kA | kU, 0, kV | kX | kA};
    return kFlags[pick(kFlags.size())];
  }

  /// A page of this space, or one that all spaces share, changes. A global mapping is one of every space (privileged
  /// architecture 1.13, 12.3.1), so global pages lie where no space has a large page of its own.
  void change_page() {
    const size_t slot = pick(kSlots);
    if (large_[space_].contains(slot / 8)) return;
    const bool global = slot / 8 >= kLargeRegions && slot % 8 == 7;
    const Mapping mapping{random_flags() | (global ? kGlobal : 0), pick(kFrames)};
    for (size_t space = 0; space < kSpaces; ++space) {
      if (space != space_ && !global) continue;
      small_[space][slot] = mapping;
      board_.put64(table(space, slot / 8) + (slot % 8) * 8,
                   (mapping.entry & kV) == 0 ? 0 : pte_of(frame_address(mapping.frame), mapping.entry));
    }
    if (global)
      fence(address_of(slot) + pick(0x1000), std::nullopt);
    else
      fence(address_of(slot) + pick(0x1000), asid());
  }

  /// A region of this space becomes one large page, or many small ones again.
  void change_region() {
    const size_t region = pick(kLargeRegions);
    if (large_[space_].erase(region) != 0) {
      board_.put64(middle(space_) + region * 8, pte_of(table(space_, region), kV));
      fence(region * kRegionSize + pick(8) * 0x1000, asid());
      return;
    }
    const uint64_t flags = random_flags() | kV | kR | kA;
    large_[space_][region] = {flags, 0};
    board_.put64(middle(space_) + region * 8, pte_of(frame_address(0), flags));
    for (size_t page = 0; page < 8; ++page) fence(region * kRegionSize + page * 0x1000, asid());
  }

  void flush_something() {
    if (pick(2) == 0)
      fence(std::nullopt, std::nullopt);
    else
      fence(std::nullopt, pick(kSpaces) + 1);
  }

  void fence(std::optional<uint64_t> address, std::optional<uint64_t> asid) {
    HartState& state = board_.state();
    const Privilege before = state.privilege;
    board_.enter(Privilege::supervisor);
    state.x[12] = address.value_or(0);
    state.x[13] = asid.value_or(0);
    sfence_vma(state, {.rs1 = address ? uint8_t{12} : uint8_t{0}, .rs2 = asid ? uint8_t{13} : uint8_t{0}, .length = 4});
    board_.enter(before);
  }

  /// What an inline table has forgotten by then is still in the second level.
  void come_back() {
    const size_t here = space_;
    const size_t slot = pick(kSlots);
    access(slot);
    for (size_t i = 0; i < 5; ++i) enter(pick(kSpaces));
    enter(here);
    access(slot);
  }

  void access(size_t slot) {
    const auto kind = static_cast<Access>(pick(3));
    const auto large = large_[space_].find(slot / 8);
    const Mapping mapping =
        large != large_[space_].end() ? Mapping{large->second.entry, slot % 8} : small_[space_][slot];
    // Stores leave the first doubleword alone, which names the frame.
    const uint64_t address = address_of(slot) + (kind == Access::store ? 0xff8 : pick(512) * 8);
    const bool expected = is_allowed(mapping.entry, kind);
    ASSERT_EQ(succeeds(kind, address), expected)
        << "slot " << slot << " space " << space_ << " entry " << std::hex << mapping.entry;
    ++(expected ? hits : faults);
    if (expected && kind == Access::load) {
      ASSERT_EQ(load_slow(board_.state(), address_of(slot), 8), mapping.frame);
    }
    // The fast path, as instructions take it.
    const uint64_t page = address & ~uint64_t{0xfff};
    const mmu::TlbEntry& entry = board_.state().data_tlb[mmu::Tlb::index(page)];
    if (entry.read == page) {
      ASSERT_TRUE(is_allowed(mapping.entry, Access::load));
      ASSERT_EQ(*reinterpret_cast<const uint64_t*>(entry.addend + page), mapping.frame);
    }
    if (entry.write == page) {
      ASSERT_TRUE(is_allowed(mapping.entry, Access::store));
    }
    if (board_.state().fetch_tlb[mmu::Tlb::index(page)].execute == page) {
      ASSERT_TRUE(is_allowed(mapping.entry, Access::fetch));
    }
  }

  bool succeeds(Access kind, uint64_t address) {
    if (kind == Access::fetch || board_.group->jit() == nullptr) return board_.cause(kind, address) == -1;
    const CsrState csr = board_.state().csr;
    const Privilege privilege = board_.state().privilege;
    const bool succeeded = run_translated(board_, kCode + (kind == Access::load ? 0 : 8), {.address = address});
    board_.state().csr = csr;
    board_.enter(privilege);
    return succeeded;
  }

  bool is_allowed(uint64_t entry, Access kind) {
    const uint64_t status = board_.state().csr.mstatus;
    if ((entry & kV) == 0) return false;
    const bool user_page = (entry & kU) != 0;
    if (board_.state().privilege == Privilege::user) {
      if (!user_page) return false;
    } else if (user_page && (kind == Access::fetch || (status & csr::mstatus::kSum) == 0)) {
      return false;
    }
    switch (kind) {
      case Access::load:
        return (entry & kR) != 0 || ((entry & kX) != 0 && (status & csr::mstatus::kMxr) != 0);
      case Access::store:
        return (entry & kW) != 0 && (entry & kD) != 0;
      case Access::fetch:
        return (entry & kX) != 0;
    }
    return false;
  }

  std::mt19937 random_;
  PagedBoard board_;
  size_t space_ = 0;
  std::array<std::array<Mapping, kSlots>, kSpaces> small_{};
  std::array<std::map<size_t, Mapping>, kSpaces> large_;
};

class TranslationStorm : public testing::TestWithParam<EngineKind> {};

TEST_P(TranslationStorm, EveryAccessFindsWhatAWalkWouldFind) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    Storm storm(seed, {.kind = GetParam(), .jit_cache = kSmallCache});
    for (int step = 0; step < 4000 && !testing::Test::HasFatalFailure(); ++step) storm.step();
    EXPECT_GT(storm.hits, 100u);
    EXPECT_GT(storm.faults, 100u);
    if (GetParam() == EngineKind::jit) {
      EXPECT_GT(storm.refills(), 10u);
    }
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "seed " << seed;
  }
}

std::vector<EngineKind> engines() {
  if (!emu::jit::Engine::obstacle().empty()) return {EngineKind::interpreter};
  return {EngineKind::interpreter, EngineKind::jit};
}

INSTANTIATE_TEST_SUITE_P(Engines, TranslationStorm, testing::ValuesIn(engines()));

}  // namespace
}  // namespace emu::riscv::test
