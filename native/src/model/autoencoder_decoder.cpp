#include "model/autoencoder_decoder.h"

#include <algorithm>

namespace blip3o {

namespace {

int64_t RoundUpToEven(int64_t n) { return (n + 1) / 2 * 2; }

Grid Doubled(const Grid& grid) { return {grid.pictures, 2 * grid.height, 2 * grid.width}; }

}  // namespace

std::vector<AutoencoderDecoder::Level> AutoencoderDecoder::LevelsOf(int64_t height, int64_t width) const {
  const auto& stages = config_.decoder.stages;
  std::vector<Level> levels;
  for (size_t i = stages.size(); i-- > 0;) {
    if (!levels.empty() && stages[i].layers == 0) continue;
    levels.push_back({i, levels.empty() ? Grid{1, height, width} : Doubled(levels.back().grid)});
  }
  return levels;
}

// Attention sees the whole map. A block's convolutions see two rows around a row, the output's one; bands begin at even
// rows, where those of the coarser map do.
std::vector<AutoencoderDecoder::Band> AutoencoderDecoder::BandsOf(const std::vector<Level>& levels) const {
  const Level& last = levels.back();
  const AutoencoderStageConfig& stage = config_.decoder.stages[last.stage];
  const int64_t row_bytes = last.grid.width * stage.channels * SizeOf(DType::kF32), height = last.grid.height;
  if (levels.size() == 1 || !weights_.stages[last.stage].vit_blocks.empty()) return {};
  if (height * row_bytes <= most_map_bytes_) return {};
  const int64_t halo = RoundUpToEven(2 * stage.layers + 1), cut = 4;  // rows that the up-sampler makes and none reads
  const int64_t most_rows = std::max<int64_t>(2, (most_map_bytes_ / row_bytes - 2 * halo - cut) / 2 * 2);
  const int64_t count = (height + most_rows - 1) / most_rows, rows = RoundUpToEven((height + count - 1) / count);
  std::vector<Band> bands;
  for (int64_t first = 0; first < height; first += rows) {
    const int64_t end = std::min(height, first + rows);
    bands.push_back({first, end, std::max<int64_t>(0, first - halo), std::min(height, end + halo)});
  }
  return bands;
}

int AutoencoderDecoder::Parts(int64_t height, int64_t width) const {
  const std::vector<Level> levels = LevelsOf(height, width);
  const int64_t bands = static_cast<int64_t>(BandsOf(levels).size());
  const int64_t finest = config_.decoder.stages[levels.back().stage].layers + 1;  // and the output
  return AutoencoderParts(config_.decoder) + static_cast<int>(bands > 0 ? (bands - 1) * finest : 0);
}

// Maps double in side from stage to stage: the finest that is whole, which is last, lies at the bottom.
Status AutoencoderDecoder::Decode(Ops& ops, Arena& arena, const Matrix& latents, int64_t height, int64_t width,
                                  Progress& progress, const Matrix& image) const {
  const int count = Parts(height, width);
  int done = 0;
  const auto advance = [&] { return progress.Advance(++done, count); };

  std::vector<Level> levels = LevelsOf(height, width);
  const std::vector<Band> bands = BandsOf(levels);
  const Level finest = levels.back();
  if (!bands.empty()) levels.pop_back();
  std::vector<int64_t> sizes;
  for (const Level& level : levels) sizes.push_back(level.grid.rows() * config_.decoder.stages[level.stage].channels);
  MapChain chain(arena, sizes, sizes.size() - 1);
  AutoencoderMap map;
  for (size_t k = 0; k < levels.size(); ++k) {
    const AutoencoderStageConfig& stage = config_.decoder.stages[levels[k].stage];
    const AutoencoderStageWeights& weights = weights_.stages[levels[k].stage];
    const AutoencoderMap next{chain.Next(levels[k].grid.rows(), stage.channels), levels[k].grid};
    if (k == 0) {
      Input(ops, latents, next);
      BLIP3O_RETURN_IF_ERROR(advance());
    } else {
      Upsample(ops, arena, weights.sampler, map, true, next);
    }
    map = next;
    chain.DropPrevious();
    BLIP3O_RETURN_IF_ERROR(AutoencoderStage(ops, arena, config_, stage, weights, map, advance));
  }
  for (const Band& band : bands) {
    BLIP3O_RETURN_IF_ERROR(DecodeBand(ops, arena, finest, band, map, advance, image));
  }
  if (!bands.empty()) return {};
  Output(ops, arena, map, image);
  return advance();
}

Status AutoencoderDecoder::DecodeBand(Ops& ops, Arena& arena, const Level& level, const Band& band,
                                      const AutoencoderMap& in, const std::function<Status()>& advance,
                                      const Matrix& image) const {
  const Arena::Scope scope(arena);
  const AutoencoderStageConfig& stage = config_.decoder.stages[level.stage];
  const AutoencoderStageWeights& weights = weights_.stages[level.stage];
  const int64_t width = level.grid.width;
  // One row more of the coarser map on either side: what is made of it is cut off.
  const int64_t in_first = std::max<int64_t>(0, band.from / 2 - 1), in_end = std::min(in.grid.height, band.to / 2 + 1);
  const Grid part{1, in_end - in_first, in.grid.width};
  const Matrix wide = arena.TakeMatrix(Doubled(part).rows(), stage.channels);
  Upsample(ops, arena, weights.sampler, {in.x.Rows(in_first * in.grid.width, part.rows()), part}, true,
           {wide, Doubled(part)});
  const Grid grid{1, band.to - band.from, width};
  const AutoencoderMap map{wide.Rows((band.from - 2 * in_first) * width, grid.rows()), grid};
  BLIP3O_RETURN_IF_ERROR(AutoencoderStage(ops, arena, config_, stage, weights, map, advance));

  const int64_t pixels = OutputScale() * OutputScale() * width;  // of a row of the map
  const Matrix out = arena.TakeMatrix(grid.height * pixels, image.cols);
  Output(ops, arena, map, out);
  const int64_t count = (band.end - band.first) * pixels;
  ops.Copy(out.Rows((band.first - band.from) * pixels, count), image.Rows(band.first * pixels, count));
  return advance();
}

void AutoencoderDecoder::Input(Ops& ops, const Matrix& latents, const AutoencoderMap& out) const {
  ops.Conv3x3(latents, out.grid, weights_.conv_in.weight, {.bias = weights_.conv_in.bias}, out.x);
  if (config_.decoder.shortcut) ops.AddRepeated(latents, out.x);
}

void AutoencoderDecoder::Upsample(Ops& ops, Arena& arena, const ConvWeights& weights, const AutoencoderMap& in,
                                  bool shortcut, const AutoencoderMap& out) const {
  if (config_.decoder.rearrange) {
    const Arena::Scope scope(arena);
    const Matrix inner = arena.TakeMatrix(in.grid.rows(), 4 * out.x.cols);
    ops.Conv3x3(in.x, in.grid, weights.weight, {.bias = weights.bias}, inner);
    ops.PixelShuffle(inner, in.grid, out.x);
  } else {
    ops.UpsampleConv3x3(in.x, in.grid, weights.weight, weights.bias, out.x);
  }
  if (shortcut) ops.AddUpsampled(in.x, in.grid, out.x);
}

void AutoencoderDecoder::Output(Ops& ops, Arena& arena, const AutoencoderMap& map, const Matrix& image) const {
  const Activation activation = ToActivation(config_.decoder.conv_activation);
  ops.RmsNorm(map.x, weights_.norm_out, weights_.norm_out_bias, kAutoencoderNormEps, activation, {}, map.x);
  if (OutputScale() == 1) {
    ops.Conv3x3(map.x, map.grid, weights_.conv_out.weight, {.bias = weights_.conv_out.bias}, image);
  } else {
    Upsample(ops, arena, weights_.conv_out, map, false, {image, Doubled(map.grid)});
  }
}

}  // namespace blip3o
