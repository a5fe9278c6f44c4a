# How every target of the project is compiled: `vireo_library(NAME DIR DEPS...)` and
# `vireo_test(NAME SOURCES... LIBS...)` apply it, so that no target sets flags of its own.

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_program(VIREO_CCACHE ccache)
if(VIREO_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${VIREO_CCACHE})
endif()

add_library(vireo_options INTERFACE)
target_compile_features(vireo_options INTERFACE cxx_std_20)
target_include_directories(vireo_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(vireo_options INTERFACE
  -Wall -Wextra -Wconversion -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wno-unknown-warning-option>
  $<$<CXX_COMPILER_ID:GNU>:-fcoroutines -Wno-interference-size>)
# Elsewhere the compiler leaves atomic accesses of some sizes to its library.
if(NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_link_libraries(vireo_options INTERFACE atomic)
endif()
if(VIREO_SANITIZE)
  target_compile_options(vireo_options INTERFACE -fsanitize=${VIREO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  # Clang 14 cannot put -fsanitize=function's data before a coroutine ("Cannot represent a difference across sections").
  target_compile_options(vireo_options INTERFACE $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  target_link_options(vireo_options INTERFACE -fsanitize=${VIREO_SANITIZE})
  # Links in a third of the time, and there are a hundred programs.
  find_program(VIREO_LLD ld.lld)
  if(VIREO_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    target_link_options(vireo_options INTERFACE -fuse-ld=lld)
  endif()
  target_compile_definitions(vireo_options INTERFACE VIREO_SANITIZED=1)
endif()
# Fuzz targets want to know where their inputs lead. What runs guests does not tell: nothing fuzzes it, and the sanitized
# guests of the boot tests would be slower still.
function(vireo_instrument_for_fuzzing target)
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  if(VIREO_FUZZ AND (NOT folder MATCHES "^emu/" OR folder MATCHES "/isa$"))
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# Every test program: all that a stage of scripts/test needs of a build.
add_custom_target(test_programs)

# vireo_library(NAME DEPENDENCY...): a static library of every .cc file in the calling folder.
# Alias vireo::NAME. A folder that has headers only becomes an interface library.
function(vireo_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  if(sources)
    add_library(vireo_${name} STATIC ${sources})
    target_link_libraries(vireo_${name} PUBLIC vireo_options ${ARGN})
    vireo_instrument_for_fuzzing(vireo_${name})
  else()
    add_library(vireo_${name} INTERFACE)
    target_link_libraries(vireo_${name} INTERFACE vireo_options ${ARGN})
  endif()
  add_library(vireo::${name} ALIAS vireo_${name})
endfunction()

# vireo_test(NAME LIBRARY...): a GoogleTest program of every *_test.cc in the calling folder.
function(vireo_test name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE vireo_options GTest::gmock_main ${ARGN})
  add_dependencies(test_programs ${name})
  # What is tested is optimized, and the sanitizers look at it; the tests themselves take twice as long to compile as to run.
  if(VIREO_SANITIZE)
    target_compile_options(${name} PRIVATE -O0)
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
endfunction()
