// A checkpoint of the public 3B model's sizes. For what depends on sizes alone: launches, tables, memory, times.
#pragma once

#include <filesystem>

#include "base/status.h"

namespace blip3o::test {

enum class PublicValues {
  kHoles,   // the headers are real, the values are zeros that take no room on a disk
  kRandom,  // small BF16 values, 9 GB of them: the same 64 MiB again and again
};

// Writes it into `directory`, which exists.
Status WritePublicCheckpoint(const std::filesystem::path& directory, PublicValues values = PublicValues::kHoles);

}  // namespace blip3o::test
