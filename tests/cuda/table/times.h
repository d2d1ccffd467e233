// How long a launch takes at the limits of a device's data sheet.
#pragma once

#include "table/launches.h"

namespace blip3o::table {

struct Device {
  const char* name;
  int multiprocessors;
  double bytes_per_second;
  double tensor_flops;  // BF16
  double vector_flops;  // F32
  double f64_flops;     // without tensor cores
  // Of one multiprocessor, of the second-level cache: 64 bytes a cycle.
  double bytes_per_second_alone;
};

// SXM, dense; a multiprocessor's at 1.98 GHz.
constexpr Device kH100 = {"H100", 132, 3.35e12, 989e12, 67e12, 33.5e12, 127e9};
constexpr Device kH200 = {"H200", 132, 4.8e12, 989e12, 67e12, 33.5e12, 127e9};

struct Time {
  double seconds = 0;
  const char* bound = "";  // which of its costs takes longest
};

// The busiest of memory and arithmetic at its limit, then what one block does alone. Arithmetic pays for whole rounds
// of blocks, as the last of them leave multiprocessors idle; memory is kept busy by fewer blocks than there are places.
Time TimeOf(const NotedLaunch& launch, const Device& device);

}  // namespace blip3o::table
