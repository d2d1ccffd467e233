#include "image/picture.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace blip3o {
namespace {

TEST(ToRgb, RepeatsGrey) {
  const std::vector<uint8_t> grey = {0, 7, 255, 100, 31, 2};
  EXPECT_EQ(ToRgb({grey.data(), 3, 2, 1}),
            (Picture{{0, 0, 0, 7, 7, 7, 255, 255, 255, 100, 100, 100, 31, 31, 31, 2, 2, 2}, 3, 2, 3}));
}

TEST(ToRgb, CopiesRgb) {
  const Picture rgb{{1, 2, 3, 4, 5, 6}, 1, 2, 3};
  EXPECT_EQ(ToRgb(rgb.view()), rgb);
}

// Every value under every alpha, in each channel.
TEST(ToRgb, CompositesAlphaOverWhite) {
  Picture rgba{{}, 256, 256, 4};
  for (int alpha = 0; alpha < 256; ++alpha) {
    for (int value = 0; value < 256; ++value) {
      for (int byte : {value, 255 - value, value ^ 0x55, alpha}) rgba.bytes.push_back(static_cast<uint8_t>(byte));
    }
  }
  const Picture rgb = ToRgb(rgba.view());
  ASSERT_EQ(rgb.bytes.size(), 256u * 256 * 3);
  EXPECT_EQ(rgb.channels, 3);
  for (size_t i = 0; i < 256 * 256; ++i) {
    const double alpha = rgba.bytes[4 * i + 3] / 255.0;
    for (size_t c = 0; c < 3; ++c) {
      const double exact = rgba.bytes[4 * i + c] * alpha + 255 * (1 - alpha);
      ASSERT_EQ(rgb.bytes[3 * i + c], std::lround(exact)) << i << " channel " << c;
    }
  }
}

struct SizeCase {
  int64_t height, width, channels;
  std::string part_of_message;  // empty: fine
};

TEST(CheckPicture, RefusesWhatCantBeWorkedWith) {
  const uint8_t byte = 0;  // only sizes are read
  const int64_t huge = int64_t{1} << 62;
  for (const SizeCase& c : std::vector<SizeCase>{{1, 1, 1, ""},
                                                 {1, 100, 3, ""},
                                                 {100, 1, 4, ""},
                                                 {1 << 14, 1 << 14, 3, ""},
                                                 {0, 5, 3, "5 x 0 pixels"},
                                                 {5, 0, 3, "0 x 5 pixels"},
                                                 {-1, 5, 3, "5 x -1 pixels"},
                                                 {5, 5, 2, "2 channels"},
                                                 {5, 5, 0, "0 channels"},
                                                 {5, 5, 5, "5 channels"},
                                                 {1, 101, 3, "101 x 1 pixels: expected the longer side at most 100"},
                                                 {10000, 1, 3, "1 x 10000 pixels"},
                                                 {(1 << 14) + 1, 1 << 14, 3, "at most 268435456 in all"},
                                                 {huge, huge, 3, "at most 268435456 in all"}}) {
    const Status status = CheckPicture("reference 2", {&byte, c.height, c.width, c.channels});
    EXPECT_EQ(status.ok(), c.part_of_message.empty()) << c.height << "x" << c.width << ": " << status.message();
    if (c.part_of_message.empty()) continue;
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message().rfind("reference 2 ", 0), 0u) << status.message();
    EXPECT_NE(status.message().find(c.part_of_message), std::string::npos) << status.message();
  }
  EXPECT_FALSE(CheckPicture("reference 2", {nullptr, 4, 4, 3}).ok());
}

}  // namespace
}  // namespace blip3o
