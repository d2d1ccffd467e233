// What memory the machine has left.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "base/tensor.h"

namespace blip3o {

// Bytes that this process may still take without swapping: the least of the system's and the control group's.
// INT64_MAX where the system doesn't tell.
int64_t AvailableMemoryBytes();

// Memory of whole pages of its own, for LetGo.
Result<Buffer> AllocatePages(int64_t size_bytes);
// Gives the memory of AllocatePages back and keeps its addresses: nothing else comes to lie there while the buffer
// lives, and nobody may read or write them.
void LetGo(const Buffer& pages);

// "1536 MiB": rounded up.
std::string Mebibytes(int64_t bytes);

}  // namespace blip3o
