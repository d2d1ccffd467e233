#include <gtest/gtest.h>

#include "support/device_queue.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return blip3o::gpu::HasDevice() ? RUN_ALL_TESTS() : blip3o::gpu::kNotRun;
}
