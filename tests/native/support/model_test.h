// Tests of an open golden model through the C interface.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "blip3o/blip3o.h"

namespace blip3o::test {

class ModelTest : public testing::Test {
 protected:
  void TearDown() override { blip3o_model_close(model_); }

  // Opens tests/golden/reference/NAME/model in place of the model that is open.
  void Open(const std::string& name, int64_t memory_limit_bytes, int32_t threads) {
    blip3o_model_close(model_);
    blip3o_model_options options;
    blip3o_model_options_default(&options);
    options.memory_limit_bytes = memory_limit_bytes;
    options.threads = threads;
    const std::string path = std::string(BLIP3O_SOURCE_DIR) + "/tests/golden/reference/" + name + "/model";
    ASSERT_EQ(blip3o_model_open(path.c_str(), &options, &model_, &error_), BLIP3O_OK) << error_.message;
  }

  // Waits for the job, takes the bytes of one result, empty when it failed, and closes the job.
  std::vector<uint8_t> TakeResult(blip3o_job* job, blip3o_value value) {
    std::vector<uint8_t> bytes;
    blip3o_tensor tensor;
    if (blip3o_job_wait(job, &error_) == BLIP3O_OK && blip3o_job_value(job, value, &tensor, &error_) == BLIP3O_OK) {
      size_t size = tensor.dtype == BLIP3O_U8 ? 1 : 4;
      for (int i = 0; i < tensor.rank; ++i) size *= static_cast<size_t>(tensor.shape[i]);
      const auto* data = static_cast<const uint8_t*>(tensor.data);
      bytes.assign(data, data + size);
    }
    blip3o_job_close(job);
    return bytes;
  }

  void ExpectRefused(const blip3o_request& request, blip3o_status status, const std::vector<std::string>& words) {
    blip3o_job* job = nullptr;
    EXPECT_EQ(blip3o_model_submit(model_, &request, &job, &error_), status) << error_.message;
    EXPECT_EQ(job, nullptr);
    for (const std::string& word : words) {
      EXPECT_NE(std::string(error_.message).find(word), std::string::npos) << error_.message << " lacks " << word;
    }
  }

  blip3o_model* model_ = nullptr;
  blip3o_error error_ = {};
};

}  // namespace blip3o::test
