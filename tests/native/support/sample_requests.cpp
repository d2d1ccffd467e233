#include "support/sample_requests.h"

#include <algorithm>
#include <utility>

#include "support/borrowed_tensor.h"

namespace blip3o::test {

namespace {

// Around one, two and three chunks of 128.
const std::vector<int64_t> kPromptLengths = {3, 5, 20, 127, 128, 129, 200, 256, 257, 300, 390};
constexpr int kPromptVariants = 2, kPictureVariants = 4;

constexpr uint32_t kEverything = (1u << BLIP3O_VALUE_COUNT) - 1;

}  // namespace

Picture Gradient(int64_t height, int64_t width, int variant) {
  Picture picture{std::vector<uint8_t>(static_cast<size_t>(height * width * 3)), height, width, 3};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      uint8_t* const pixel = picture.bytes.data() + (y * width + x) * 3;
      pixel[0] = static_cast<uint8_t>(x * 255 / width);
      pixel[1] = static_cast<uint8_t>(y * 255 / height);
      pixel[2] = static_cast<uint8_t>(variant * 37);
    }
  }
  return picture;
}

blip3o_tensor BorrowPicture(const Picture& picture) {
  if (picture.channels == 1) return Borrow(picture.bytes.data(), BLIP3O_U8, {picture.height, picture.width});
  return Borrow(picture.bytes.data(), BLIP3O_U8, {picture.height, picture.width, picture.channels});
}

SampleRequests::SampleRequests(blip3o_model* model, uint64_t seed) : random_(seed) {
  blip3o_request_default(model, &defaults_);
  blip3o_model_describe(model, &info_);
}

SampleRequest SampleRequests::Base() {
  SampleRequest sample;
  sample.request = defaults_;
  Settings(sample.request);
  return sample;
}

void SampleRequests::Settings(blip3o_request& request) {
  request.outputs = kEverything;
  request.seed = random_() % 1000;
  request.temperature = OneOf<float>({0.0f, 1.0f, 1.0f, 0.7f});
  request.top_k = OneOf<int32_t>({0, 1200, 5, 17});
  request.top_p = OneOf<float>({1.0f, 0.95f, 0.5f});
  request.steps = static_cast<int32_t>(1 + Below(4));
  request.guidance = OneOf<float>({1.0f, 2.0f, 4.5f});
}

void SampleRequests::SetPrompt(SampleRequest& sample, int64_t length, int variant) const {
  for (int64_t i = 0; i < length; ++i) {
    const int64_t id = (i * (7 + variant) + length + variant) % info_.image_start_tag;
    sample.prompt.push_back(static_cast<int32_t>(id));
  }
  sample.request.prompt = sample.prompt.data();
  sample.request.prompt_length = length;
}

blip3o_tensor SampleRequests::Values(SampleRequest& sample, const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  std::vector<float> values(static_cast<size_t>(count));
  blip3o_noise_fill(random_(), values.data(), count);
  sample.tensors.push_back(std::move(values));
  return Borrow(sample.tensors.back().data(), BLIP3O_F32, shape);
}

SampleRequest SampleRequests::Text(int64_t prompt_length, int variant, blip3o_stage last) {
  SampleRequest sample = Base();
  sample.name = "text of " + std::to_string(prompt_length);
  sample.request.last_stage = last;
  SetPrompt(sample, prompt_length, variant);
  return sample;
}

SampleRequest SampleRequests::RandomText() {
  const blip3o_stage last = OneOf<blip3o_stage>(
      {BLIP3O_STAGE_PIXELS, BLIP3O_STAGE_PIXELS, BLIP3O_STAGE_TOKENS, BLIP3O_STAGE_CONDITION, BLIP3O_STAGE_LATENTS});
  return Text(OneOf(kPromptLengths), static_cast<int>(Below(kPromptVariants)), last);
}

SampleRequest SampleRequests::GivenTokens() {
  SampleRequest sample = RandomText();
  sample.name += " with given tokens";
  for (int32_t i = 0; i < info_.image_tokens; ++i) {
    sample.tokens.push_back(static_cast<int32_t>(Below(info_.image_codes)));
  }
  sample.request.tokens = Borrow(sample.tokens.data(), BLIP3O_I32, {info_.image_tokens});
  return sample;
}

SampleRequest SampleRequests::Edit() {
  SampleRequest sample = Base();
  const int64_t count = 1 + Below(2);
  sample.name = "edit of " + std::to_string(count);
  for (int64_t k = 0; k < count; ++k) {
    sample.pictures.push_back(Gradient(40, 60 + 10 * k, static_cast<int>(Below(kPictureVariants))));
  }
  for (const Picture& picture : sample.pictures) sample.references.push_back(BorrowPicture(picture));
  SetPrompt(sample, OneOf(kPromptLengths), static_cast<int>(Below(kPromptVariants)));
  sample.prompt.insert(sample.prompt.begin() + 2, static_cast<size_t>(count * info_.image_tokens),
                       BLIP3O_REFERENCE_TOKEN);
  sample.request.prompt = sample.prompt.data();
  sample.request.prompt_length = static_cast<int64_t>(sample.prompt.size());
  sample.request.first_stage = BLIP3O_STAGE_REFERENCES;
  sample.request.references = sample.references.data();
  sample.request.reference_count = static_cast<int32_t>(count);
  return sample;
}

SampleRequest SampleRequests::FromPicture(bool masked) {
  SampleRequest sample = Text(OneOf(kPromptLengths), static_cast<int>(Below(kPromptVariants)));
  sample.name += masked ? " from a masked picture" : " from a picture";
  constexpr int64_t kHeight = 50, kWidth = 70;
  sample.pictures.push_back(Gradient(kHeight, kWidth, static_cast<int>(Below(kPictureVariants))));
  if (masked) {
    Picture mask{std::vector<uint8_t>(static_cast<size_t>(kHeight * kWidth)), kHeight, kWidth, 1};
    std::fill(mask.bytes.begin(), mask.bytes.begin() + kHeight / 2 * kWidth, uint8_t{255});
    sample.pictures.push_back(std::move(mask));
    sample.request.mask = BorrowPicture(sample.pictures.back());
  }
  sample.request.first_stage = BLIP3O_STAGE_REFERENCES;
  sample.request.initial = BorrowPicture(sample.pictures.front());
  sample.request.strength = OneOf<float>({1.0f, 0.6f, 0.3f});
  return sample;
}

SampleRequest SampleRequests::FromHiddenStates() {
  SampleRequest sample = Base();
  sample.name = "from hidden states";
  sample.request.first_stage = BLIP3O_STAGE_CONDITION;
  sample.request.last_stage = OneOf<blip3o_stage>({BLIP3O_STAGE_CONDITION, BLIP3O_STAGE_PIXELS});
  sample.request.hidden_states = Values(sample, {info_.image_tokens + 1, info_.hidden_size});
  return sample;
}

SampleRequest SampleRequests::FromCondition() {
  SampleRequest sample = Base();
  sample.name = "from a condition";
  const std::vector<int64_t> latents = {info_.latent_channels, info_.latent_height, info_.latent_width};
  sample.request.first_stage = BLIP3O_STAGE_LATENTS;
  sample.request.last_stage = OneOf<blip3o_stage>({BLIP3O_STAGE_LATENTS, BLIP3O_STAGE_PIXELS});
  sample.request.condition = Values(sample, {3 + Below(info_.image_tokens), info_.caption_size});
  sample.request.null_condition = Values(sample, {1, info_.caption_size});
  if (Below(2) == 0) sample.request.noise = Values(sample, latents);
  if (Below(2) == 0) {
    sample.request.initial_latents = Values(sample, latents);
    sample.request.strength = 0.5f;
  }
  return sample;
}

SampleRequest SampleRequests::FromLatents() {
  SampleRequest sample = Base();
  sample.name = "from latents";
  sample.request.first_stage = sample.request.last_stage = BLIP3O_STAGE_PIXELS;
  sample.request.latents = Values(sample, {info_.latent_channels, info_.latent_height, info_.latent_width});
  return sample;
}

SampleRequest SampleRequests::OnlyReferences() {
  SampleRequest sample = Edit();
  sample.name = "only the references of an " + sample.name;
  sample.request.last_stage = BLIP3O_STAGE_REFERENCES;
  return sample;
}

SampleRequest SampleRequests::Draw() {
  const bool edits = *info_.editing_lacks == '\0', encodes = *info_.reference_latents_lack == '\0';
  switch (Below(12)) {
    case 0:
      return GivenTokens();
    case 1:
    case 2:
      return edits ? Edit() : RandomText();
    case 3:
      return encodes ? FromPicture(false) : RandomText();
    case 4:
      return encodes ? FromPicture(true) : RandomText();
    case 5:
      return FromHiddenStates();
    case 6:
      return FromCondition();
    case 7:
      return FromLatents();
    case 8:
      return edits ? OnlyReferences() : RandomText();
    default:
      return RandomText();
  }
}

Results TakeResults(blip3o_job* job) {
  Results results;
  blip3o_error error;
  results.status = blip3o_job_wait(job, &error);
  results.message = results.status == BLIP3O_OK ? "" : error.message;
  for (int value = 0; value < BLIP3O_VALUE_COUNT && results.status == BLIP3O_OK; ++value) {
    blip3o_tensor tensor;
    if (blip3o_job_value(job, static_cast<blip3o_value>(value), &tensor, &error) != BLIP3O_OK) continue;
    size_t size = tensor.dtype == BLIP3O_U8 ? 1 : 4;
    for (int i = 0; i < tensor.rank; ++i) size *= static_cast<size_t>(tensor.shape[i]);
    const auto* data = static_cast<const uint8_t*>(tensor.data);
    results.values[value].assign(data, data + size);
  }
  blip3o_job_close(job);
  return results;
}

Results RunAlone(const std::filesystem::path& path, blip3o_compute compute, const SampleRequest& sample) {
  blip3o_model_options options;
  blip3o_model_options_default(&options);
  options.threads = 1;
  options.compute = compute;
  blip3o_model* model = nullptr;
  blip3o_job* job = nullptr;
  blip3o_error error;
  Results results;
  results.status = blip3o_model_open(path.c_str(), &options, &model, &error);
  if (results.status == BLIP3O_OK) {
    results.status = blip3o_model_submit(model, &sample.request, &job, &error);
    if (results.status == BLIP3O_OK) results = TakeResults(job);
  }
  if (job == nullptr) results.message = error.message;
  blip3o_model_close(model);
  return results;
}

}  // namespace blip3o::test
