// What memory the machine has left.
#pragma once

#include <cstdint>
#include <string>

namespace blip3o {

// Bytes that this process may still take without swapping: the least of the system's and the control group's.
// INT64_MAX where the system doesn't tell.
int64_t AvailableMemoryBytes();

// "1536 MiB": rounded up.
std::string Mebibytes(int64_t bytes);

}  // namespace blip3o
