// New weights of the language model in an open model, and the log-probabilities of what is drawn, through the C
// interface.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "blip3o/blip3o.h"
#include "support/checkpoint_files.h"
#include "support/sample_requests.h"

namespace blip3o {
namespace {

using test::Results;
using test::SampleRequest;
using test::SampleRequests;

constexpr uint32_t kScores = 1u << BLIP3O_LOG_PROBABILITIES, kFirstLogits = 1u << BLIP3O_FIRST_LOGITS;

// A language model's tensors that a test may change.
class Weights {
 public:
  explicit Weights(const blip3o_model* model) {
    const int64_t count = blip3o_model_language_tensor_count(model);
    for (int64_t i = 0; i < count; ++i) {
      blip3o_named_tensor from;
      blip3o_model_language_tensor(model, i, &from);
      int64_t size = from.tensor.dtype == BLIP3O_F32 ? 4 : 2;
      for (int d = 0; d < from.tensor.rank; ++d) size *= from.tensor.shape[d];
      const auto* bytes = static_cast<const char*>(from.tensor.data);
      bytes_.emplace_back(bytes, bytes + size);
      tensors_.push_back(from);
    }
    for (size_t i = 0; i < tensors_.size(); ++i) tensors_[i].tensor.data = bytes_[i].data();
  }

  std::vector<blip3o_named_tensor>& tensors() { return tensors_; }
  blip3o_named_tensor& Named(const std::string& name) {
    for (blip3o_named_tensor& tensor : tensors_) {
      if (name == tensor.name) return tensor;
    }
    ADD_FAILURE() << "no tensor " << name;
    return tensors_.front();
  }
  std::vector<char>& BytesOf(const std::string& name) {
    return bytes_[static_cast<size_t>(&Named(name) - tensors_.data())];
  }
  // The upper bytes of values of the last norm change: what is drawn becomes other tokens.
  void Change() {
    std::vector<char>& bytes = BytesOf("model.norm.weight");
    const size_t step = Named("model.norm.weight").tensor.dtype == BLIP3O_F32 ? 4 : 2;
    for (size_t i = step - 1; i < bytes.size(); i += 3 * step) bytes[i] = static_cast<char>(bytes[i] ^ 0x80);
  }

 private:
  std::vector<std::vector<char>> bytes_;
  std::vector<blip3o_named_tensor> tensors_;
};

class LanguageVersionTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { Open(BLIP3O_QUANTIZATION_NONE, 0); }
  void TearDown() override { blip3o_model_close(model_); }

  void Open(uint32_t quantization, int64_t memory_limit_bytes) {
    blip3o_model_close(model_);
    blip3o_model_options options;
    blip3o_model_options_default(&options);
    options.threads = 2;
    options.quantization = quantization;
    options.memory_limit_bytes = memory_limit_bytes;
    const std::string path = test::GoldenCheckpoint(GetParam()).string();
    ASSERT_EQ(blip3o_model_open(path.c_str(), &options, &model_, &error_), BLIP3O_OK) << error_.message;
  }

  // Tokens only, drawn at temperature 1 without truncation.
  SampleRequest Tokens(int variant = 0) {
    SampleRequest sample = SampleRequests(model_, 1).Text(9, variant, BLIP3O_STAGE_TOKENS);
    sample.request.temperature = 1.0f;
    sample.request.top_k = 0;
    sample.request.top_p = 1.0f;
    sample.request.outputs = kScores;
    return sample;
  }

  blip3o_job* Submit(const SampleRequest& sample) {
    blip3o_job* job = nullptr;
    EXPECT_EQ(blip3o_model_submit(model_, &sample.request, &job, &error_), BLIP3O_OK) << error_.message;
    return job;
  }
  Results Run(const SampleRequest& sample) {
    Results results = test::TakeResults(Submit(sample));
    EXPECT_EQ(results.status, BLIP3O_OK) << results.message;
    return results;
  }

  int64_t Update(Weights& weights) {
    int64_t version = -1;
    blip3o_error error = {};  // its own: a thread of the test's own may update while others submit
    const auto& tensors = weights.tensors();
    EXPECT_EQ(blip3o_model_update_language_model(model_, tensors.data(), static_cast<int64_t>(tensors.size()), &version,
                                                 &error),
              BLIP3O_OK)
        << error.message;
    return version;
  }
  // The update fails with a message that has `part`, and changes nothing.
  void ExpectRefused(const std::function<void(Weights&)>& spoil, const std::string& part) {
    Weights weights(model_);
    weights.Change();
    spoil(weights);
    int64_t version = -1;
    const auto& tensors = weights.tensors();
    EXPECT_EQ(blip3o_model_update_language_model(model_, tensors.data(), static_cast<int64_t>(tensors.size()), &version,
                                                 &error_),
              BLIP3O_INVALID_ARGUMENT);
    EXPECT_NE(std::string(error_.message).find(part), std::string::npos) << error_.message;
    EXPECT_EQ(version, 0);
  }
  blip3o_metrics Metrics() {
    blip3o_metrics metrics;
    blip3o_model_metrics(model_, &metrics);
    return metrics;
  }

  blip3o_model* model_ = nullptr;
  blip3o_error error_ = {};
};

std::vector<float> Floats(const Results& results, int value) {
  const std::vector<uint8_t>& bytes = results.values.at(value);
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), bytes.size());
  return floats;
}

TEST_P(LanguageVersionTest, ConfigAndTensorsAreThoseOfTheCheckpoint) {
  blip3o_language_config config;
  blip3o_model_language_config(model_, &config);
  EXPECT_EQ(blip3o_model_language_tensor_count(model_), 2 + 11 * config.layers + (config.tied_embeddings ? 0 : 1));
  blip3o_named_tensor first;
  blip3o_model_language_tensor(model_, 0, &first);
  EXPECT_STREQ(first.name, "model.embed_tokens.weight");
  EXPECT_EQ(first.tensor.shape[0], config.vocabulary_size);
  EXPECT_EQ(first.tensor.shape[1], config.hidden_size);
  EXPECT_GT(config.rms_norm_eps, 0);
  EXPECT_GT(config.rope_theta, 1);
}

TEST_P(LanguageVersionTest, TheFirstTokensScoreIsThatOfItsLogits) {
  SampleRequest sample = Tokens();
  sample.request.outputs = kScores | kFirstLogits;
  const Results results = Run(sample);
  const std::vector<float> logits = Floats(results, BLIP3O_FIRST_LOGITS);
  const std::vector<float> scores = Floats(results, BLIP3O_LOG_PROBABILITIES);
  int32_t token;
  std::memcpy(&token, results.values.at(BLIP3O_TOKENS).data(), sizeof(token));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - logits[static_cast<size_t>(token)]);
  EXPECT_NEAR(scores[1], -std::log(sum), 1e-6);
  ASSERT_EQ(scores.size(), 2 * results.values.at(BLIP3O_TOKENS).size() / sizeof(int32_t));
  for (size_t i = 0; i < scores.size(); i += 2) {
    EXPECT_EQ(scores[i], scores[i + 1]);  // one distribution
    EXPECT_LE(scores[i], 0);
  }
}

TEST_P(LanguageVersionTest, ScoresChangeNothingElse) {
  SampleRequest sample = Tokens();
  sample.request.temperature = 0.8f;
  sample.request.top_k = 20;
  sample.request.top_p = 0.9f;
  const Results scored = Run(sample);
  sample.request.outputs = 0;
  const Results plain = Run(sample);
  EXPECT_EQ(scored.values.at(BLIP3O_TOKENS), plain.values.at(BLIP3O_TOKENS));
  EXPECT_EQ(scored.values.at(BLIP3O_HIDDEN_STATES), plain.values.at(BLIP3O_HIDDEN_STATES));
  EXPECT_EQ(plain.values.count(BLIP3O_LOG_PROBABILITIES), 0u);
  const std::vector<float> scores = Floats(scored, BLIP3O_LOG_PROBABILITIES);
  for (size_t i = 0; i < scores.size(); i += 2) EXPECT_LE(scores[i], 0);
}

TEST_P(LanguageVersionTest, AVersionOfEqualWeightsDrawsTheSame) {
  const Results before = Run(Tokens());
  Weights weights(model_);
  EXPECT_EQ(Update(weights), 1);
  blip3o_job* job = Submit(Tokens());
  (void)blip3o_job_wait(job, nullptr);
  EXPECT_EQ(blip3o_job_language_version(job), 1);
  EXPECT_EQ(test::TakeResults(job).values, before.values);
}

TEST_P(LanguageVersionTest, AVersionOfOtherWeightsDrawsOtherwiseAndKnowsNoOldPrompts) {
  const Results before = Run(Tokens());
  Weights weights(model_), original(model_);
  weights.Change();
  EXPECT_EQ(Update(weights), 1);
  const int64_t reused = Metrics().prompts_reused;
  const Results after = Run(Tokens());
  EXPECT_EQ(Metrics().prompts_reused, reused);
  EXPECT_NE(after.values.at(BLIP3O_TOKENS), before.values.at(BLIP3O_TOKENS));
  EXPECT_EQ(Run(Tokens()).values, after.values);
  EXPECT_EQ(Metrics().prompts_reused, reused + 1);
  EXPECT_EQ(Update(original), 2);
  EXPECT_EQ(Run(Tokens()).values, before.values);
}

TEST_P(LanguageVersionTest, TheCallersMemoryIsNotKept) {
  Results expected;
  {
    Weights weights(model_);
    weights.Change();
    Update(weights);
    expected = Run(Tokens());
    for (blip3o_named_tensor& tensor : weights.tensors()) {
      std::memset(const_cast<void*>(tensor.tensor.data), 0xFF, 16);
    }
  }
  EXPECT_EQ(Run(Tokens()).values, expected.values);
}

TEST_P(LanguageVersionTest, AFailedUpdateChangesNothing) {
  const Results before = Run(Tokens());
  const std::string norm = "model.norm.weight";
  ExpectRefused([](Weights& w) { w.tensors().pop_back(); }, "is missing");
  ExpectRefused([](Weights& w) { w.tensors().push_back(w.tensors().front()); }, "twice");
  ExpectRefused([](Weights& w) { std::strcpy(w.tensors().back().name, "model.other"); }, "is missing");
  ExpectRefused(
      [](Weights& w) {
        w.tensors().push_back(w.tensors().front());
        std::strcpy(w.tensors().back().name, "model.other");
      },
      "model.other");
  ExpectRefused([&](Weights& w) { w.Named(norm).tensor.shape[0]--; }, norm);
  ExpectRefused([&](Weights& w) { w.Named(norm).tensor.dtype = BLIP3O_I32; }, norm);
  ExpectRefused([&](Weights& w) { w.Named(norm).tensor.data = nullptr; }, norm);
  ExpectRefused(
      [&](Weights& w) {
        std::vector<char>& bytes = w.BytesOf(norm);
        std::fill(bytes.begin(), bytes.begin() + 4, static_cast<char>(0xFF));
      },
      "nan at [0]");
  EXPECT_EQ(Run(Tokens()).values, before.values);
  Weights weights(model_);
  EXPECT_EQ(Update(weights), 1) << "failures count no versions";
}

TEST_P(LanguageVersionTest, NoRequestSeesTwoVersions) {
  Weights even(model_), odd(model_);
  odd.Change();
  constexpr int kRequests = 24;
  std::vector<SampleRequest> samples;
  for (int k = 0; k < kRequests; ++k) samples.push_back(Tokens(k % 3));
  std::vector<Results> expected[2];
  for (int k = 0; k < 3; ++k) expected[0].push_back(Run(samples[static_cast<size_t>(k)]));
  Update(odd);
  for (int k = 0; k < 3; ++k) expected[1].push_back(Run(samples[static_cast<size_t>(k)]));

  std::atomic<bool> over = false;
  std::thread updates([&] {
    while (!over) {
      Update(even);  // versions 2, 4, …
      Update(odd);
    }
  });
  bool seen[2] = {false, false};
  for (int round = 0; round < 40 && !(round >= 4 && seen[0] && seen[1]); ++round) {
    std::vector<blip3o_job*> jobs;
    for (const SampleRequest& sample : samples) jobs.push_back(Submit(sample));
    for (size_t k = 0; k < jobs.size(); ++k) {
      (void)blip3o_job_wait(jobs[k], nullptr);
      const int64_t version = blip3o_job_language_version(jobs[k]);
      EXPECT_GE(version, 1);
      const Results results = test::TakeResults(jobs[k]);
      ASSERT_EQ(results.values, expected[version % 2][k % 3].values) << "version " << version;
      seen[version % 2] = true;
    }
  }
  over = true;
  updates.join();
  EXPECT_TRUE(seen[0] && seen[1]);
}

TEST_P(LanguageVersionTest, OldVersionsGiveTheirMemoryBack) {
  Weights weights(model_);
  Update(weights);
  Run(Tokens());
  const blip3o_metrics once = Metrics();
  for (int k = 0; k < 5; ++k) {
    Update(weights);
    Run(Tokens());
  }
  const blip3o_metrics often = Metrics();
  EXPECT_EQ(often.memory_in_use_bytes, once.memory_in_use_bytes);
  EXPECT_EQ(often.memory_blocks, once.memory_blocks);
}

TEST_P(LanguageVersionTest, AVersionThatDoesNotFitIsRefused) {
  Weights weights(model_);
  int64_t bytes = 0;
  for (const blip3o_named_tensor& tensor : weights.tensors()) {
    int64_t count = 1;
    for (int d = 0; d < tensor.tensor.rank; ++d) count *= tensor.tensor.shape[d];
    bytes += count * (tensor.tensor.dtype == BLIP3O_F32 ? 4 : 2);
  }
  Run(Tokens());
  // Room for one version beside what the model holds, not for two.
  Open(BLIP3O_QUANTIZATION_NONE, Metrics().memory_peak_bytes + bytes + bytes / 2);
  Update(weights);
  const Results before = Run(Tokens());
  int64_t version = -1;
  const auto& tensors = weights.tensors();
  EXPECT_EQ(blip3o_model_update_language_model(model_, tensors.data(), static_cast<int64_t>(tensors.size()), &version,
                                               &error_),
            BLIP3O_OUT_OF_MEMORY);
  EXPECT_NE(std::string(error_.message).find("new version of the language model"), std::string::npos) << error_.message;
  EXPECT_EQ(Run(Tokens()).values, before.values);
}

TEST_P(LanguageVersionTest, EightBitsAreMadeOfTheNewWeights) {
  Open(BLIP3O_INT8_LANGUAGE, 0);
  const Results before = Run(Tokens());
  Weights weights(model_), original(model_);
  weights.Change();
  Update(weights);
  EXPECT_NE(Run(Tokens()).values, before.values);
  Update(original);
  EXPECT_EQ(Run(Tokens()).values, before.values);
}

INSTANTIATE_TEST_SUITE_P(Models, LanguageVersionTest, testing::Values("tiny", "tied"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace blip3o
