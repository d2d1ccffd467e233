# The libraries the runtime stands on. Those that the runtime needs at run time are laid beside it in `runtime/`, so
# that this one folder is what the native jar carries.

set(BLIP3O_RUNTIME_DIR "${PROJECT_BINARY_DIR}/runtime")
set(BLIP3O_APT_HINT "apt-get install -y g++ cmake ninja-build libhwy-dev nlohmann-json3-dev libfmt-dev libgtest-dev libboost-context-dev")

# Lays the file that `library` points to into runtime/ under `name`, the name it is loaded by.
function(blip3o_bundle library name)
  get_filename_component(file "${library}" REALPATH)
  file(MAKE_DIRECTORY "${BLIP3O_RUNTIME_DIR}")
  configure_file("${file}" "${BLIP3O_RUNTIME_DIR}/${name}" COPYONLY)
endfunction()

function(blip3o_import_shared target library include_dir name)
  blip3o_bundle("${library}" "${name}")
  add_library(${target} SHARED IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES
    IMPORTED_LOCATION "${BLIP3O_RUNTIME_DIR}/${name}"
    IMPORTED_SONAME "${name}"
    INTERFACE_INCLUDE_DIRECTORIES "${include_dir}")
endfunction()

find_package(Threads REQUIRED)

# oneDNN and the OpenMP library it was built with.
if(BLIP3O_ONEDNN)
  if(NOT EXISTS "${BLIP3O_ONEDNN_DIR}/include/oneapi/dnnl/dnnl.hpp")
    message(FATAL_ERROR "oneDNN is not in ${BLIP3O_ONEDNN_DIR}. Unpack it once with `mvn -pl presets initialize`, or "
                        "give a folder that holds include/, libdnnl.so.3 and libgomp.so.1 with "
                        "-DBLIP3O_ONEDNN_DIR=DIR.")
  endif()
  blip3o_import_shared(blip3o::onednn "${BLIP3O_ONEDNN_DIR}/libdnnl.so.3" "${BLIP3O_ONEDNN_DIR}/include" libdnnl.so.3)
  blip3o_bundle("${BLIP3O_ONEDNN_DIR}/libgomp.so.1" libgomp.so.1)
  set_property(TARGET blip3o::onednn APPEND PROPERTY INTERFACE_LINK_LIBRARIES "${BLIP3O_RUNTIME_DIR}/libgomp.so.1")
endif()

# Highway. Its scalar target is the portable path, beside AVX2 and AVX-512 (AVX3). The others would cost compile time
# for processors that are rare or instructions that the kernels don't use. Under ThreadSanitizer, which asks what
# threads share and not what an instruction does, AVX2 is enough.
set(disabled_targets "HWY_SSSE3|HWY_SSE4|HWY_AVX3_DL")
if(BLIP3O_SANITIZE STREQUAL "thread")
  string(APPEND disabled_targets "|HWY_AVX3")
endif()
# fmt goes into the library, header by header. Where nothing is shipped it is linked: compiled into each file it takes
# more than half of a sanitizer's compile time.
set(BLIP3O_FMT fmt::fmt-header-only)
if(BLIP3O_SANITIZE)
  set(BLIP3O_FMT fmt::fmt)
endif()
if(BLIP3O_STAND_INS)
  foreach(library blip3o::highway nlohmann_json::nlohmann_json fmt::fmt-header-only)
    add_library(${library} INTERFACE IMPORTED GLOBAL)
    set_target_properties(${library} PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/tests/gpu/stand_ins")
  endforeach()
else()
  find_path(BLIP3O_HIGHWAY_INCLUDE hwy/highway.h)
  find_library(BLIP3O_HIGHWAY_LIBRARY hwy)
  if(NOT BLIP3O_HIGHWAY_INCLUDE OR NOT BLIP3O_HIGHWAY_LIBRARY)
    message(FATAL_ERROR "Highway (hwy/highway.h, libhwy) is not installed. On Debian: ${BLIP3O_APT_HINT}")
  endif()
  blip3o_import_shared(blip3o::highway "${BLIP3O_HIGHWAY_LIBRARY}" "${BLIP3O_HIGHWAY_INCLUDE}" libhwy.so.1)
  set_property(TARGET blip3o::highway PROPERTY INTERFACE_COMPILE_DEFINITIONS
    "HWY_DISABLED_TARGETS=(${disabled_targets})")

  find_package(nlohmann_json 3.10 QUIET)
  find_package(fmt 8 QUIET)
  if(NOT nlohmann_json_FOUND OR NOT fmt_FOUND)
    message(FATAL_ERROR "nlohmann-json or fmt is not installed. On Debian: ${BLIP3O_APT_HINT}")
  endif()
endif()

if(BLIP3O_TESTS)
  find_package(GTest QUIET)
  find_library(BLIP3O_BOOST_CONTEXT boost_context)
  if(NOT GTest_FOUND OR NOT BLIP3O_BOOST_CONTEXT)
    message(FATAL_ERROR "GoogleTest or Boost.Context is not installed. On Debian: ${BLIP3O_APT_HINT}. "
                        "To build without tests: -DBLIP3O_TESTS=OFF")
  endif()
endif()
if(BLIP3O_BENCHMARKS)
  if(NOT BLIP3O_ONEDNN)
    message(FATAL_ERROR "The benchmark compares with oneDNN: BLIP3O_BENCHMARKS needs BLIP3O_ONEDNN=ON")
  endif()
  find_package(benchmark REQUIRED)
endif()
