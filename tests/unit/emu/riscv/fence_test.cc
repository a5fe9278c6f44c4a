#include <thread>

#include "emu/riscv/fence_queue.h"
#include "tests/unit/emu/riscv/privileged.h"

/// Translations that are remembered, and what sfence.vma, sinval.vma and remote fences make of them.
namespace emu::riscv::test {
namespace {

using namespace leaf;

constexpr int kNone = -1;
constexpr int kLoadPage = 13;
constexpr uint64_t kGlobal = 32;
constexpr uint64_t kPage = PagedBoard::kPage;
constexpr uint64_t kOtherPage = PagedBoard::kPage + 0x1000;
constexpr uint8_t kAddress = 12;  // registers of operands
constexpr uint8_t kAsid = 13;
constexpr uint64_t kRfence = 0x52464e43;

/// A board whose page tables change behind the hart's back: two pages, one of them global, in the space of ASID 1.
class FenceTest : public testing::Test {
 protected:
  explicit FenceTest(size_t harts = 1, Firmware firmware = Firmware::guest)
      : board_(csr::satp::Mode::sv39, harts, firmware) {
    switch_to(1);
    board_.map(kPage, pte_of(PagedBoard::kTarget, kAll));
    board_.map(kOtherPage, pte_of(PagedBoard::kTarget + 0x1000, kAll | kGlobal));
  }

  void switch_to(uint64_t asid) {
    const uint64_t satp = board_.state().csr.satp & ~csr::satp::kAsid;
    write_csr(board_.state(), 0x180, satp | asid << csr::satp::kAsidShift);
  }
  int load(uint64_t address) { return board_.cause(Access::load, address); }
  /// Both pages are looked at, and then mapped no more.
  void unmap_after_use() {
    EXPECT_EQ(load(kPage), kNone);
    EXPECT_EQ(load(kOtherPage), kNone);
    board_.map(kPage, 0);
    board_.map(kOtherPage, 0);
    EXPECT_EQ(load(kPage), kNone) << "nobody asked for a fence";
  }
  /// The instruction with the operands that are given; x0 for the others.
  void fence(std::optional<uint64_t> address, std::optional<uint64_t> asid,
             void (*execute)(HartState&, const Insn&) noexcept = sfence_vma) {
    HartState& state = board_.state();
    state.x[kAddress] = address.value_or(0);
    state.x[kAsid] = asid.value_or(0);
    execute(state, {.rs1 = address ? kAddress : uint8_t{0}, .rs2 = asid ? kAsid : uint8_t{0}, .length = 4});
    EXPECT_FALSE(state.trapped);
  }

  PagedBoard board_;
};

TEST_F(FenceTest, OfEverythingForgetsGlobalPagesToo) {
  unmap_after_use();
  fence({}, {});
  EXPECT_EQ(load(kPage), kLoadPage);
  EXPECT_EQ(load(kOtherPage), kLoadPage);
}

TEST_F(FenceTest, OfAnAsidKeepsGlobalPages) {
  unmap_after_use();
  fence({}, 1);
  EXPECT_EQ(load(kPage), kLoadPage);
  EXPECT_EQ(load(kOtherPage), kNone);
}

TEST_F(FenceTest, OfAnotherAsidKeepsThisOne) {
  unmap_after_use();
  fence({}, 2);
  EXPECT_EQ(load(kPage), kNone);
  fence(kPage, 2);
  EXPECT_EQ(load(kPage), kNone);
}

TEST_F(FenceTest, OfAnAddressForgetsItAlone) {
  unmap_after_use();
  fence(kOtherPage + 0x123, {});
  EXPECT_EQ(load(kOtherPage), kLoadPage);
  EXPECT_EQ(load(kPage), kNone);
}

TEST_F(FenceTest, OfAnAddressInAnAsidForgetsItAlone) {
  unmap_after_use();
  board_.map(kPage + 0x2000, pte_of(PagedBoard::kTarget, kAll));
  EXPECT_EQ(load(kPage + 0x2000), kNone);
  board_.map(kPage + 0x2000, 0);
  fence(kPage + 0x123, 1);
  EXPECT_EQ(load(kPage), kLoadPage);
  EXPECT_EQ(load(kPage + 0x2000), kNone);
}

TEST_F(FenceTest, IgnoresBitsAboveTheAsid) {
  unmap_after_use();
  fence({}, 0xabcd'0000'0001'0001);
  EXPECT_EQ(load(kPage), kLoadPage);
}

TEST_F(FenceTest, OfTheRegisterX0IsNotAFenceOfTheValueZero) {
  switch_to(0);
  unmap_after_use();
  fence({}, 0);
  EXPECT_EQ(load(kPage), kLoadPage);
  EXPECT_EQ(load(kOtherPage), kNone) << "ASID 0, not all";
  fence(0, {});
  EXPECT_EQ(load(kOtherPage), kNone) << "address 0, not all";
}

TEST_F(FenceTest, SinvalDoesAsSfence) {
  unmap_after_use();
  fence(kPage, 1, sinval_vma);
  EXPECT_EQ(load(kPage), kLoadPage);
  EXPECT_EQ(load(kOtherPage), kNone);
  fence({}, {}, sinval_vma);
  EXPECT_EQ(load(kOtherPage), kLoadPage);
}

TEST_F(FenceTest, ReachesASpaceThatWasLeft) {
  unmap_after_use();
  switch_to(2);
  fence(kPage, 1);
  switch_to(1);
  EXPECT_EQ(load(kPage), kLoadPage);
}

TEST_F(FenceTest, OfAnyAddressOfASuperpageForgetsAllOfIt) {
  constexpr uint64_t kHuge = 0x4000'0000;
  board_.map(kHuge, pte_of(kRam, kAll), 1);
  EXPECT_EQ(load(kHuge), kNone);
  EXPECT_EQ(load(kHuge + 0x5000), kNone);
  board_.map(kHuge, 0, 1);
  fence(kHuge + 0x10'0000, 1);
  EXPECT_EQ(load(kHuge), kLoadPage);
  EXPECT_EQ(load(kHuge + 0x5000), kLoadPage);
}

TEST_F(FenceTest, OfAnyAddressOfANapotRunForgetsAllOfIt) {
  constexpr uint64_t kRun = 0x10'0000;
  for (uint64_t page = 0; page < 16; ++page)
    board_.map(kRun + page * 0x1000, pte_of(PagedBoard::kTarget + 0x8000, kAll | kNapot));
  EXPECT_EQ(load(kRun + 0x3000), kNone);
  board_.map(kRun + 0x3000, 0);
  fence(kRun + 0xf000, 1);
  EXPECT_EQ(load(kRun + 0x3000), kLoadPage);
}

TEST_F(FenceTest, IsNotNeededToSwitchBetweenSpaces) {
  EXPECT_EQ(load(kPage), kNone);
  board_.map(kPage, 0);
  switch_to(2);
  EXPECT_EQ(load(kPage), kLoadPage) << "this space has never seen the page";
  switch_to(1);
  EXPECT_EQ(load(kPage), kNone) << "and that one still has it";
}

TEST_F(FenceTest, IsNotNeededToTurnTranslationOff) {
  EXPECT_EQ(load(kOtherPage), kNone);
  const uint64_t satp = board_.state().csr.satp;
  write_csr(board_.state(), 0x180, 0);
  EXPECT_EQ(load(kOtherPage), 5) << "no RAM there";
  EXPECT_EQ(load(kRam), kNone);
  write_csr(board_.state(), 0x180, satp);
  EXPECT_EQ(load(kRam), kLoadPage);
}

TEST_F(FenceTest, AUserPageStaysClosedToASupervisorWithoutSum) {
  board_.map(kPage, pte_of(PagedBoard::kTarget, kAll | kU));
  set_csr(board_.state(), 0x100, csr::mstatus::kSum);
  EXPECT_EQ(load(kPage), kNone);
  switch_to(2);
  board_.map(kPage, 0);
  EXPECT_EQ(load(kPage), kLoadPage) << "another space's user page";
  write_csr(board_.state(), 0x100, 0);
  switch_to(1);
  EXPECT_EQ(load(kPage), kLoadPage);
}

TEST_F(FenceTest, AStoreToAPageThatWasOnlyReadSetsItsDirtyBit) {
  board_.state().csr.menvcfg |= csr::envcfg::kAdue;
  const uint64_t slot = board_.map(kPage, pte_of(PagedBoard::kTarget, kV | kR | kW | kA));
  EXPECT_EQ(load(kPage), kNone);
  switch_to(2);
  switch_to(1);
  EXPECT_EQ(load(kPage), kNone);
  EXPECT_EQ(board_.get64(slot) & kD, 0u);
  EXPECT_EQ(board_.cause(Access::store), kNone);
  EXPECT_EQ(board_.get64(slot) & kD, kD);
}

// --- of other harts ---

class RemoteFenceTest : public FenceTest {
 protected:
  RemoteFenceTest() : FenceTest(2, Firmware::built_in) {}

  /// As if hart 1 called the SBI and hart 0 then came to its next block.
  int64_t call(uint64_t function, uint64_t start, uint64_t size, uint64_t asid = 0) {
    HartState& caller = board_.state(1);
    caller.x[10] = 1;  // hart 0
    caller.x[11] = 0;
    caller.x[12] = start;
    caller.x[13] = size;
    caller.x[14] = asid;
    caller.x[16] = function;
    caller.x[17] = kRfence;
    ecall(caller, {.length = 4});
    board_.hart().serve_fences();
    return static_cast<int64_t>(caller.x[10]);
  }
};

TEST_F(RemoteFenceTest, NamesARangeOfAddresses) {
  unmap_after_use();
  EXPECT_EQ(call(1, kPage, 1), 0);
  EXPECT_EQ(load(kPage), kLoadPage);
  EXPECT_EQ(load(kOtherPage), kNone);
  EXPECT_EQ(call(1, kPage + 0x800, 0x1000), 0);
  EXPECT_EQ(load(kOtherPage), kLoadPage) << "the range ends in it";
}

TEST_F(RemoteFenceTest, OfZeroAndZeroIsOfEverything) {
  unmap_after_use();
  EXPECT_EQ(call(1, 0, 0), 0);
  EXPECT_EQ(load(kPage), kLoadPage);
  EXPECT_EQ(load(kOtherPage), kLoadPage);
}

TEST_F(RemoteFenceTest, OfAllOnesIsOfEverything) {
  unmap_after_use();
  EXPECT_EQ(call(1, 0x1000, ~uint64_t{0}), 0);
  EXPECT_EQ(load(kOtherPage), kLoadPage);
}

TEST_F(RemoteFenceTest, NamesAnAsid) {
  unmap_after_use();
  EXPECT_EQ(call(2, kPage, 0x2000, 2), 0);
  EXPECT_EQ(load(kPage), kNone);
  EXPECT_EQ(call(2, 0, ~uint64_t{0}, 1), 0);
  EXPECT_EQ(load(kPage), kLoadPage);
  EXPECT_EQ(load(kOtherPage), kNone) << "global";
}

TEST(FenceQueueTest, KeepsRequestsApartUntilTheyAreTooMany) {
  FenceQueue queue;
  const auto range = [](uint64_t page) { return mmu::VirtualRange{page * 0x1000, page * 0x1000}; };
  for (uint64_t i = 1; i <= FenceQueue::kMostFences; ++i) EXPECT_EQ(queue.ask({.range = range(i), .asid = 3}), i);
  FenceQueue::Batch batch = queue.take();
  EXPECT_EQ(batch.ticket, FenceQueue::kMostFences);
  ASSERT_EQ(batch.count, FenceQueue::kMostFences);
  EXPECT_EQ(batch.translations[2].range.first, 0x3000u);
  EXPECT_EQ(batch.translations[2].asid, 3u);
  EXPECT_EQ(queue.take().count, 0u);

  for (uint64_t i = 0; i <= FenceQueue::kMostFences; ++i) queue.ask({.range = range(i), .asid = 3});
  batch = queue.take();
  ASSERT_EQ(batch.count, 1u);
  EXPECT_EQ(batch.translations[0].asid, TranslationFence::kAllSpaces);
  EXPECT_EQ(batch.translations[0].range.last, ~uint64_t{0});
}

TEST(FenceQueueTest, CarriesInstructionFencesOnce) {
  FenceQueue queue;
  EXPECT_EQ(queue.ask_instructions(), 1u);
  EXPECT_TRUE(queue.take().instructions);
  EXPECT_FALSE(queue.take().instructions);
}

/// Hart 1 changes a mapping and fences hart 0, over and over, while hart 0 reads through it: after each fence it must
/// see the new page.
TEST(FenceStorm, NoStaleTranslationSurvives) {
  constexpr uint64_t kRounds = 2000;
  PagedBoard board(csr::satp::Mode::sv39, 2, Firmware::built_in);
  board.map(kRam, pte_of(kRam, kAll), 2);  // the program, by a gigabyte leaf
  const uint64_t slot = board.map(kPage, pte_of(PagedBoard::kTarget, kAll));
  // x8: the page; x9: where hart 0 reports what it read. ld x6, (x8); sd x6, (x9); j
  board.state().x[8] = kPage;
  board.state().x[9] = kRam + 0x2000;
  board.put(kRam + 0x800,
            {insn(Op::ld, {.rd = 6, .rs1 = 8}), insn(Op::sd, {.rs1 = 9, .rs2 = 6}), insn(Op::jal, {.imm = -8})});
  board.state().pc = kRam + 0x800;
  for (uint64_t i = 0; i < 2; ++i) board.put64(PagedBoard::kTarget + i * 0x1000, 100 + i);
  std::thread reader([&] { EXPECT_TRUE(board.hart().run().has_value()); });

  HartState& caller = board.state(1);
  uint64_t stale = 0;
  for (uint64_t round = 1; round <= kRounds; ++round) {
    board.put64(slot, pte_of(PagedBoard::kTarget + (round & 1) * 0x1000, kAll));
    caller.x[10] = 1;
    caller.x[11] = 0;
    caller.x[12] = (round & 2) != 0 ? kPage : 0;
    caller.x[13] = (round & 2) != 0 ? 0x1000 : 0;
    caller.x[14] = 0;
    caller.x[16] = (round & 4) != 0 ? 1 : 2;
    caller.x[17] = kRfence;
    ecall(caller, {.length = 4});
    // What hart 0 stores from here on was read from the new page, but for one value that may be on its way.
    board.put64(kRam + 0x2000, 0);
    uint64_t seen = 0;
    for (unsigned values = 0; values < 2;) {
      seen = board.get64(kRam + 0x2000);
      if (seen == 0) continue;
      ++values;
      board.put64(kRam + 0x2000, 0);
    }
    stale += seen == 100 + (round & 1) ? 0 : 1;
  }
  board.hart().request_exit();
  reader.join();
  EXPECT_EQ(stale, 0u);
}

}  // namespace
}  // namespace emu::riscv::test
