# Targets `format` (mends) and `format_check` (fails, naming the files). The layout that clang-format gives differs
# between its major versions; 14 is Debian 12's and the one that counts.

find_program(BLIP3O_CLANG_FORMAT NAMES clang-format-14 clang-format)

foreach(mode IN ITEMS format format_check)
  add_custom_target(${mode}
    COMMAND "${CMAKE_COMMAND}" "-DMODE=${mode}" "-DCLANG_FORMAT=${BLIP3O_CLANG_FORMAT}"
            -P "${PROJECT_SOURCE_DIR}/cmake/run_clang_format.cmake"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    VERBATIM)
endforeach()
