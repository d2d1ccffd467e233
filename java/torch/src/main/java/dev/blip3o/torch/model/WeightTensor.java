package dev.blip3o.torch.model;

import java.nio.ByteBuffer;

/**
 * A weight of a checkpoint.
 *
 * @param name as in the checkpoint
 * @param type how its numbers are stored
 * @param shape the sizes of its axes, slowest first
 * @param data direct, little-endian, dense and row-major
 */
public record WeightTensor(String name, WeightType type, long[] shape, ByteBuffer data) {}
