package dev.blip3o;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/**
 * What an open model is and what it takes.
 *
 * @param directory the checkpoint's directory
 * @param imageTokens N, image tokens of a picture
 * @param imageCodes size of the image vocabulary: tokens are in {@code [0, imageCodes)}
 * @param imageTokenFirst vocabulary id of image token 0
 * @param imageStartTag vocabulary id of {@code <im_start>}
 * @param scaleStart vocabulary id of {@code <S0>}
 * @param vocabularySize prompt ids are below it
 * @param maxPromptLength the longest prompt, in ids, that leaves room for the image tokens
 * @param hiddenSize H
 * @param captionSize C
 * @param latentChannels c
 * @param latentHeight h
 * @param latentWidth w
 * @param pictureHeight pixels
 * @param pictureWidth pixels
 * @param defaultSteps denoising steps of a request that names none
 * @param defaultGuidance guidance of a request that names none
 * @param defaultTemperature temperature of a request that names none
 * @param defaultTopK top-k of a request that names none
 * @param defaultTopP top-p of a request that names none
 * @param threads worker threads
 * @param compute what {@link Compute#AUTO} became
 * @param device what {@link Device#AUTO} became: {@link Device#CPU} or {@link Device#CUDA}
 * @param deviceReason why {@link Device#AUTO} became {@link Device#CPU}, or what a {@link
 *     Device#CUDA} does without: a library, a share of its processors, products in E4M3; else empty
 * @param quantization what is kept in 8 bits
 * @param weightBytes mapped weights that the model reads
 * @param weightDtype for example {@code "BF16"} or {@code "BF16, F32"}
 * @param backend for example {@code "cpu (AVX-512)"}
 */
public record ModelInfo(
    Path directory,
    int imageTokens,
    int imageCodes,
    int imageTokenFirst,
    int imageStartTag,
    int scaleStart,
    int vocabularySize,
    int maxPromptLength,
    int hiddenSize,
    int captionSize,
    int latentChannels,
    int latentHeight,
    int latentWidth,
    int pictureHeight,
    int pictureWidth,
    int defaultSteps,
    double defaultGuidance,
    double defaultTemperature,
    int defaultTopK,
    double defaultTopP,
    int threads,
    Compute compute,
    Device device,
    Optional<String> deviceReason,
    Set<Quantization> quantization,
    long weightBytes,
    String weightDtype,
    String backend) {}
