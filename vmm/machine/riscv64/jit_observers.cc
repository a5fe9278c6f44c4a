#include "vmm/machine/riscv64/jit_observers.h"

#include <vector>

#include "emu/jit/jit_dump.h"
#include "emu/jit/perf_map.h"
#include "emu/riscv/jit/trace.h"

namespace vmm::riscv64 {
namespace {

class All final : public emu::jit::Observer {
 public:
  void add(std::unique_ptr<emu::jit::Observer> one) { list_.push_back(std::move(one)); }
  bool is_empty() const noexcept { return list_.empty(); }
  void translated(const emu::ir::Block& ir, const emu::jit::Block& block) noexcept override {
    for (const auto& one : list_) one->translated(ir, block);
  }

 private:
  std::vector<std::unique_ptr<emu::jit::Observer>> list_;
};

}  // namespace

void DeleteObserver::operator()(emu::jit::Observer* observer) const noexcept { delete observer; }

hv::Result<ObserverPointer> make_jit_observers(const JitConfig& config) {
  auto all = std::make_unique<All>();
  if (config.perf_map) all->add(TRY(emu::jit::PerfMap::create()));
  if (!config.dump_folder.empty()) all->add(TRY(emu::jit::JitDump::create(config.dump_folder)));
  if (!config.trace_file.empty()) all->add(TRY(emu::riscv::jit::Trace::create(config.trace_file)));
  return all->is_empty() ? ObserverPointer() : ObserverPointer(all.release());
}

}  // namespace vmm::riscv64
