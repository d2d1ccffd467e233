// Edits, image to image and masks through the C interface: what is computed once, what is kept, what is refused.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "blip3o/blip3o.h"
#include "image/picture.h"
#include "support/borrowed_tensor.h"
#include "support/checkpoint_files.h"
#include "support/model_test.h"
#include "support/sample_requests.h"

namespace blip3o {
namespace {

using test::Borrow;
using test::BorrowPicture;
using test::Gradient;

constexpr int32_t kTokens = 16, kChannels = 8, kSide = 8, kPixels = 64, kHidden = 64, kCaption = 96;
constexpr int32_t kLatents = kChannels * kSide * kSide;

blip3o_tensor BorrowFloats(const std::vector<uint8_t>& bytes, const std::vector<int64_t>& shape) {
  return Borrow(bytes.data(), BLIP3O_F32, shape);
}

class EditingTest : public test::ModelTest {
 protected:
  void SetUp() override { Open("tiny", 0, 2); }

  // An edit of `pictures_`.
  blip3o_request Edit() {
    blip3o_request request;
    blip3o_request_default(model_, &request);
    references_.clear();
    for (const Picture& picture : pictures_) references_.push_back(BorrowPicture(picture));
    prompt_ = {1, 2, 3};
    prompt_.insert(prompt_.end(), pictures_.size() * kTokens, BLIP3O_REFERENCE_TOKEN);
    prompt_.insert(prompt_.end(), {4, 5});
    request.first_stage = BLIP3O_STAGE_REFERENCES;
    request.prompt = prompt_.data();
    request.prompt_length = static_cast<int64_t>(prompt_.size());
    request.references = references_.data();
    request.reference_count = static_cast<int32_t>(references_.size());
    request.steps = 4;
    request.seed = 7;
    return request;
  }

  // Text to image from the first picture.
  blip3o_request FromInitial(float strength) {
    blip3o_request request = Edit();
    prompt_ = {1, 2, 3, 4, 5};
    request.prompt_length = 5;
    request.reference_count = 0;
    request.initial = references_[0];
    request.strength = strength;
    return request;
  }

  // Bytes of one result; empty when the request failed. Counts the events by kind.
  std::vector<uint8_t> Run(blip3o_request request, blip3o_value value) {
    request.outputs |= 1u << value;
    blip3o_job* job = nullptr;
    std::fill(std::begin(events_), std::end(events_), 0);
    if (blip3o_model_submit(model_, &request, &job, &error_) != BLIP3O_OK) return {};
    blip3o_event event;
    while (blip3o_job_next_event(job, -1, &event) == 1) {
      const bool counts = BLIP3O_EVENT_ENCODE <= event.kind && event.kind <= BLIP3O_EVENT_DECODE;
      EXPECT_EQ(event.index, counts ? events_[event.kind] + 1 : 0);
      ++events_[event.kind];
      if (event.kind == BLIP3O_EVENT_ENCODE) last_encode_ = event;
    }
    return TakeResult(job, value);
  }

  std::vector<Picture> pictures_ = {Gradient(48, 70, 1)};
  std::vector<blip3o_tensor> references_;
  std::vector<int32_t> prompt_;
  int events_[BLIP3O_EVENT_CANCELLED + 1] = {};
  blip3o_event last_encode_ = {};
};

TEST_F(EditingTest, AKnownPictureIsNotEncodedAgain) {
  const auto first = Run(Edit(), BLIP3O_PIXELS);
  ASSERT_FALSE(first.empty()) << error_.message;
  EXPECT_GT(events_[BLIP3O_EVENT_ENCODE], 0);
  EXPECT_EQ(last_encode_.index, last_encode_.count);
  // The same picture under another instruction.
  blip3o_request request = Edit();
  prompt_[0] = 9;
  const auto other = Run(request, BLIP3O_PIXELS);
  EXPECT_EQ(events_[BLIP3O_EVENT_ENCODE], 0);
  EXPECT_NE(first, other);
  EXPECT_EQ(first, Run(Edit(), BLIP3O_PIXELS));
  // One changed pixel is another picture.
  pictures_[0].bytes[3 * (24 * 70 + 35)] ^= 0xFF;
  EXPECT_NE(first, Run(Edit(), BLIP3O_PIXELS));
  EXPECT_GT(events_[BLIP3O_EVENT_ENCODE], 0);
}

TEST_F(EditingTest, TheCacheForgetsTheOldest) {
  for (int variant = 0; variant <= BLIP3O_MAX_REFERENCES; ++variant) {
    pictures_ = {Gradient(40, 40, variant)};
    ASSERT_FALSE(Run(Edit(), BLIP3O_PIXELS).empty()) << error_.message;
    EXPECT_GT(events_[BLIP3O_EVENT_ENCODE], 0);
  }
  pictures_ = {Gradient(40, 40, BLIP3O_MAX_REFERENCES)};
  Run(Edit(), BLIP3O_PIXELS);
  EXPECT_EQ(events_[BLIP3O_EVENT_ENCODE], 0);
  pictures_ = {Gradient(40, 40, 0)};
  Run(Edit(), BLIP3O_PIXELS);
  EXPECT_GT(events_[BLIP3O_EVENT_ENCODE], 0);
}

// As many as there can be, some of them twice; the next request about them encodes none.
TEST_F(EditingTest, ManyReferencesKeepTheirOrder) {
  pictures_.clear();
  for (int variant = 0; variant < BLIP3O_MAX_REFERENCES; ++variant) pictures_.push_back(Gradient(30, 50, variant % 12));
  blip3o_request request = Edit();
  request.last_stage = BLIP3O_STAGE_REFERENCES;
  const auto together = Run(request, BLIP3O_REFERENCE_LATENTS);
  ASSERT_EQ(together.size(), static_cast<size_t>(BLIP3O_MAX_REFERENCES * kLatents * 4)) << error_.message;
  Run(request, BLIP3O_REFERENCE_LATENTS);
  EXPECT_EQ(events_[BLIP3O_EVENT_ENCODE], 0);
  const std::vector<Picture> all = pictures_;
  for (size_t k = 0; k < all.size(); ++k) {
    pictures_ = {all[k]};
    request = Edit();
    request.last_stage = BLIP3O_STAGE_REFERENCES;
    const auto alone = Run(request, BLIP3O_REFERENCE_LATENTS);
    ASSERT_EQ(alone.size(), static_cast<size_t>(kLatents * 4));
    EXPECT_EQ(std::memcmp(alone.data(), together.data() + k * alone.size(), alone.size()), 0) << "reference " << k;
  }
}

TEST_F(EditingTest, ThreadsDontChangeAByte) {
  pictures_.push_back(Gradient(90, 33, 2));
  const auto two = Run(Edit(), BLIP3O_PIXELS);
  ASSERT_FALSE(two.empty()) << error_.message;
  for (int32_t threads : {1, 3, 4}) {
    Open("tiny", 0, threads);
    EXPECT_EQ(two, Run(Edit(), BLIP3O_PIXELS)) << threads << " threads";
  }
}

TEST_F(EditingTest, OnlyWhatIsAskedForIsEncoded) {
  blip3o_request request = Edit();
  request.last_stage = BLIP3O_STAGE_REFERENCES;
  const auto tokens = Run(request, BLIP3O_REFERENCE_TOKENS);
  EXPECT_EQ(tokens.size(), static_cast<size_t>(kTokens * 4)) << error_.message;
  const int with_tokens = events_[BLIP3O_EVENT_ENCODE];
  const auto latents = Run(request, BLIP3O_REFERENCE_LATENTS);
  EXPECT_EQ(latents.size(), static_cast<size_t>(kLatents * 4)) << error_.message;
  EXPECT_GT(with_tokens, 0);
  EXPECT_GT(events_[BLIP3O_EVENT_ENCODE], 0);  // the latents were not made by the way
}

TEST_F(EditingTest, StageByStageIsTheSameEdit) {
  pictures_.push_back(Gradient(64, 64, 3));
  const auto pixels = Run(Edit(), BLIP3O_PIXELS);
  ASSERT_FALSE(pixels.empty()) << error_.message;
  blip3o_request request = Edit();
  request.last_stage = BLIP3O_STAGE_REFERENCES;
  const auto tokens = Run(request, BLIP3O_REFERENCE_TOKENS), latents = Run(request, BLIP3O_REFERENCE_LATENTS);
  ASSERT_EQ(tokens.size(), static_cast<size_t>(2 * kTokens * 4)) << error_.message;

  blip3o_model_info info;
  blip3o_model_describe(model_, &info);
  const auto staged = [&](blip3o_stage first, blip3o_stage last) {
    blip3o_request r = Edit();
    r.references = nullptr;
    r.reference_count = 0;
    r.first_stage = first;
    r.last_stage = last;
    return r;
  };
  request = staged(BLIP3O_STAGE_TOKENS, BLIP3O_STAGE_TOKENS);
  for (size_t k = 0; k < 2 * kTokens; ++k) {
    int32_t token;
    std::memcpy(&token, tokens.data() + 4 * k, 4);
    prompt_[3 + k] = token + info.image_token_first;
  }
  const auto hidden = Run(request, BLIP3O_HIDDEN_STATES);
  ASSERT_FALSE(hidden.empty()) << error_.message;
  const blip3o_tensor reference_latents = BorrowFloats(latents, {2, kChannels, kSide, kSide});
  request = staged(BLIP3O_STAGE_CONDITION, BLIP3O_STAGE_CONDITION);
  request.hidden_states = BorrowFloats(hidden, {kTokens + 1, kHidden});
  request.reference_latents = reference_latents;
  const auto condition = Run(request, BLIP3O_CONDITION), null = Run(request, BLIP3O_NULL_CONDITION);
  const int64_t rows = kTokens + 1 + 2 * kSide * kSide;
  ASSERT_EQ(condition.size(), static_cast<size_t>(rows * kCaption * 4)) << error_.message;
  EXPECT_EQ(null, std::vector<uint8_t>(kCaption * 4, 0));
  request = staged(BLIP3O_STAGE_LATENTS, BLIP3O_STAGE_PIXELS);
  request.condition = BorrowFloats(condition, {rows, kCaption});
  request.null_condition = BorrowFloats(null, {1, kCaption});
  request.reference_latents = reference_latents;
  EXPECT_EQ(pixels, Run(request, BLIP3O_PIXELS)) << error_.message;
}

TEST_F(EditingTest, GivenTokensMakeAVariation) {
  const auto tokens = Run(Edit(), BLIP3O_TOKENS);
  ASSERT_EQ(tokens.size(), static_cast<size_t>(kTokens * 4)) << error_.message;
  blip3o_request request = Edit();
  request.tokens = Borrow(tokens.data(), BLIP3O_I32, {kTokens});
  request.seed = 8;
  EXPECT_EQ(tokens, Run(request, BLIP3O_TOKENS)) << error_.message;
  EXPECT_EQ(events_[BLIP3O_EVENT_TOKEN], 0);
  const auto other = Run(request, BLIP3O_PIXELS);
  EXPECT_NE(other, Run(Edit(), BLIP3O_PIXELS));
  EXPECT_EQ(other, Run(request, BLIP3O_PIXELS));
}

TEST_F(EditingTest, StrengthRunsTheLastSteps) {
  blip3o_request request = FromInitial(0.5f);
  ASSERT_FALSE(Run(request, BLIP3O_PIXELS).empty()) << error_.message;
  EXPECT_EQ(events_[BLIP3O_EVENT_STEP], 2);
  request.strength = 0.01f;
  Run(request, BLIP3O_PIXELS);
  EXPECT_EQ(events_[BLIP3O_EVENT_STEP], 1);
  request.strength = 1.0f;
  const auto from_noise = Run(request, BLIP3O_PIXELS);
  EXPECT_EQ(events_[BLIP3O_EVENT_STEP], 4);
  request.initial = {};
  EXPECT_EQ(from_noise, Run(request, BLIP3O_PIXELS));  // all noise: nothing of the picture is left
}

// x = (1 − sigma)·latents + sigma·noise at the first sigma that runs, so one step is that of the same latents given.
TEST_F(EditingTest, TheFlowStartsFromNoisedLatents) {
  blip3o_request request = FromInitial(0.25f);  // 1 of 4 steps, from sigma 1/4
  const auto pixels = Run(request, BLIP3O_PIXELS);
  ASSERT_FALSE(pixels.empty()) << error_.message;
  request = Edit();
  request.last_stage = BLIP3O_STAGE_REFERENCES;
  const auto latents = Run(request, BLIP3O_REFERENCE_LATENTS);
  request = FromInitial(0.25f);
  request.initial = {};
  request.initial_latents = BorrowFloats(latents, {kChannels, kSide, kSide});
  EXPECT_EQ(pixels, Run(request, BLIP3O_PIXELS)) << error_.message;
  const auto first = Run(request, BLIP3O_LATENTS_FIRST), velocity = Run(request, BLIP3O_VELOCITY_FIRST);
  const auto noise = Run(request, BLIP3O_NOISE);
  const auto at = [](const std::vector<uint8_t>& bytes, size_t i) {
    float value;
    std::memcpy(&value, bytes.data() + 4 * i, 4);
    return value;
  };
  for (size_t i = 0; i < kLatents; ++i) {
    const double start = 0.75 * at(latents, i) + 0.25 * at(noise, i);
    // Two roundings of a value below 8, in f32.
    EXPECT_NEAR(at(first, i), start - 0.25 * at(velocity, i), 4e-6 * std::max(1.0, std::abs(start)));
  }
}

Picture Mask(int64_t height, int64_t width, const std::function<bool(int64_t, int64_t)>& may_change) {
  Picture mask{std::vector<uint8_t>(static_cast<size_t>(height * width)), height, width, 1};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) mask.bytes[static_cast<size_t>(y * width + x)] = may_change(y, x) ? 255 : 0;
  }
  return mask;
}

TEST_F(EditingTest, AMaskKeepsTheRest) {
  pictures_ = {Gradient(kPixels, kPixels, 4)};
  const Picture mask = Mask(kPixels, kPixels, [](int64_t y, int64_t x) { return y >= 16 && y < 40 && x >= 24; });
  blip3o_request request = Edit();
  request.initial = references_[0];
  request.mask = BorrowPicture(mask);
  const auto pixels = Run(request, BLIP3O_PIXELS);
  ASSERT_EQ(pixels.size(), pictures_[0].bytes.size()) << error_.message;
  int changed = 0;
  for (size_t i = 0; i < mask.bytes.size(); ++i) {
    for (size_t c = 0; c < 3; ++c) {
      if (mask.bytes[i] == 0) {
        ASSERT_EQ(pixels[3 * i + c], pictures_[0].bytes[3 * i + c]) << "pixel " << i;
      }
      changed += pixels[3 * i + c] != pictures_[0].bytes[3 * i + c] ? 1 : 0;
    }
  }
  EXPECT_GT(changed, 1000);  // of 24 · 40 · 3 values inside
}

// Outside the mask the latents end where the reference's own path ends: at the reference's latents.
TEST_F(EditingTest, LatentsOutsideTheMaskAreTheReferences) {
  pictures_ = {Gradient(kPixels, kPixels, 4)};
  const Picture mask = Mask(kPixels, kPixels, [](int64_t y, int64_t) { return y < 32; });
  blip3o_request request = Edit();
  request.initial = references_[0];
  request.mask = BorrowPicture(mask);
  const auto latents = Run(request, BLIP3O_LATENTS), reference = Run(request, BLIP3O_REFERENCE_LATENTS);
  const auto first = Run(request, BLIP3O_LATENTS_FIRST), noise = Run(request, BLIP3O_NOISE);
  ASSERT_EQ(latents.size(), static_cast<size_t>(kLatents * 4)) << error_.message;
  const auto at = [](const std::vector<uint8_t>& bytes, int32_t i) {
    float value;
    std::memcpy(&value, bytes.data() + 4 * i, 4);
    return value;
  };
  int inside = 0;
  for (int32_t i = 0; i < kLatents; ++i) {
    const bool outside = i % (kSide * kSide) / kSide >= kSide / 2;
    if (outside) {
      ASSERT_EQ(at(latents, i), at(reference, i)) << i;
      const double path = 0.25 * at(reference, i) + 0.75 * at(noise, i);  // after the first of four steps
      ASSERT_NEAR(at(first, i), path, 4e-6 * std::max(1.0, std::abs(path))) << i;
    } else {
      inside += at(latents, i) != at(reference, i) ? 1 : 0;
    }
  }
  EXPECT_EQ(inside, kLatents / 2);
}

TEST_F(EditingTest, AWhiteMaskIsNone) {
  pictures_ = {Gradient(50, 80, 5)};
  const Picture mask = Mask(50, 80, [](int64_t, int64_t) { return true; });
  blip3o_request request = Edit();
  const auto without = Run(request, BLIP3O_PIXELS);
  request.initial = references_[0];
  request.mask = BorrowPicture(mask);
  EXPECT_EQ(without, Run(request, BLIP3O_PIXELS)) << error_.message;
}

TEST_F(EditingTest, RefusesBadPictures) {
  blip3o_request request = Edit();
  references_[0].dtype = BLIP3O_F32;
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"the reference", "u8"});
  references_[0] = BorrowPicture(pictures_[0]);
  references_[0].shape[2] = 2;
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"the reference", "2"});
  references_[0].shape[2] = 3;
  references_[0].shape[0] = 0;
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"the reference", "0"});
  const Picture thin = Gradient(1, 10000, 1);
  references_[0] = BorrowPicture(thin);
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"the reference", "10000", "100"});
  references_[0].data = nullptr;
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"the reference", "no data"});
  request = Edit();
  request.reference_count = 17;
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"reference_count", "17", "16"});
}

TEST_F(EditingTest, RefusesAPromptThatDoesNotFitItsReferences) {
  blip3o_request request = Edit();
  prompt_[5] = 3;
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"15 places", "expected 16"});
  request = Edit();
  request.reference_count = 0;
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"16 places", "expected 0"});
  request = Edit();
  request.first_stage = BLIP3O_STAGE_TOKENS;
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"pictures are given", "after the references"});
  request = Edit();
  request.reference_count = 0;
  request.last_stage = BLIP3O_STAGE_REFERENCES;
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"at least one picture"});
}

TEST_F(EditingTest, RefusesMasksAndStrengthsThatDontFit) {
  const Picture mask = Mask(48, 71, [](int64_t, int64_t) { return true; });
  blip3o_request request = Edit();
  request.initial = references_[0];
  request.mask = BorrowPicture(mask);
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"the mask is 71 x 48", "70 x 48"});
  request.mask = references_[0];
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"the mask", "3 channels"});
  request = Edit();
  request.mask = BorrowPicture(mask);
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"mask needs the initial picture"});
  request = Edit();
  request.strength = 0.5f;
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"strength is 0.5", "no initial picture"});
  request = FromInitial(0);
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"strength", "0"});
  request = FromInitial(1.5f);
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"strength", "1.5"});
}

TEST_F(EditingTest, RefusesWhatContradictsItself) {
  const std::vector<float> latents(kLatents, 0.5f);
  blip3o_request request = Edit();
  request.reference_latents = Borrow(latents.data(), BLIP3O_F32, {1, kChannels, kSide, kSide});
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"both references and reference_latents"});
  request = FromInitial(0.5f);
  request.initial_latents = Borrow(latents.data(), BLIP3O_F32, {kChannels, kSide, kSide});
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"both an initial picture and initial latents"});
  request.initial = {};
  request.last_stage = BLIP3O_STAGE_TOKENS;
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"initial_latents", "latents"});
  request = Edit();
  request.mask = Borrow(nullptr, BLIP3O_U8, {48, 70});
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"the mask has a size, but no data"});
  request = Edit();
  const int32_t unknown = 9;  // as a caller in another language might give it
  std::memcpy(&request.first_stage, &unknown, sizeof(unknown));
  ExpectRefused(request, BLIP3O_INVALID_ARGUMENT, {"stages", "9"});
}

// A long prompt of references is one prefill, which a cancellation stops between its layers.
TEST_F(EditingTest, CancelIsHeardWhileEncodingAndInThePrefill) {
  const test::CheckpointCopy copy;
  copy.PatchJson("config.json", R"({"max_position_embeddings": 65536})");
  blip3o_model_close(model_);
  ASSERT_EQ(blip3o_model_open(copy.path().c_str(), nullptr, &model_, &error_), BLIP3O_OK) << error_.message;
  for (const blip3o_event_kind kind : {BLIP3O_EVENT_STARTED, BLIP3O_EVENT_ENCODE}) {
    pictures_ = {Gradient(50, 60, kind == BLIP3O_EVENT_ENCODE ? 7 : 8)};
    blip3o_request request = Edit();
    prompt_.insert(prompt_.begin(), 20000, 1);
    request.prompt = prompt_.data();
    request.prompt_length = static_cast<int64_t>(prompt_.size());
    blip3o_job* job = nullptr;
    ASSERT_EQ(blip3o_model_submit(model_, &request, &job, &error_), BLIP3O_OK) << error_.message;
    blip3o_event event;
    // After the last part of the encoding the prefill begins.
    do {
      ASSERT_EQ(blip3o_job_next_event(job, -1, &event), 1);
    } while (event.kind != kind || (kind == BLIP3O_EVENT_ENCODE && event.index < event.count));
    blip3o_job_cancel(job);
    EXPECT_EQ(blip3o_job_wait(job, &error_), BLIP3O_CANCELLED);
    while (blip3o_job_next_event(job, -1, &event) == 1) EXPECT_NE(event.kind, BLIP3O_EVENT_TOKEN);
    blip3o_job_close(job);
  }
}

// A weight that is not finite is named, whatever part of editing it is of.
TEST_F(EditingTest, NamesTheWeightThatIsNotFinite) {
  const auto spoiled = [&](const std::string& name) {
    const test::CheckpointCopy copy;
    test::EditTensors(copy.weights(), [&](test::RawTensors& tensors) {
      const float nan = std::numeric_limits<float>::quiet_NaN();
      std::memcpy(tensors.at(name).bytes.data(), &nan, 4);
    });
    blip3o_model_close(model_);
    EXPECT_EQ(blip3o_model_open(copy.path().c_str(), nullptr, &model_, &error_), BLIP3O_OK) << error_.message;
    EXPECT_TRUE(Run(Edit(), BLIP3O_PIXELS).empty());
    EXPECT_NE(std::string(error_.message).find(name), std::string::npos) << error_.message << " lacks " << name;
  };
  const std::string tower = "model.vision_tower.vision_tower.";
  spoiled(tower + "encoder.encoder.layers.1.mlp.fc1.bias");
  spoiled(tower + "bottleneck.regularizer.embedding.weight");
  spoiled("model.sana_vae.encoder.conv_out.bias");
  spoiled("model.und_image_vae_connector.0.weight");
}

TEST_F(EditingTest, ATextModelRefusesEditsButNotImageToImage) {
  Open("tied", 0, 2);
  blip3o_model_info info;
  blip3o_model_describe(model_, &info);
  EXPECT_STREQ(info.reference_latents_lack, "");
  EXPECT_NE(std::string(info.editing_lacks), "");
  ExpectRefused(Edit(), BLIP3O_UNSUPPORTED, {"can't edit", "use_und_image_vae"});
  EXPECT_FALSE(Run(FromInitial(0.5f), BLIP3O_PIXELS).empty()) << error_.message;
}

// The flags of config.json say where references go: the condition, the noise's side, or both.
TEST_F(EditingTest, FlagsDecideWhatReferencesReach) {
  const auto with_flags = [&](bool condition, bool noise) {
    const test::CheckpointCopy copy;
    copy.PatchJson("config.json",
                   fmt::format(R"({{"use_und_image_vae": {}, "use_und_image_vae_as_noise": {}}})", condition, noise));
    blip3o_model_close(model_);
    EXPECT_EQ(blip3o_model_open(copy.path().c_str(), nullptr, &model_, &error_), BLIP3O_OK) << error_.message;
    return std::pair(Run(Edit(), BLIP3O_CONDITION).size() / (kCaption * 4), Run(Edit(), BLIP3O_LATENTS));
  };
  const auto both = with_flags(true, true), condition = with_flags(true, false), noise = with_flags(false, true);
  EXPECT_EQ(both.first, static_cast<size_t>(kTokens + 1 + kSide * kSide));
  EXPECT_EQ(condition.first, both.first);
  EXPECT_EQ(noise.first, static_cast<size_t>(kTokens + 1));
  EXPECT_NE(both.second, condition.second);
  EXPECT_NE(both.second, noise.second);
  ASSERT_FALSE(noise.second.empty()) << error_.message;
}

// A limit too small for the codebook leaves a model that opens and says what it can't do.
TEST_F(EditingTest, WithoutMemoryForTheCodebookItCantEdit) {
  Open("tiny", 4096, 2);
  blip3o_model_info info;
  blip3o_model_describe(model_, &info);
  EXPECT_NE(std::string(info.reference_tokens_lack).find("codebook"), std::string::npos) << info.reference_tokens_lack;
  EXPECT_NE(std::string(info.editing_lacks).find("codebook"), std::string::npos) << info.editing_lacks;
  EXPECT_STREQ(info.reference_latents_lack, "");
}

}  // namespace
}  // namespace blip3o
