#include "hv/base/log.h"

#include <gtest/gtest.h>

namespace hv::log {
namespace {

TEST(GuestError, IsLoggedOnceAndCountedAlways) {
  set_up(Verbosity::normal);
  testing::internal::CaptureStderr();
  GuestError error;
  error.report("bad index {}", 7);
  error.report("bad index {}", 8);
  spdlog::default_logger()->flush();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "vireo: warning: bad index 7\n");
  EXPECT_EQ(error.count(), 2u);
}

TEST(Log, QuietLeavesErrorsOnly) {
  set_up(Verbosity::quiet);
  testing::internal::CaptureStderr();
  warn("hidden");
  error("shown");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "vireo: error: shown\n");
}

}  // namespace
}  // namespace hv::log
