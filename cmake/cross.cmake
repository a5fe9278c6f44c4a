# Builds for VIREO_CROSS (riscv64 or arm64) with Debian's cross compiler against the private sysroot that
# scripts/sysroot makes. Programs that the build runs, tests among them, run under qemu-user.

set(VIREO_CROSS "" CACHE STRING "riscv64 or arm64")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES VIREO_CROSS)
if(VIREO_CROSS STREQUAL "riscv64")
  set(CMAKE_SYSTEM_PROCESSOR riscv64)
elseif(VIREO_CROSS STREQUAL "arm64")
  set(CMAKE_SYSTEM_PROCESSOR aarch64)
else()
  message(FATAL_ERROR "VIREO_CROSS is riscv64 or arm64, not \"${VIREO_CROSS}\"")
endif()
set(CMAKE_SYSTEM_NAME Linux)
set(triple ${CMAKE_SYSTEM_PROCESSOR}-linux-gnu)
set(CMAKE_LIBRARY_ARCHITECTURE ${triple})
set(CMAKE_CXX_COMPILER ${triple}-g++)

if(DEFINED ENV{XDG_CACHE_HOME})
  set(cache $ENV{XDG_CACHE_HOME})
else()
  set(cache $ENV{HOME}/.cache)
endif()
set(CMAKE_SYSROOT ${cache}/vireo/sysroot/${VIREO_CROSS})
file(GLOB runtime ${CMAKE_SYSROOT}/usr/lib/gcc/${triple}/*)
if(NOT runtime)
  message(FATAL_ERROR "no sysroot at ${CMAKE_SYSROOT}; run scripts/sysroot ${VIREO_CROSS}")
endif()

# The C library and the kernel's headers are the sysroot's, not those that come with the cross compiler. The C++ library's
# headers are the compiler's, and its objects the sysroot's, which is as new or newer: the libraries there need it.
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=include OUTPUT_VARIABLE own OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -dumpversion OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE)
set(headers "")
foreach(folder /usr/${triple}/include/c++/${version} /usr/${triple}/include/c++/${version}/${triple} ${own}
    ${CMAKE_SYSROOT}/usr/include/${triple} ${CMAKE_SYSROOT}/usr/include)
  string(APPEND headers " -isystem ${folder}")
endforeach()
set(CMAKE_CXX_FLAGS_INIT "-nostdinc${headers}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-L${runtime} -B${CMAKE_SYSROOT}/usr/lib/${triple}")

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${CMAKE_SYSROOT}/usr/lib/${triple}/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${CMAKE_SYSTEM_PROCESSOR};-L;${CMAKE_SYSROOT})
