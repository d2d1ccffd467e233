// What the stand-ins of tests/gpu/stand_ins say; their headers can't stand beside the libraries' in one file.
#pragma once

#include <string>
#include <vector>

namespace blip3o::test {

std::vector<std::string> StandInFormats();
// Parsed and written again; empty where the parser refuses it.
std::string StandInDump(const char* text);
// "depth name;" of each key, "depth {;" of each object's start.
std::string StandInEvents(const char* text);

}  // namespace blip3o::test
