# Libraries from the distribution (Debian 12 or 13); `scripts/setup` installs them.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
if(NOT TARGET yaml-cpp::yaml-cpp)  # Debian 12's has no name with a namespace
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()
find_package(tl-expected REQUIRED)
find_package(CLI11 REQUIRED)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  find_package(asmjit REQUIRED)
endif()
pkg_check_modules(SLIRP REQUIRED IMPORTED_TARGET slirp)
pkg_check_modules(URING REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
find_library(FDT_LIBRARY fdt REQUIRED)
find_library(NUMA_LIBRARY numa REQUIRED)

# Asio is used header-only and without Boost.System's compiled part.
add_library(vireo_asio INTERFACE)
target_link_libraries(vireo_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(vireo_asio INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ERROR_CODE_HEADER_ONLY)

if(VIREO_TESTS)
  if(CMAKE_CROSSCOMPILING)
    # The sysroot's libraries may be of a newer release, whose objects this one's linker does not take.
    set(googletest /usr/src/googletest)
    add_library(googletest STATIC EXCLUDE_FROM_ALL ${googletest}/googletest/src/gtest-all.cc
      ${googletest}/googlemock/src/gmock-all.cc ${googletest}/googlemock/src/gmock_main.cc)
    target_include_directories(googletest SYSTEM PUBLIC ${googletest}/googletest/include ${googletest}/googlemock/include
      PRIVATE ${googletest}/googletest ${googletest}/googlemock)
    target_link_libraries(googletest PUBLIC Threads::Threads)
    add_library(GTest::gmock_main ALIAS googletest)
  else()
    find_package(GTest REQUIRED)
  endif()
  include(GoogleTest)
endif()
if(VIREO_BENCH)
  find_package(benchmark REQUIRED)
endif()

# Disassembles host code for `--trace-blocks`; without it the bytes are printed.
find_path(ZYDIS_INCLUDE Zydis/Zydis.h)
find_library(ZYDIS_LIBRARY Zydis)
if(NOT ZYDIS_LIBRARY)
  message(STATUS "no libzydis-dev: --trace-blocks prints host code as bytes")
endif()
