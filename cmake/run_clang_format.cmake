# Runs clang-format over every C and C++ file. MODE: format or format_check.

set(mend "cmake --build --preset release --target format")

if(NOT EXISTS "${CLANG_FORMAT}")
  message(FATAL_ERROR "clang-format 14 is not installed. On Debian 12: apt-get install -y clang-format")
endif()
execute_process(COMMAND "${CLANG_FORMAT}" --version OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT version MATCHES "version 14\\.")
  message(FATAL_ERROR "The layout is checked with clang-format 14, but ${CLANG_FORMAT} says: ${version}. Install "
                      "clang-format-14, or skip the format checks of a Maven build with -Dspotless.check.skip=true")
endif()

file(GLOB_RECURSE sources native/*.h native/*.cpp tests/native/*.h tests/native/*.cpp tests/bench/*.h tests/bench/*.cpp)
if(MODE STREQUAL "format")
  execute_process(COMMAND "${CLANG_FORMAT}" -i ${sources} COMMAND_ERROR_IS_FATAL ANY)
else()
  execute_process(COMMAND "${CLANG_FORMAT}" --dry-run -Werror ${sources} RESULT_VARIABLE result ERROR_VARIABLE report)
  if(NOT result EQUAL 0)
    string(REGEX MATCHALL "[^\n]*code should be clang-formatted" lines "${report}")
    list(TRANSFORM lines REPLACE ":[0-9]+:[0-9]+:.*" "")
    list(REMOVE_DUPLICATES lines)
    list(JOIN lines "\n  " files)
    message(FATAL_ERROR "Not formatted:\n  ${files}\nMend with: ${mend}\n")
  endif()
endif()
