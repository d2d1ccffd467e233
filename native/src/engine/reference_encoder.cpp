#include "engine/reference_encoder.h"

#include <algorithm>
#include <utility>

#include "ops/dry_ops.h"

namespace blip3o {

namespace {

constexpr int64_t kPictureChannels = 3;
// As many as one request may have, so that the next one about the same pictures encodes none. Each costs its two
// resized copies, its tokens and its latents: 3.6 MiB at the public sizes.
constexpr size_t kKnownPictures = static_cast<size_t>(kMaxReferences);

// A codebook that nobody may touch, for dry runs.
Matrix Untouchable(int64_t rows, int64_t cols) {
  Arena arena;
  return arena.TakeMatrix(rows, cols);
}

}  // namespace

ReferenceEncoder::ReferenceEncoder(const Checkpoint& checkpoint)
    : checkpoint_(checkpoint),
      config_(checkpoint.config()),
      tokenizer_(config_.image_tokenizer, config_.image_tokens.codes, checkpoint.weights().image_tokenizer),
      encoder_(config_.autoencoder, checkpoint.weights().encoder),
      tokens_(kKnownPictures),
      latents_(kKnownPictures) {}

int64_t ReferenceEncoder::codebook_bytes() const {
  return tokenizer_.codes() * tokenizer_.code_size() * SizeOf(DType::kF32);
}

HalfNeed ReferenceEncoder::MeasureLoad() const {
  DryOps ops;
  Arena arena;
  LoadDry(ops, arena);
  return {arena.peak_bytes(), ops.capacity()};
}

void ReferenceEncoder::LoadDry(Ops& dry_ops, Arena& arena) const {
  tokenizer_.Codebook(dry_ops, arena, Untouchable(tokenizer_.codes(), tokenizer_.code_size()));
}

Status ReferenceEncoder::Load(Ops& ops, Arena& arena) {
  BLIP3O_ASSIGN_OR_RETURN(codebook_memory_, ops.Allocate(codebook_bytes()));
  const int64_t width = tokenizer_.code_size();
  codebook_ = {static_cast<float*>(codebook_memory_.data()), tokenizer_.codes(), width, width};
  tokenizer_.Codebook(ops, arena, codebook_);
  Status status = ops.Finish();
  if (status.ok() && !ops.AllFinite(codebook_)) {
    status = checkpoint_.NotFinite(ModelPart::kImageTokenizer, "the codes of its codebook");
  }
  if (status.ok()) return {};
  // Nobody will read it.
  codebook_ = {};
  codebook_memory_ = Buffer();
  return status;
}

void ReferenceEncoder::Measure(Ops& dry_ops, Arena& arena, const Request& request) const {
  class Silent final : public Progress {
    Status Advance(int, int) override { return {}; }
  } silent;
  // Operations that compute nothing can't fail; the pictures are of one size, and taken one by one.
  if (request.MakesReferenceTokens()) (void)Tokenize(dry_ops, arena, nullptr, silent, nullptr);
  if (request.MakesReferenceLatents() || !request.initial.empty()) {
    (void)EncodeLatents(dry_ops, arena, nullptr, silent, nullptr);
  }
}

// Fills the places of pictures that the cache holds, and yields the rest, each picture once.
template <typename T>
std::vector<ReferenceEncoder::Task<T>> ReferenceEncoder::Unknown(const std::vector<Task<T>>& tasks,
                                                                 PictureCache<T>& cache) {
  const std::lock_guard lock(mutex_);
  std::vector<Task<T>> unknown;
  for (const Task<T>& task : tasks) {
    *task.place = cache.Find(*task.picture);
    const auto same = [&](const Task<T>& other) { return *other.picture == *task.picture; };
    if (*task.place == nullptr && std::none_of(unknown.begin(), unknown.end(), same)) unknown.push_back(task);
  }
  return unknown;
}

// Computes what is unknown, `size` values of a picture, and puts it in its places and into the cache.
template <typename T, typename Compute>
Status ReferenceEncoder::Fill(const std::vector<Task<T>>& tasks, const std::vector<Task<T>>& unknown, int64_t size,
                              PictureCache<T>& cache, const Compute& compute) {
  for (const Task<T>& task : unknown) {
    auto value = std::make_shared<T>(static_cast<size_t>(size));
    BLIP3O_RETURN_IF_ERROR(compute(task.picture->bytes.data(), value->data()));
    *task.place = value;
    const std::lock_guard lock(mutex_);
    cache.Put(*task.picture, std::move(value));
  }
  // A picture that came twice was computed at its first place.
  for (const Task<T>& task : tasks) {
    if (*task.place != nullptr) continue;
    for (const Task<T>& other : unknown) {
      if (*other.picture == *task.picture) *task.place = *other.place;
    }
  }
  return {};
}

Status ReferenceEncoder::Encode(Ops& ops, Arena& arena, const Request& request, RunObserver& observer,
                                EncodedPictures& encoded) {
  const size_t count = request.references.size();
  std::vector<Task<TokenList>> to_tokenize;
  std::vector<Task<LatentPlanes>> to_encode;
  if (request.MakesReferenceTokens()) encoded.reference_tokens.resize(count);
  if (request.MakesReferenceLatents()) encoded.reference_latents.resize(count);
  for (size_t k = 0; k < encoded.reference_tokens.size(); ++k) {
    to_tokenize.push_back({&request.references[k].tokenizer, &encoded.reference_tokens[k]});
  }
  for (size_t k = 0; k < encoded.reference_latents.size(); ++k) {
    to_encode.push_back({&request.references[k].autoencoder, &encoded.reference_latents[k]});
  }
  if (!request.initial.empty()) to_encode.push_back({&request.initial.autoencoder, &encoded.initial_latents});

  const std::vector<Task<TokenList>> new_tokens = Unknown(to_tokenize, tokens_);
  const std::vector<Task<LatentPlanes>> new_latents = Unknown(to_encode, latents_);
  const int parts = static_cast<int>(new_tokens.size()) * tokenizer_.Parts() +
                    static_cast<int>(new_latents.size()) * encoder_.Parts();
  int done = 0;
  const auto tokenize = [&](const uint8_t* pixels, int32_t* tokens) {
    PartProgress progress(ops, observer, EventKind::kEncode, parts, done);
    done += tokenizer_.Parts();
    return Tokenize(ops, arena, pixels, progress, tokens);
  };
  const auto encode = [&](const uint8_t* pixels, float* planes) {
    PartProgress progress(ops, observer, EventKind::kEncode, parts, done);
    done += encoder_.Parts();
    return EncodeLatents(ops, arena, pixels, progress, planes);
  };
  const int64_t side = config_.latent_side();
  BLIP3O_RETURN_IF_ERROR(Fill(to_tokenize, new_tokens, config_.image_tokens.tokens, tokens_, tokenize));
  return Fill(to_encode, new_latents, config_.autoencoder.latent_channels * side * side, latents_, encode);
}

// [side², 3] in [-1, 1]
Matrix ReferenceEncoder::LoadImage(Ops& ops, Arena& arena, const uint8_t* pixels, int64_t side) const {
  const Matrix image = arena.TakeMatrix(side * side, kPictureChannels);
  uint8_t* const bytes = arena.Take<uint8_t>(image.rows * image.cols);
  ops.CopyIn(pixels, image.rows * image.cols, bytes);
  ops.FromPixels(bytes, image);
  return image;
}

Status ReferenceEncoder::Tokenize(Ops& ops, Arena& arena, const uint8_t* pixels, Progress& progress,
                                  int32_t* host) const {
  const Arena::Scope scope(arena);
  const Matrix image = LoadImage(ops, arena, pixels, config_.image_tokenizer.image_size);
  const int64_t count = config_.image_tokens.tokens;
  int32_t* const tokens = arena.Take<int32_t>(count);
  const Matrix codebook = codebook_.empty() ? Untouchable(tokenizer_.codes(), tokenizer_.code_size()) : codebook_;
  const Status status = tokenizer_.Tokenize(ops, arena, image, codebook, progress, tokens);
  if (status.code() == StatusCode::kNumericError) {
    return checkpoint_.NotFinite(ModelPart::kImageTokenizer, "the features of a picture");
  }
  BLIP3O_RETURN_IF_ERROR(status);
  ops.CopyOut(tokens, count * SizeOf(DType::kI32), host);
  return ops.Finish();
}

Status ReferenceEncoder::EncodeLatents(Ops& ops, Arena& arena, const uint8_t* pixels, Progress& progress,
                                       float* host) const {
  const Arena::Scope scope(arena);
  const int64_t side = config_.picture_side(), latents = config_.latent_side() * config_.latent_side();
  const Matrix image = LoadImage(ops, arena, pixels, side);
  const Matrix map = arena.TakeMatrix(latents, config_.autoencoder.latent_channels);
  BLIP3O_RETURN_IF_ERROR(encoder_.Encode(ops, arena, image, side, side, progress, map));
  if (!ops.AllFinite(map)) return checkpoint_.NotFinite(ModelPart::kEncoder, "the latents of a picture");
  float* const planes = arena.Take<float>(map.rows * map.cols);
  ops.ToPlanes(map, static_cast<float>(config_.autoencoder.scaling_factor), planes);
  ops.CopyOut(planes, map.rows * map.cols * SizeOf(DType::kF32), host);
  return ops.Finish();
}

}  // namespace blip3o
