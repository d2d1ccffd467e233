// What the compiler says of kernels, and how their names are found.
#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <string>

namespace blip3o::table {

struct Resources {
  int registers = 0;
  int64_t spilled_bytes = 0;
  int64_t shared_bytes = 0;  // static
};

// A mangled name in which a namespace without a name is written as g++ writes it: nvcc puts the file's name there.
std::string Normalized(const std::string& mangled);

// Reads what `ptxas -v` printed: by normalised name, of one architecture ("sm_90").
std::map<std::string, Resources> ReadResources(std::istream& log, const std::string& architecture);

// Reads what `nm` printed of this program: normalised names by their address while it runs.
std::map<const void*, std::string> ReadSymbols(std::istream& symbols);

}  // namespace blip3o::table
