// A checkpoint of the public 3B model's sizes whose files are holes: the headers are real, the values are zeros that
// take no room on a disk. For what depends on sizes alone: launches, tables, memory.
#pragma once

#include <filesystem>

#include "base/status.h"

namespace blip3o::test {

// Writes it into `directory`, which exists.
Status WritePublicCheckpoint(const std::filesystem::path& directory);

}  // namespace blip3o::test
